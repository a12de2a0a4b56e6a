"""Reading permits and their types."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.cells import fold
from portal.contacts.models import Contact
from portal.db import batched, db
from portal.errors import NotFound
from portal.imports.rules import Row
from portal.organs.models import Organ
from portal.paging import Page, list_page
from portal.parties.models import Party
from portal.permits import rules
from portal.permits.models import Permit, PermitStatus, PermitType, RenewalWindow
from portal.permits.rules import Window


def list_reminders_due(on: date, after_id: int, limit: int) -> Sequence[Any]:
    """Return permits whose next reminder is due by a day, ordered by id, as named columns, locked for this transaction.

    PostgreSQL leaves out what is just being changed: a minute later its new days count.
    Ids are wrapped in an expression: only the index over days may be walked, so that cost follows what is due.
    """
    number = Permit.id + 0
    statement = (
        sa.select(
            Permit.id,
            Permit.last_apply_on,
            Permit.window_opens_on,
            Permit.permit_type_id,
            Permit.contact_id,
            Permit.next_reminder_on,
            Permit.created_at,
            Contact.opted_out_at,
            Contact.locale,
        )
        .outerjoin(Contact, Contact.id == Permit.contact_id)
        .where(Permit.next_reminder_on <= on, number > after_id)
        .order_by(number)
        .limit(limit)
        .with_for_update(of=Permit, skip_locked=True, key_share=True)
    )
    return db.session.execute(statement).all()


def list_reminder_offsets() -> dict[int, list[int]]:
    """Return the days before the last day on which each type of permit is reminded of, by type id."""
    rows = db.session.execute(sa.select(PermitType.id, PermitType.reminder_offsets))
    return {row.id: list(row.reminder_offsets) for row in rows}


def list_windows() -> dict[int, list[Window]]:
    """Return the renewal windows of every permit type, by type id."""
    columns = [getattr(RenewalWindow, field.name) for field in fields(Window)]
    found: dict[int, list[Window]] = defaultdict(list)
    for type_id, *values in db.session.execute(sa.select(RenewalWindow.permit_type_id, *columns)):
        found[type_id].append(Window(*values))
    return found


# The type of permits whose rows name none: the general rule of the licensing law.
GENERAL_TYPE = "other"
WINDOWS = ("open", "soon", "late", "closed")
SOON = timedelta(days=30)
LONGEST_WINDOW = timedelta(days=400)


@dataclass(frozen=True)
class Filters:
    """What a list of permits is narrowed to; empty values narrow nothing."""

    words: str = ""
    type_id: int | None = None
    organ_id: int | None = None
    window: str = ""


def list_permits(filters: Filters, today: date, number: int) -> Page[Any]:
    """Return one page of permits as named columns, the earliest last day first.

    Without a window those that stand are listed; a search for words looks through all.
    """
    statement = (
        sa.select(
            Permit.id,
            Permit.number,
            Permit.status,
            Permit.valid_to,
            Permit.window_opens_on,
            Permit.last_apply_on,
            Permit.last_apply_certain,
            Permit.renewal_reported_at,
            Party.name.label("party"),
            Organ.name.label("organ"),
            Organ.name_en.label("organ_en"),
            PermitType.name.label("kind"),
            PermitType.name_en.label("kind_en"),
        )
        .join(Party, Party.id == Permit.party_id)
        .join(Organ, Organ.id == Permit.organ_id)
        .join(PermitType, PermitType.id == Permit.permit_type_id)
        .where(*_conditions(filters, today))
        .order_by(Permit.last_apply_on, Permit.id)
    )
    return list_page(statement, number)


def _conditions(filters: Filters, today: date) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.type_id is not None:
        conditions.append(Permit.permit_type_id == filters.type_id)
    if filters.organ_id is not None:
        conditions.append(Permit.organ_id == filters.organ_id)
    if filters.words:
        like = f"%{filters.words.replace('/', '//').replace('%', '/%').replace('_', '/_')}%"
        conditions.append(Party.name.like(like, escape="/") | Permit.number.like(like, escape="/"))
    valid, current = Permit.status == PermitStatus.VALID, Permit.valid_to >= today
    if filters.window == "closed":
        conditions.append(~valid | ~current)
    elif filters.window or not filters.words:
        # The first bound is there for the index: no window closes longer before expiry.
        conditions += [Permit.last_apply_on >= today - LONGEST_WINDOW, valid, current]
    if filters.window == "open":
        conditions += [Permit.window_opens_on <= today, Permit.last_apply_on >= today]
    if filters.window == "soon":
        conditions.append(Permit.last_apply_on.between(today, today + SOON))
    if filters.window == "late":
        conditions.append(Permit.last_apply_on < today)
    return conditions


def list_types() -> Sequence[PermitType]:
    """Return all permit types in the order in which they ship."""
    return db.session.scalars(sa.select(PermitType).order_by(PermitType.id)).all()


def list_organs(organ_id: int | None) -> Sequence[Organ]:
    """Return the organs that have permits, or the one given."""
    statement = sa.select(Organ).where(Organ.id.in_(sa.select(Permit.organ_id).distinct())).order_by(Organ.id)
    if organ_id is not None:
        statement = statement.where(Organ.id == organ_id)
    return db.session.scalars(statement).all()


def list_by_subject(subjects: Iterable[str]) -> dict[str, Any]:
    """Return what a call list tells of permits, by subject (`permit:12`): type, last day, whom to ask for."""
    ids = {int(number) for kind, _colon, number in (item.partition(":") for item in subjects) if kind == "permit"}
    if not ids:
        return {}
    rows = db.session.execute(
        sa.select(Permit.id, Permit.contact_name, Permit.last_apply_on, PermitType.name, PermitType.name_en)
        .join(PermitType, PermitType.id == Permit.permit_type_id)
        .where(Permit.id.in_(ids))
    )
    return {f"permit:{row.id}": row for row in rows}


def get_permit(permit_id: int, organ_id: int | None = None) -> Permit:
    """Return a permit, within an organ's own if one is given; raises NotFound."""
    permit = db.session.get(Permit, permit_id)
    if permit is None or (organ_id is not None and permit.organ_id != organ_id):
        raise NotFound(_l("There is no such permit."))
    return permit


