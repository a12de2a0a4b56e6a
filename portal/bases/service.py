"""What staff say of a text: its level and issuer, from when and until when it holds, and what is in its place."""

from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from portal import clock
from portal.audit import service as audit
from portal.bases import rules
from portal.bases.models import Basis, BasisStatus
from portal.db import db
from portal.errors import Conflict, NotFound, Refusal
from portal.law_texts.rules import DAY
from portal.search import service as search
from portal.search.models import EntryKind


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What staff say of a text; `ended_on` is the first day on which it holds no longer."""

    level: str
    issuer: str
    document_number: str
    effective_on: date | None
    status: BasisStatus
    ended_on: date | None
    replaced_by_id: int | None


def get_text(basis_id: int, *, lock: bool = False) -> Basis:
    """Return a text with its articles by its number; raises NotFound."""
    statement = sa.select(Basis).where(Basis.id == basis_id).options(selectinload(Basis.articles))
    basis = db.session.scalar(statement.with_for_update(of=Basis) if lock else statement)
    if basis is None:
        raise NotFound(_l("There is no such text."))
    return basis


def set_facts(*, basis: Basis, facts: Facts, seen: str, staff_id: int) -> None:
    """Change what is said of a text; from then on no file changes that.

    Raises Conflict when somebody else changed it since it was `seen`, Refusal when the days contradict each other.
    """
    if seen != stamp(basis):
        raise Conflict(_l("Somebody else has changed this text meanwhile. Look at it again before you save."))
    start = rules.starts_on(basis.version_on, facts.effective_on)
    if facts.status is not BasisStatus.IN_FORCE and facts.ended_on is None:
        raise Refusal(_l("Say from which day on it holds no longer."), field="ended_on")
    if facts.ended_on is not None and start is not None and facts.ended_on < start:
        raise Refusal(_l("It would end before it begins."), field="ended_on")
    _refuse_circle(basis, facts.replaced_by_id)
    changed = [name for name, value in asdict(facts).items() if getattr(basis, name) != value]
    for name in changed:
        setattr(basis, name, getattr(facts, name))
    basis.edited_at = clock.now()
    db.session.flush()
    index_basis(basis)
    words = {"changed": changed, "status": facts.status.value, "replaced_by": facts.replaced_by_id}
    audit.record("basis.edit", f"basis:{basis.id}", staff_id=staff_id, **words)


def _refuse_circle(basis: Basis, replaced_by_id: int | None) -> None:
    """Raise Refusal when a text would be replaced by itself, by way of whatever others."""
    seen: set[int] = set()
    current = replaced_by_id
    while current is not None and current not in seen:
        if current == basis.id:
            raise Refusal(_l("A text cannot be in its own place."), field="replaced_by")
        seen.add(current)
        current = db.session.scalar(sa.select(Basis.replaced_by_id).where(Basis.id == current))


def stamp(basis: Basis) -> str:
    """Return what tells one state of a text from the next."""
    return basis.edited_at.isoformat() if basis.edited_at else ""


def index_basis(basis: Basis) -> None:
    """Enter a text and each of its articles into the search; what has ended is found no longer, but for repealed texts.

    Of these the head stays, so that whoever looks for one learns that it is repealed.
    """
    since = basis.version_on or basis.effective_on or clock.today()
    until = basis.ended_on - DAY if basis.ended_on else None
    if basis.status is not BasisStatus.IN_FORCE and until is None:
        until = since - DAY
    superseded = basis.status is BasisStatus.AMENDED
    head = search.Entry(
        record_id=basis.id,
        url=rules.path(basis.slug),
        title=basis.title,
        passage=" ".join(filter(None, (basis.issuer, basis.document_number, basis.note, basis.annex))),
        published_on=since,
        published_until=until if superseded else None,
    )
    search.index(EntryKind.BASIS, head)
    entries = [
        search.Entry(
            record_id=article.id,
            url=rules.path(basis.slug, article.number, article.suffix),
            title=f"{basis.title} {article.label}",
            passage=article.text,
            published_on=since,
            published_until=until,
        )
        for article in basis.articles
    ]
    search.index_many(EntryKind.ARTICLE, entries)
