"""Reading whom complaints name, and who could be named."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from portal import direct
from portal.accounts.models import Role, Staff
from portal.complaint_named.rules import Person
from portal.complaints.models import Complaint, ComplaintEvent, ComplaintNamed
from portal.complaints.queries import OPEN
from portal.db import batched, db
from portal.errors import NotFound
from portal.organs.models import Officer, Organ
from portal.organs.rules import normalise_card_number
from portal.rows import columns_of

AT_ONCE = 200
# What the portal itself writes on a case: days.
OF_THE_PORTAL = frozenset({"deadline", "escalate"})


_STAFF, _OFFICERS = columns_of(Staff), columns_of(Officer)
_ACCOUNTS = sa.select(
    _STAFF.id, _STAFF.name, _STAFF.officer_id, _OFFICERS.name.label("on_card"), _OFFICERS.card_number
).select_from(Staff.__table__.outerjoin(Officer.__table__, _OFFICERS.id == _STAFF.officer_id))
_CARDS = sa.select(_OFFICERS.id, _OFFICERS.name, _OFFICERS.card_number).where(
    ~sa.exists().where(_STAFF.officer_id == _OFFICERS.id)
)


def list_people(*, staff_ids: Sequence[int] | None = None) -> list[Person]:
    """Return everybody who may be named: every account with its card, and every card without an account."""
    some = _ACCOUNTS.where(_STAFF.id.in_(staff_ids or []))
    rows = direct.run(_ACCOUNTS, {}) if staff_ids is None else db.session.execute(some)
    found = []
    for staff_id, own_name, officer_id, on_card, number in rows:
        names = {own_name, on_card or own_name}
        found += [Person(staff_id, officer_id, name, number or "") for name in sorted(names)]
    if staff_ids is None:
        found += [Person(None, *card) for card in direct.run(_CARDS, {})]
    return found


def find_card(number: str) -> int | None:
    """Return the id of the card with a number, however it is typed, or None."""
    return db.session.scalar(sa.select(Officer.id).where(Officer.card_number == normalise_card_number(number)))


def list_accounts_of(officer_ids: Sequence[int]) -> Sequence[int]:
    """Return the accounts that some cards belong to."""
    return db.session.scalars(sa.select(Staff.id).where(Staff.officer_id.in_(officer_ids))).all()


def texts_of(complaint: Complaint) -> list[str]:
    """Return what the sender wrote: the case itself, later messages, and what the files are called."""
    sent = [event.text for event in complaint.events if is_senders(event)]
    names = [file.name for file in complaint.files if file.public]
    return [*texts_of_case(complaint), *sent, *names]


def texts_of_case(complaint: Complaint) -> list[str]:
    """Return what the sender wrote at first, and about the answer."""
    return [complaint.officer, complaint.facts, complaint.wants, complaint.place, complaint.grade_comment]


def is_senders(event: ComplaintEvent) -> bool:
    """Whether the sender wrote it: what staff write names colleagues for other reasons, and the portal names nobody."""
    return event.staff_id is None and event.action not in OF_THE_PORTAL


def list_cases(*, only_open: bool) -> Iterator[Sequence[Complaint]]:
    """Return the cases whose texts are still there, some at a time, with what was written to them."""
    last = 0
    wanted = sa.select(Complaint).where(Complaint.erased_at.is_(None)).order_by(Complaint.id).limit(AT_ONCE)
    if only_open:
        wanted = wanted.where(Complaint.state.in_(OPEN))
    wanted = wanted.options(selectinload(Complaint.events), selectinload(Complaint.files))
    while cases := db.session.scalars(wanted.where(Complaint.id > last)).all():
        last = cases[-1].id
        yield cases


def list_named(complaint_id: int) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return whom a complaint names as rows (ComplaintNamed, account's name, card's name, card number, organ)."""
    columns = (Staff.name.label("account"), Officer.name.label("officer"), Officer.card_number)
    return db.session.execute(
        sa.select(ComplaintNamed, *columns, Organ.name.label("organ_name"), Organ.name_en.label("organ_name_en"))
        .outerjoin(Staff, Staff.id == ComplaintNamed.staff_id)
        .outerjoin(Officer, Officer.id == ComplaintNamed.officer_id)
        .outerjoin(Organ, Organ.id == sa.func.coalesce(Officer.organ_id, Staff.organ_id))
        .where(ComplaintNamed.complaint_id == complaint_id)
        .order_by(ComplaintNamed.cleared_at.is_not(None), ComplaintNamed.id)
    ).all()


def list_names_in(case_ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the names of whom some cases name, by case."""
    found: dict[int, set[str]] = {}
    for some in batched(case_ids):
        rows = db.session.execute(
            sa.select(ComplaintNamed.complaint_id, Staff.name, Officer.name)
            .outerjoin(Staff, Staff.id == ComplaintNamed.staff_id)
            .outerjoin(Officer, Officer.id == ComplaintNamed.officer_id)
            .where(ComplaintNamed.complaint_id.in_(some))
        )
        for case_id, *names in rows:
            found.setdefault(case_id, set()).update(filter(None, names))
    return found


def get_named(complaint_id: int, named_id: int) -> ComplaintNamed:
    """Return a match that still holds; raises NotFound."""
    named = db.session.get(ComplaintNamed, named_id)
    if named is None or named.complaint_id != complaint_id or named.cleared_at is not None:
        raise NotFound(_l("This person is not on the list any more."))
    return named


def list_accounts() -> Sequence[sa.Row[int, str]]:
    """Return id and name of everybody who could open a case, by name."""
    able = Staff.role.in_((Role.ADMIN, Role.SUPERVISOR, Role.CLERK))
    return db.session.execute(
        sa.select(Staff.id, Staff.name).where(Staff.active, able).order_by(Staff.name, Staff.id)
    ).all()
