"""Keeping organs and officers."""

import hashlib
from collections.abc import Set
from datetime import date

import sqlalchemy as sa

from portal import clock
from portal.db import batched, db
from portal.organs import rules
from portal.organs.models import Officer, Organ
from portal.search import service as search
from portal.search.models import EntryKind


def create_organ(*, slug: str, name: str, **values: object) -> Organ:
    """Create an organ and make it findable; `values` are the other columns."""
    organ = Organ(slug=slug, name=name, **values)
    db.session.add(organ)
    db.session.flush()
    index_organ(organ)
    return organ


def keep_organs(names: Set[str]) -> dict[str, int]:
    """Return the ids of organs by name; one that nobody has entered is kept as not confirmed."""
    found: dict[str, int] = {}
    for some in batched(sorted(names)):
        rows = db.session.execute(sa.select(Organ.name, Organ.id).where(Organ.name.in_(some)))
        found |= {row.name: row.id for row in rows}
    for name in sorted(names - found.keys()):
        slug = f"imported-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
        found[name] = create_organ(slug=slug, name=name, confirmed=False).id
    return found


def index_organ(organ: Organ) -> None:
    """Enter an organ into the search, or take it out while it is not confirmed."""
    if not organ.confirmed:
        search.remove(EntryKind.ORGAN, organ.id)
        return
    entry = search.Entry(
        record_id=organ.id,
        url=rules.path(organ.slug),
        title=organ.name,
        passage=" ".join(filter(None, (organ.name_en, organ.legal_ground, organ.address))),
        keywords=f"{organ.short_name} {organ.credit_code or ''}",
        organ_id=organ.id,
        published_on=organ.valid_from or clock.today(),
        published_until=organ.valid_to,
    )
    search.index(EntryKind.ORGAN, entry)


def add_officer(
    *, organ: Organ, name: str, card_number: str, valid_from: date, valid_to: date, category: str = ""
) -> Officer:
    """Add an officer; the card number is kept as `rules.normalise_card_number` writes it."""
    officer = Officer(
        organ=organ,
        name=name,
        card_number=rules.normalise_card_number(card_number),
        category=category,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    db.session.add(officer)
    db.session.flush()
    return officer
