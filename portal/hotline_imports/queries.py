"""Reading what tickets are compared with: the organs by name, and the tickets that are here already."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from portal import clock
from portal.cells import fold
from portal.complaints.models import Complaint
from portal.db import batched, db
from portal.organs.models import Organ


@dataclass(frozen=True)
class Known:
    """What rows are read against."""

    organs: dict[str, int]
    today: date


def load_known() -> Known:
    """Load the organs by their folded names."""
    rows = db.session.execute(sa.select(Organ.name, Organ.id).where(Organ.confirmed))
    return Known({fold(row.name): row.id for row in rows}, clock.today())


def list_filed(numbers: Collection[str]) -> set[str]:
    """Return which of these tickets are in the register."""
    filed: set[str] = set()
    for some in batched(sorted(numbers)):
        statement = sa.select(Complaint.external_number).where(Complaint.external_number.in_(some))
        filed |= {number for number in db.session.scalars(statement) if number}
    return filed
