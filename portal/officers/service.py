"""Keeping officers; what the public may know of a card is read in `portal.organs.queries`."""

from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.audit import service as audit
from portal.db import db
from portal.errors import Conflict, Refusal, TransitionError
from portal.organs import rules
from portal.organs.models import Officer, Organ

COLUMNS = ("name", "category", "valid_from", "valid_to")


def add_officer(
    *,
    organ: Organ,
    name: str,
    card_number: str,
    valid_from: date,
    valid_to: date,
    category: str = "",
    staff_id: int | None = None,
) -> Officer:
    """Add an officer; the card number is kept as `rules.normalise_card_number` writes it.

    Raises Refusal when the card would end before it begins or the number is none, Conflict when it is taken.
    """
    number = check_number(card_number)
    _refuse_backwards(valid_from, valid_to)
    officer = Officer(
        organ=organ, name=name, card_number=number, category=category, valid_from=valid_from, valid_to=valid_to
    )
    db.session.add(officer)
    db.session.flush()
    audit.record("officer.create", f"officer:{officer.id}", staff_id=staff_id)
    return officer


def update_officer(
    *, officer: Officer, organ: Organ, staff_id: int | None, name: str, category: str, valid_from: date, valid_to: date
) -> bool:
    """Change an officer, or extend the card; False when nothing differs.

    Raises Refusal when the card would end before it begins.
    """
    wanted = {"name": name, "category": category, "valid_from": valid_from, "valid_to": valid_to}
    changed = [column for column in COLUMNS if getattr(officer, column) != wanted[column]]
    if officer.organ_id != organ.id:
        changed.append("organ")
    if not changed:
        return False
    _refuse_backwards(valid_from, valid_to)
    for column, value in wanted.items():
        setattr(officer, column, value)
    officer.organ = organ
    db.session.flush()
    audit.record("officer.edit", f"officer:{officer.id}", staff_id=staff_id, changed=changed)
    return True


def suspend(*, officer: Officer, since: date, staff_id: int | None) -> None:
    """Suspend a card from a day on.

    Raises TransitionError when it is suspended already, Refusal when it is over by then.
    """
    if officer.suspended_on is not None:
        raise TransitionError(_l("This card is suspended already."))
    if since > officer.valid_to:
        raise Refusal(_l("The card is over by then."), field="since")
    officer.suspended_on = since
    db.session.flush()
    audit.record("officer.suspend", f"officer:{officer.id}", staff_id=staff_id, since=str(since))


def resume(*, officer: Officer, staff_id: int | None) -> None:
    """Let a suspended card count again; raises TransitionError when it is not suspended."""
    if officer.suspended_on is None:
        raise TransitionError(_l("This card is not suspended."))
    since, officer.suspended_on = officer.suspended_on, None
    db.session.flush()
    audit.record("officer.resume", f"officer:{officer.id}", staff_id=staff_id, suspended_since=str(since))


def check_number(raw: str) -> str:
    """Return a card number as it is kept; raises Refusal for what is none, Conflict for one that is taken."""
    number = rules.normalise_card_number(raw)
    if not rules.CARD_NUMBER.fullmatch(number):
        raise Refusal(_l("A card number has 4 to 40 letters and digits."), field="card_number")
    if rules.is_identity_number(number):
        raise Refusal(_l("This is the number of an identity card. It must not be kept here."), field="card_number")
    if db.session.scalar(sa.select(Officer.id).where(Officer.card_number == number)) is not None:
        raise Conflict(_l("There is a card with this number."), field="card_number")
    return number


def _refuse_backwards(valid_from: date, valid_to: date) -> None:
    if valid_to < valid_from:
        raise Refusal(_l("The last day of validity is before the first."), field="valid_to")
