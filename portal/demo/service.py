"""Filling a data directory with the demonstration."""

from datetime import date, timedelta

import sqlalchemy as sa

from portal import clock
from portal.accounts.models import Role, Staff
from portal.accounts.service import create_staff
from portal.audit import service as audit
from portal.db import db
from portal.demo import rules
from portal.organs.models import Officer, Organ, OrganKind


def load(*, password: str) -> bool:
    """Load the demonstration into an empty database; False when it is there already."""
    if db.session.scalar(sa.select(Staff.id).limit(1)):
        return False
    organs = create_organs()
    create_officers(organs)
    create_accounts(organs, password)
    db.session.flush()
    audit.record("demo.load", "demo")
    db.session.commit()
    return True


def create_organs() -> dict[str, Organ]:
    """Create the dozen organs, by slug."""
    organs: dict[str, Organ] = {}
    for entry in rules.facts()["organs"]:
        organs[entry["slug"]] = Organ(
            slug=entry["slug"],
            name=entry["name"],
            name_en=entry["name_en"],
            short_name=entry["short_name"],
            kind=OrganKind(entry.get("kind", "statutory")),
            phone=entry["phone"],
            address=entry["address"],
            legal_ground="本级人民政府确认的行政执法主体（虚构）",
            credit_code=rules.organ_code(len(organs) + 1),
            supervises=entry.get("supervises", False),
            valid_from=date(2019, 3, 1),
        )
    db.session.add_all(organs.values())
    db.session.flush()
    return organs


def create_officers(organs: dict[str, Organ]) -> None:
    """Create officers; every ninth card has run out, every fourteenth is suspended."""
    today = clock.today()
    number = 0
    for entry in rules.facts()["organs"]:
        for _ in range(entry.get("officers", 0)):
            number += 1
            db.session.add(
                Officer(
                    organ_id=organs[entry["slug"]].id,
                    name=rules.officer_name(number),
                    card_number=rules.card_number(number),
                    category="行政执法",
                    valid_from=today - timedelta(days=900),
                    valid_to=today - timedelta(days=30) if number % 9 == 0 else today + timedelta(days=400 + number),
                    suspended_on=today - timedelta(days=5) if number % 14 == 0 else None,
                )
            )


def create_accounts(organs: dict[str, Organ], password: str) -> None:
    """Create one account for each role."""
    for entry in rules.facts()["staff"]:
        create_staff(
            email=entry["email"],
            name=entry["name"],
            role=Role(entry["role"]),
            password=password,
            organ_id=organs[entry["organ"]].id,
        )
