"""Asking the register of powers to which organ a case belongs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from portal.complaint_routing import rules
from portal.complaint_routing.rules import Holder, Matter, Suggestion
from portal.db import db
from portal.organs.queries import lives_of, load_organs
from portal.powers.models import PowerItem
from portal.powers.queries import exists_on, find_holder

# Organs of streets and towns that hold a power of one name; a city has some dozens.
MOST_OF_A_NAME = 50


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a case: `subjects` are the organs that it complains about, if it does."""

    delicate: bool
    subjects: frozenset[int] = frozenset()
    organ_id: int | None = None
    power_item_id: int | None = None
    street: str = ""


def suggest(about: About, *, on: date) -> Suggestion:
    """Return which organ a case belongs to on a day, and why."""
    organs = load_organs()
    lives = lives_of(organs)
    supervising_id = next((key for key, organ in organs.items() if organ.supervises), None)
    holders: list[Holder] = []
    if about.power_item_id is not None and not about.delicate:
        holders = _list_holders(about.power_item_id, on, organs)
    matter = Matter(
        delicate=about.delicate,
        subjects=about.subjects,
        organ_id=about.organ_id,
        street=about.street.strip(),
        holders=holders,
    )
    return rules.suggest(matter, supervising_id=supervising_id, on=on, lives=lives)


def _list_holders(item_id: int, on: date, organs: Mapping[int, Any]) -> list[Holder]:
    own = db.session.get(PowerItem, item_id)
    if own is None:
        return []
    same = sa.select(PowerItem).where(PowerItem.name == own.name, PowerItem.id != item_id, *exists_on(on))
    others = db.session.scalars(same.order_by(PowerItem.id).limit(MOST_OF_A_NAME)).all()
    lives = lives_of(organs)
    found = []
    for item in (own, *others):
        holding = find_holder(item, on, lives)
        organ_id = holding.organ_id if holding else None
        names = (organs[organ_id].name,) if organ_id is not None else ()
        found.append(Holder(organ_id, holding.since if holding else None, names))
    return found