@dataclass(frozen=True)
class Known:
    """What rows are read against: loaded once, so that reading needs no database."""

    type_ids: Mapping[str, int]
    other_id: int
    organs: Mapping[str, str]
    own_organ: str | None
    windows: Mapping[int, Sequence[Window]]
    offsets: Mapping[int, Sequence[int]]
    calendar: WorkingCalendar
    clocks: dict[tuple[date, int], rules.Clock] = field(default_factory=dict)

    def type_of(self, row: Row) -> int:
        """Return the type of a new permit; one that names none falls under the general rule."""
        type_id: int = row.values.get("type_id", self.other_id)
        return type_id

    def clock_of(self, row: Row) -> rules.Clock:
        """Return the last day to apply of a new permit."""
        return self.find_clock(row.values["valid_to"], self.type_of(row))

    def find_clock(self, expiry: date, type_id: int) -> rules.Clock:
        """Return the last day to apply and what belongs to it; many permits share it."""
        found = self.clocks.get((expiry, type_id))
        if found is None:
            found = rules.find_clock(expiry, self.windows.get(type_id, []), self.calendar)
            self.clocks[expiry, type_id] = found
        return found


def load_known(organ_id: int | None = None) -> Known:
    """Load what rows are read against; `organ_id` is the only organ whose permits may be imported, if any."""
    type_ids: dict[str, int] = {}
    other_id = 0
    for kind in db.session.scalars(sa.select(PermitType)):
        for name in (kind.name, kind.code, kind.short_name, *kind.aliases):
            type_ids.setdefault(fold(name), kind.id)
        other_id = kind.id if kind.code == GENERAL_TYPE else other_id
    organs: dict[str, str] = {}
    own = None
    for organ in db.session.scalars(sa.select(Organ)):
        organs |= {fold(name): organ.name for name in (organ.short_name, organ.name) if name}
        own = organ.name if organ.id == organ_id else own
    return Known(type_ids, other_id, organs, own, list_windows(), list_reminder_offsets(), get_calendar())


def find_stored(wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Return the permits with these organs' names and numbers, each with what an import may change beside it."""
    columns = [column for column in Permit.__table__.columns if column.name != "created_at"]
    party = [Party.name.label("party_name"), Party.kind, Party.credit_code, Party.industry, Party.street]
    numbers: dict[str, list[str]] = defaultdict(list)
    for organ, number in wanted:
        numbers[organ].append(number)
    stored: dict[tuple[str, str], Any] = {}
    for organ, all_numbers in numbers.items():
        for some in batched(all_numbers):
            statement = (
                sa.select(*columns, *party, Contact.phone)
                .join(Organ, Organ.id == Permit.organ_id)
                .join(Party, Party.id == Permit.party_id)
                .outerjoin(Contact, Contact.id == Permit.contact_id)
                .where(Organ.name == organ, Permit.number.in_(some))
            )
            stored |= {(organ, old.number): old for old in db.session.execute(statement)}
    return stored
