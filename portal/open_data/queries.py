"""Reading public decisions for feeds and exports."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.bases.models import Article, Basis
from portal.db import db
from portal.decisions.models import Decision
from portal.decisions.queries import Filter, is_public, narrowed, public_party_name
from portal.decisions.rules import path
from portal.open_data import rules
from portal.organs.models import Organ
from portal.parties.models import Party, PartyKind

CHUNK = 500
# So many entries a feed has at most.
NEWEST = 50
TEXTS = (
    "document_number",
    "title",
    "violation",
    "facts",
    "content",
    "certificate",
    "document_name",
    "permit_category",
    "permit_number",
    "industry",
    "place",
    "legal_representative",
    "note",
)
DAYS = ("decided_on", "valid_from", "valid_to", "publish_until")
COLUMNS = (
    Decision.id,
    Decision.kind,
    Decision.published_at,
    Decision.corrected_at,
    Decision.measures,
    Decision.fine,
    Decision.confiscated,
    Decision.basis_text,
    *(getattr(Decision, name) for name in (*TEXTS, *DAYS)),
    Party.kind.label("party_kind"),
    Party.name.label("party_name"),
    Party.credit_code,
    Organ.name.label("organ_name"),
    Organ.slug.label("organ_slug"),
    Organ.credit_code.label("organ_code"),
    Basis.title.label("basis_title"),
    Article.label.label("article_label"),
)


def select_public(wanted: Filter, *, on: date) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement over what is public on a day and fits a filter, newest first."""
    statement = sa.select(*COLUMNS).join(Decision.party).join(Decision.organ)
    statement = statement.outerjoin(Decision.article).outerjoin(Article.basis).where(is_public(on))
    return narrowed(statement, wanted).order_by(Decision.published_at.desc(), Decision.id.desc())


def list_newest(wanted: Filter, *, on: date) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the decisions of a feed."""
    return db.session.execute(select_public(wanted, on=on).limit(NEWEST)).all()


def walk(wanted: Filter, *, on: date, limit: int) -> Iterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
    """Yield what is public in pieces; memory is that of one piece, and no transaction stays open between two.

    What is withdrawn meanwhile is not in the pieces that follow.
    """
    statement, left = select_public(wanted, on=on), limit
    last: Any = None
    while left > 0:
        piece = statement
        if last is not None:
            piece = piece.where(comes_after(last.published_at, last.id))
        rows = db.session.execute(piece.limit(min(CHUNK, left))).all()
        db.session.rollback()
        if not rows:
            return
        yield rows
        last, left = rows[-1], left - len(rows)


def comes_after(published_at: datetime, decision_id: int) -> sa.ColumnElement[bool]:
    """Return the condition that a decision comes after another one, newest first."""
    same = sa.and_(Decision.published_at == published_at, Decision.id < decision_id)
    return sa.or_(Decision.published_at < published_at, same)


def has_more(wanted: Filter, *, on: date, than: int) -> bool:
    """Whether more decisions fit a filter than so many."""
    statement = sa.select(Decision.id).join(Decision.party).where(is_public(on))
    return db.session.scalar(narrowed(statement, wanted).offset(than).limit(1)) is not None


def values_of(row: Any, *, root: str) -> dict[str, str]:
    """Return what the exports say of a decision; of natural persons neither code nor full name."""
    person = row.party_kind is PartyKind.PERSON
    article = f"{row.basis_title} {row.article_label}" if row.article_label else ""
    values = {name: getattr(row, name) for name in TEXTS}
    values |= {name: rules.day(getattr(row, name)) for name in DAYS}
    return values | {
        "kind": rules.KINDS[row.kind],
        "party": public_party_name(row.party_kind, row.party_name),
        "party_kind": rules.PARTY_KINDS[row.party_kind],
        "credit_code": "" if person else row.credit_code or "",
        "legal_representative": "" if person else row.legal_representative,
        "basis": row.basis_text or article,
        "measures": ";".join(row.measures or []),
        "fine": rules.ten_thousands(row.fine),
        "confiscated": rules.ten_thousands(row.confiscated),
        "valid_until": rules.day(row.valid_to) or rules.NO_END,
        "organ": row.organ_name,
        "organ_code": row.organ_code or "",
        "published_on": rules.day(clock.local(row.published_at).date()),
        "url": root + path(row.id),
    }
