"""Reading organs, their officers' cards, and the yearly recognitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from portal.data_version import kept
from portal.db import db
from portal.errors import NotFound
from portal.organs import rules
from portal.organs.models import Officer, Organ, OrganKind, RecognisedOrgan, Recognition
from portal.paging import Page, list_page
from portal.rows import columns_of, count_rows, read_rows

MOST_ORGANS = 1000


@dataclass(frozen=True)
class Card:
    """What the public may know of a card: whose, of which organ, until when."""

    name: str
    organ: Organ
    number: str
    category: str
    valid_from: date
    last_day: date
    suspended_on: date | None
    state: rules.CardState


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the list of organs is narrowed to; `ended` asks for those that are no more."""

    keyword: str = ""
    kind: OrganKind | None = None
    ended: bool = False

    @property
    def any(self) -> bool:
        return self != Wanted()


def counts_on(on: date) -> list[sa.ColumnElement[bool]]:
    """Return the conditions under which an officer's card counts on a day, where officer and organ are joined."""
    return [
        Officer.valid_from <= on,
        Officer.valid_to >= on,
        Officer.suspended_on.is_(None) | (Officer.suspended_on > on),
        Organ.valid_to.is_(None) | (Organ.valid_to >= on),
    ]


def list_organs(wanted: Wanted, *, on: date, number: int) -> Page[Any]:
    """Return confirmed organs, with the number of their officers with a valid card."""
    counted = (
        sa.select(sa.func.count())
        .select_from(Officer)
        .where(Officer.organ_id == Organ.id, *counts_on(on))
        .correlate(Organ)
        .scalar_subquery()
    )
    columns = (Organ.slug, Organ.name, Organ.name_en, Organ.kind, Organ.address, Organ.phone, Organ.valid_to)
    statement = sa.select(*columns, counted.label("officers")).where(Organ.confirmed)
    statement = statement.where(Organ.valid_to < on if wanted.ended else lives_on(on))
    if wanted.kind:
        statement = statement.where(Organ.kind == wanted.kind)
    if wanted.keyword:
        texts = (Organ.name, Organ.name_en, Organ.short_name, Organ.address)
        statement = statement.where(sa.or_(*(text.icontains(wanted.keyword, autoescape=True) for text in texts)))
    return list_page(statement.order_by(Organ.supervises.desc(), Organ.id), number)


def lives_on(on: date) -> sa.ColumnElement[bool]:
    """Return the condition under which an organ has not ended before a day."""
    return Organ.valid_to.is_(None) | (Organ.valid_to >= on)


def count_organs(*, on: date) -> int:
    """Count the confirmed organs that exist on a day."""
    organs = columns_of(Organ)
    return count_rows(Organ, organs.confirmed, organs.valid_to.is_(None) | (organs.valid_to >= on))


_NAMES = sa.select(Organ.id, Organ.name, Organ.name_en).where(Organ.confirmed).order_by(Organ.id).limit(500)


def list_names() -> Sequence[sa.Row[int, str, str]]:
    """Return id, name and English name of every confirmed organ, for lists to choose from; there are some dozens."""
    return read_rows(_NAMES)


_COLUMNS = ("id", "slug", "name", "name_en", "confirmed", "supervises", "valid_from", "valid_to", "successor_id")
_ALL = sa.select(*(columns_of(Organ)[name] for name in _COLUMNS)).order_by(columns_of(Organ).id).limit(MOST_ORGANS)


@kept
def load_organs() -> Mapping[int, Any]:
    """Return every organ by id with its names, address and life, in one query; there are some dozens."""
    return {row.id: row for row in read_rows(_ALL)}


def lives_of(organs: Mapping[int, Any]) -> dict[int, rules.Life]:
    """Return the lives of organs as `load_organs` returns them."""
    return {key: rules.Life(row.valid_from, row.valid_to, row.successor_id) for key, row in organs.items()}


def list_stood_for(organ_id: int, *, on: date) -> list[int]:
    """Return the organs that an organ stands for on a day: itself, and those that it follows."""
    lives = lives_of(load_organs())
    return sorted({organ_id, *(key for key in lives if rules.acting(key, on, lives) == organ_id)})


def get_organ(slug: str) -> Organ:
    """Return a confirmed organ; organs that have ended keep their page."""
    organ = db.session.scalar(sa.select(Organ).where(Organ.slug == slug, Organ.confirmed))
    if organ is None:
        raise NotFound(_l("There is no organ at this address."))
    return organ


