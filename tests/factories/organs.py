"""Organs and officers for tests."""

from itertools import count

from portal.db import db
from portal.organs.models import Organ

_numbers = count(1)


def make_organ(*, name: str = "", supervises: bool = False, **values: object) -> Organ:
    """Create an organ."""
    number = next(_numbers)
    organ = Organ(slug=f"organ-{number}", name=name or f"虚构市第{number}执法局", supervises=supervises, **values)
    db.session.add(organ)
    db.session.flush()
    return organ
