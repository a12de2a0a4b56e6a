"""Organs, officers and powers for tests."""

from datetime import date
from itertools import count
from typing import Any

from portal.db import db
from portal.officers.service import add_officer
from portal.organs.models import Officer, Organ
from portal.powers import service
from portal.powers.models import PowerCategory, PowerItem

_numbers = count(1)


def make_organ(*, name: str = "", supervises: bool = False, **values: object) -> Organ:
    """Create an organ."""
    number = next(_numbers)
    values = {"slug": f"organ-{number}"} | values
    organ = Organ(name=name or f"虚构市第{number}执法局", supervises=supervises, **values)
    db.session.add(organ)
    db.session.flush()
    return organ


def make_officer(organ: Organ, number: str = "16080000001", **changes: Any) -> Officer:
    """Add an officer whose card runs from 2025 to the first day of 2027."""
    values: dict[str, Any] = {
        "name": "张虚构",
        "card_number": number,
        "valid_from": date(2025, 1, 1),
        "valid_to": date(2027, 1, 1),
        "category": "行政执法",
    }
    return add_officer(organ=organ, **(values | changes))


def make_power(organ: Organ, **changes: Any) -> PowerItem:
    """Enter a penalty power of an organ."""
    values: dict[str, Any] = {
        "code": f"CF-{next(_numbers):04d}",
        "name": "对虚构行为的处罚",
        "category": PowerCategory.PENALTY,
        "organ_id": organ.id,
    }
    return service.create_item(content=service.Content(**(values | changes)), staff_id=None)


def transfer(item: PowerItem, organ: Organ, since: date, until: date | None = None) -> None:
    """Give a power to another organ."""
    content = service.TransferContent(organ_id=organ.id, since=since, until=until, document_number="虚构〔2026〕1号")
    service.add_transfer(item=item, content=content, staff_id=None)
