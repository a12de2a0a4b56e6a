"""What the form of a complaint offers: organs and officers that words find, places, answers that are public already."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import contains_eager

from portal import clock
from portal.complaints.models import Complaint
from portal.complaints.queries import list_organs
from portal.db import db
from portal.organs.models import Officer
from portal.organs.rules import normalise_card_number
from portal.parties.models import Party
from portal.search.models import EntryKind
from portal.search.queries import list_similar

MOST_FOUND = 5
MOST_STREETS = 100
STREETS_KEPT_FOR = timedelta(minutes=10)
MOST_SIMILAR = 3
# What may answer a question before it is asked.
ANSWERED = (EntryKind.ANSWER,)
EXPLAINED = (EntryKind.PROCEDURE, EntryKind.BASIS, EntryKind.DISCRETION, EntryKind.POWER)
LIKE_WITHIN = timedelta(days=30)


def find_organs(words: str, on: date) -> list[sa.Row[int, str, str]]:
    """Return organs whose name holds some words."""
    wanted = words.casefold()
    if len(wanted) < 2:
        return []
    return [row for row in list_organs(on) if wanted in row.name or wanted in row.name_en.casefold()][:MOST_FOUND]


def find_officers(words: str) -> Sequence[Officer]:
    """Return officers by their whole name or card number, and by nothing less: this is no list to look through."""
    number, name = normalise_card_number(words), words.replace(" ", "")
    if len(name) < 2:
        return []
    statement = sa.select(Officer).join(Officer.organ).options(contains_eager(Officer.organ))
    statement = statement.where(sa.or_(Officer.name == name, Officer.card_number == number))
    return db.session.scalars(statement.order_by(Officer.id).limit(MOST_FOUND)).all()


def find_officer(officer_id: int) -> Officer | None:
    """Return an officer that was found before."""
    return db.session.get(Officer, officer_id)


def list_streets() -> Sequence[str]:
    """Return the streets and townships that the register of parties names, for a list to choose from.

    They hardly ever change, and finding them reads the whole register: each process asks for them now and then.
    """
    kept: tuple[datetime, Sequence[str]] | None = current_app.extensions.get("streets")
    if kept and kept[0] > clock.now():
        return kept[1]
    statement = sa.select(Party.street).distinct().where(Party.street != "").order_by(Party.street)
    found = db.session.scalars(statement.limit(MOST_STREETS)).all()
    current_app.extensions["streets"] = (clock.now() + STREETS_KEPT_FOR, found)
    return found


def list_answers(text: str, on: date) -> Sequence[Any]:
    """Return what is public and close to what somebody wants to say: published answers, then what explains the law."""
    answered = list_similar(text, kinds=ANSWERED, on=on, most=MOST_SIMILAR)
    explained = list_similar(text, kinds=EXPLAINED, on=on, most=MOST_SIMILAR - len(answered))
    return [*answered, *explained]


def find_like(complaint_id: int | None, organ_id: int | None, category: str) -> Complaint | None:
    """Return the complaint that this browser has proven to hold, if it is about the same and not long ago.

    Whoever types somebody else's number learns nothing: nothing else is looked at.
    """
    known = db.session.get(Complaint, complaint_id) if complaint_id else None
    if known is None or known.received_at < clock.now() - LIKE_WITHIN:
        return None
    same_organ = organ_id is not None and known.organ_id == organ_id
    return known if same_organ or (category != "other" and known.category == category) else None
