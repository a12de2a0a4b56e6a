"""Reading organs and officers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.db import db
from portal.errors import NotFound
from portal.organs import rules
from portal.organs.models import Officer, Organ
from portal.paging import Page, list_page


@dataclass(frozen=True)
class Card:
    """What the public may know of a card: whose, of which organ, until when."""

    name: str
    organ: Organ
    category: str
    ended_on: date
    valid_to: date
    state: rules.CardState


def list_organs(*, on: date, keyword: str, number: int) -> Page[Any]:
    """Return the confirmed organs that exist on a day, with the number of their officers with a valid card."""
    counted = (
        sa.select(sa.func.count())
        .where(
            Officer.organ_id == Organ.id,
            Officer.valid_from <= on,
            Officer.valid_to >= on,
            Officer.suspended_on.is_(None) | (Officer.suspended_on > on),
        )
        .correlate(Organ)
        .scalar_subquery()
    )
    statement = (
        sa.select(
            Organ.slug, Organ.name, Organ.name_en, Organ.kind, Organ.address, Organ.phone, counted.label("officers")
        )
        .where(*_public(on))
        .order_by(Organ.supervises.desc(), Organ.id)
    )
    if keyword:
        statement = statement.where(Organ.name.contains(keyword, autoescape=True))
    return list_page(statement, number)


def _public(on: date) -> list[sa.ColumnElement[bool]]:
    return [Organ.confirmed.is_(True), Organ.valid_to.is_(None) | (Organ.valid_to >= on)]


def count_organs(*, on: date) -> int:
    """Count the confirmed organs that exist on a day."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Organ).where(*_public(on))) or 0


def list_names() -> Sequence[sa.Row[int, str, str]]:
    """Return id, name and English name of every confirmed organ, for lists to choose from; there are some dozens."""
    statement = sa.select(Organ.id, Organ.name, Organ.name_en).where(Organ.confirmed).order_by(Organ.id).limit(500)
    return db.session.execute(statement).all()


def get_organ(slug: str) -> Organ:
    """Return a confirmed organ; organs that have ended keep their page."""
    organ = db.session.scalar(sa.select(Organ).where(Organ.slug == slug, Organ.confirmed))
    if organ is None:
        raise NotFound(_l("There is no organ at this address."))
    return organ


def count_valid_officers(organ_id: int, *, on: date) -> int:
    """Count an organ's officers whose card is valid on a day."""
    statement = sa.select(sa.func.count()).where(
        Officer.organ_id == organ_id,
        Officer.valid_from <= on,
        Officer.valid_to >= on,
        Officer.suspended_on.is_(None) | (Officer.suspended_on > on),
    )
    return db.session.scalar(statement) or 0


def find_card(raw_number: str, *, on: date) -> Card | None:
    """Return what may be said of the card with a number, or None."""
    number = rules.normalise_card_number(raw_number)
    officer = db.session.scalar(sa.select(Officer).where(Officer.card_number == number)) if number else None
    if officer is None:
        return None
    ended_on = officer.valid_to + timedelta(days=1)
    if officer.suspended_on:
        ended_on = min(ended_on, officer.suspended_on)
    state = rules.card_state(officer.valid_from, ended_on, on)
    return Card(officer.name, officer.organ, officer.category, ended_on, officer.valid_to, state)