def list_predecessors(organ_id: int) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the organs that an organ follows, those that ended last first."""
    columns = (Organ.id, Organ.slug, Organ.name, Organ.name_en, Organ.valid_to)
    statement = sa.select(*columns).where(Organ.successor_id == organ_id, Organ.confirmed)
    return db.session.execute(statement.order_by(Organ.valid_to.desc(), Organ.id).limit(50)).all()


def count_valid_officers(organ_id: int, *, on: date) -> int:
    """Count an organ's officers whose card is valid on a day."""
    statement = sa.select(sa.func.count()).select_from(Officer).join(Officer.organ)
    return db.session.scalar(statement.where(Officer.organ_id == organ_id, *counts_on(on))) or 0


def find_card(raw_number: str, *, on: date) -> Card | None:
    """Return what may be said of the card with a number, or None; a card ends with its organ at the latest."""
    number = rules.normalise_card_number(raw_number)
    officer = db.session.scalar(sa.select(Officer).where(Officer.card_number == number)) if number else None
    return card_of(officer, on=on) if officer else None


def card_of(officer: Officer, *, on: date) -> Card:
    """Return what may be said of an officer's card on a day."""
    last_day = min(officer.valid_to, officer.organ.valid_to or officer.valid_to)
    state = rules.card_state(officer.valid_from, last_day, officer.suspended_on, on)
    return Card(
        name=officer.name,
        organ=officer.organ,
        number=officer.card_number,
        category=officer.category,
        valid_from=officer.valid_from,
        last_day=last_day,
        suspended_on=officer.suspended_on,
        state=state,
    )


def list_recognitions(number: int) -> Page[Any]:
    """Return the yearly announcements, newest first, with the number of organs each names."""
    named = (
        sa.select(sa.func.count())
        .select_from(RecognisedOrgan)
        .where(RecognisedOrgan.recognition_id == Recognition.id)
        .correlate(Recognition)
        .scalar_subquery()
    )
    columns = (Recognition.year, Recognition.title, Recognition.issuer, Recognition.announced_on)
    return list_page(sa.select(*columns, named.label("organs")).order_by(Recognition.year.desc()), number)


def find_recognition(year: int) -> Recognition | None:
    """Return the announcement of a year with the organs that it names, or None."""
    statement = sa.select(Recognition).where(Recognition.year == year)
    return db.session.scalar(
        statement.options(selectinload(Recognition.organs).joinedload(RecognisedOrgan.organ, innerjoin=True))
    )


def get_recognition(year: int) -> Recognition:
    """Return the announcement of a year; raises NotFound."""
    recognition = find_recognition(year)
    if recognition is None:
        raise NotFound(_l("There is no announcement for this year."))
    return recognition


def list_years(organ_id: int) -> Sequence[int]:
    """Return the years in which an organ was recognised, newest first."""
    statement = sa.select(Recognition.year).join(Recognition.organs).where(RecognisedOrgan.organ_id == organ_id)
    return db.session.scalars(statement.order_by(Recognition.year.desc()).limit(50)).all()


def get_organ_by_id(organ_id: int, *, lock: bool = False) -> Organ:
    """Return an organ, confirmed or not, as it stands now; raises NotFound."""
    statement = sa.select(Organ).where(Organ.id == organ_id).execution_options(populate_existing=True)
    organ = db.session.scalar(statement.with_for_update(of=Organ) if lock else statement)
    if organ is None:
        raise NotFound(_l("There is no organ at this address."))
    return organ


def list_for_staff(*, keyword: str, state: str, on: date, number: int) -> Page[Any]:
    """Return organs of a state (`current`, `ended`, `unconfirmed`) whose name holds a word."""
    statement = sa.select(Organ.id, Organ.name, Organ.name_en, Organ.kind, Organ.valid_from, Organ.valid_to)
    statement = statement.where(Organ.confirmed.is_(state != "unconfirmed"))
    if state == "current":
        statement = statement.where(lives_on(on))
    elif state == "ended":
        statement = statement.where(Organ.valid_to < on)
    if keyword:
        texts = (Organ.name, Organ.name_en, Organ.short_name)
        statement = statement.where(sa.or_(*(text.icontains(keyword, autoescape=True) for text in texts)))
    return list_page(statement.order_by(Organ.supervises.desc(), Organ.id), number)


def count_unconfirmed() -> int:
    """Count the organs that are only known from imported rows."""
    statement = sa.select(sa.func.count()).select_from(Organ).where(Organ.confirmed.is_(False))
    return db.session.scalar(statement) or 0


def count_officers(organ_id: int) -> int:
    """Count an organ's officers, whatever their cards say."""
    return db.session.scalar(sa.select(sa.func.count(Officer.id)).where(Officer.organ_id == organ_id)) or 0
