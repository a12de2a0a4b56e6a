"""Reading officers for those who keep them."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import contains_eager

from portal.cells import fold
from portal.db import db
from portal.errors import NotFound
from portal.organs.models import Officer, Organ
from portal.organs.queries import counts_on
from portal.organs.rules import normalise_card_number
from portal.paging import Page, list_page

SHEET = 40


def list_officers(*, organ_id: int | None, keyword: str, state: str, on: date, number: int) -> Page[Officer]:
    """Return officers of a state (`valid`, `suspended`, `ended`, or all), by organ and card number."""
    statement = sa.select(Officer).join(Officer.organ).options(contains_eager(Officer.organ))
    if organ_id:
        statement = statement.where(Officer.organ_id == organ_id)
    if keyword:
        named = Officer.name.contains(keyword, autoescape=True)
        number_typed = normalise_card_number(keyword)
        carded = Officer.card_number.contains(number_typed, autoescape=True) if number_typed else sa.false()
        statement = statement.where(sa.or_(named, carded))
    statement = statement.where(*_of_state(state, on))
    return list_page(statement.order_by(Organ.id, Officer.card_number, Officer.id), number, scalars=True)


def _of_state(state: str, on: date) -> list[sa.ColumnElement[bool]]:
    over = sa.or_(Officer.valid_to < on, sa.and_(Organ.valid_to.is_not(None), Organ.valid_to < on))
    if state == "valid":
        return counts_on(on)
    if state == "suspended":
        return [Officer.suspended_on <= on, ~over]
    return [over] if state == "ended" else []


def list_cards(*, organ_id: int | None, officer_id: int | None, on: date, number: int) -> Page[Officer]:
    """Return the officers whose card counts on a day, a sheet at a time."""
    statement = sa.select(Officer).join(Officer.organ).options(contains_eager(Officer.organ)).where(*counts_on(on))
    if organ_id:
        statement = statement.where(Officer.organ_id == organ_id)
    if officer_id:
        statement = statement.where(Officer.id == officer_id)
    return list_page(statement.order_by(Organ.id, Officer.card_number), number, scalars=True, size=SHEET)


def get_officer(officer_id: int, *, lock: bool = False) -> Officer:
    """Return an officer as they stand now; raises NotFound."""
    statement = sa.select(Officer).where(Officer.id == officer_id).execution_options(populate_existing=True)
    officer = db.session.scalar(statement.with_for_update(of=Officer) if lock else statement)
    if officer is None:
        raise NotFound(_l("There is no officer at this address."))
    return officer


def find_by_card(number: str) -> Officer | None:
    """Return the officer with a card number as it is kept, or None."""
    return db.session.scalar(sa.select(Officer).where(Officer.card_number == number))


def load_organs_by_name() -> dict[str, Any]:
    """Return the confirmed organs by folded full and short name; a short name that two share names none."""
    found: dict[str, Any] = {}
    organs = db.session.scalars(sa.select(Organ).where(Organ.confirmed).order_by(Organ.id)).all()
    for organ in organs:
        short = fold(organ.short_name)
        if short:
            found[short] = None if short in found else organ
    found |= {fold(organ.name): organ for organ in organs}
    return {name: organ for name, organ in found.items() if organ is not None}
