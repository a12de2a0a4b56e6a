"""Reading complaints: by number and code for senders, by what they may see for staff."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock, direct
from portal.accounts.models import Role, Staff
from portal.accounts.rules import sees_all
from portal.calendar.rules import WorkingCalendar
from portal.case_types.models import CaseType
from portal.case_types.queries import get_case_type
from portal.case_types.rules import Pause
from portal.complaints import rules
from portal.complaints.models import (
    Complaint,
    ComplaintEvent,
    ComplaintFile,
    ComplaintNamed,
    ComplaintOrgan,
    ComplaintState,
    OrganPart,
)
from portal.data_version import kept
from portal.db import db
from portal.errors import NotFound
from portal.organs.models import Organ
from portal.organs.queries import list_stood_for, lives_of, load_organs
from portal.organs.rules import acting
from portal.rows import columns_of, read_rows

OPEN = (ComplaintState.SUBMITTED, ComplaintState.ACCEPTED)
_ORGANS = columns_of(Organ)
_COMPLAINTS = columns_of(Complaint)
_SUBMITTED = sa.select(_COMPLAINTS.id).where(_COMPLAINTS.submission_key == sa.bindparam("key"))
_CONFIRMED = (
    sa.select(*(_ORGANS[name] for name in ("id", "name", "name_en", "valid_to")))
    .where(_ORGANS.confirmed)
    .order_by(_ORGANS.name, _ORGANS.id)
)


def list_organs(on: date) -> Sequence[Any]:
    """Return the organs that can be complained about on a day as rows (id, name, name_en, valid_to)."""
    return [organ for organ in _list_confirmed() if organ.valid_to is None or organ.valid_to >= on]


@kept
def _list_confirmed() -> Sequence[Any]:
    return read_rows(_CONFIRMED)


def find_submitted(key: str) -> int | None:
    """Return the id of the complaint that one sending of the form made."""
    found = direct.run(_SUBMITTED, {"key": key})
    return int(found[0][0]) if found else None


def get_for_sender(complaint_id: int) -> Complaint:
    """Return a complaint whose sender has proven to hold the code."""
    complaint = db.session.get(Complaint, complaint_id)
    if complaint is None:
        raise NotFound(_l("There is no such complaint."))
    return complaint


def read_clock(complaint: Complaint, calendar: WorkingCalendar, today: date) -> rules.Clock | None:
    """Return the deadline that runs for a complaint, or None when none does any more."""
    kind, start, due_on = get_case_type_of(complaint), complaint.clock_from_on, complaint.next_due_on
    if due_on is None:
        return None
    first = complaint.state is ComplaintState.SUBMITTED
    within, unit = (kind.accept_within, kind.accept_unit) if first else (kind.answer_within, kind.answer_unit)
    pauses = [Pause(pause.since, pause.until) for pause in complaint.pauses]
    found = rules.read_clock(calendar, start, due_on, within, today, unit, pauses)
    return replace(found, more=0 if first else complaint.extended_by, basis=kind.basis, basis_en=kind.basis_en)


def get_case_type_of(complaint: Complaint) -> CaseType:
    """Return the kind of case a complaint is; those of before there were any follow what their sender chose."""
    return complaint.case_type or get_case_type(complaint.kind.value)


def find_next_due(complaint: Complaint) -> date | None:
    """Return the next deadline: first the decision to accept, then the answer; none while the sender is waited for."""
    if complaint.paused_on is not None:
        return None
    dues = {ComplaintState.SUBMITTED: complaint.accept_due_on, ComplaintState.ACCEPTED: complaint.answer_due_on}
    return dues.get(complaint.state)


def visible_to(staff: Staff) -> sa.ColumnElement[bool]:
    """Return the condition under which a member of staff may see and handle a complaint; `rules.may_see` in SQL.

    Whoever is named in it never sees it, whatever their role. What is delicate is for supervisors only, and never for
    an organ complained about, or the one that follows it: not even for a supervisor of that organ. Everything else is
    for those that handle it.
    """
    return sa.and_(sa.not_(_names(staff)), _in_remit(staff))


def _names(staff: Staff) -> sa.ColumnElement[bool]:
    who = ComplaintNamed.staff_id == staff.id
    if staff.officer_id is not None:
        who = sa.or_(who, ComplaintNamed.officer_id == staff.officer_id)
    return sa.exists().where(ComplaintNamed.complaint_id == Complaint.id, ComplaintNamed.cleared_at.is_(None), who)


def _in_remit(staff: Staff) -> sa.ColumnElement[bool]:
    organs = [] if staff.organ_id is None else list_stood_for(staff.organ_id, on=clock.today())
    if sees_all(staff.role):
        if not organs:
            return sa.true()
        accused = sa.or_(sa.func.coalesce(Complaint.organ_id, 0).in_(organs), _takes_part(OrganPart.SUBJECT, organs))
        return sa.not_(sa.and_(Complaint.delicate, accused))
    if staff.role is not Role.CLERK:
        return sa.false()
    handles = sa.or_(sa.func.coalesce(Complaint.handler_organ_id, 0).in_(organs), _takes_part(OrganPart.JOINT, organs))
    return sa.and_(sa.not_(Complaint.delicate), handles)


def _takes_part(part: OrganPart, organs: Sequence[int]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        ComplaintOrgan.complaint_id == Complaint.id, ComplaintOrgan.part == part, ComplaintOrgan.organ_id.in_(organs)
    )


def subject_visible_to(staff: Staff, subject: Any) -> sa.ColumnElement[bool]:
    """Return the condition under which a member of staff may know of what concerns the record named `complaint:12`."""
    is_ours = subject.like("complaint:%")
    # Told by CASE, for PostgreSQL would read the number of other records' names as well.
    number = sa.case((is_ours, sa.cast(sa.func.substr(subject, len("complaint:") + 1), sa.Integer)), else_=0)
    return sa.or_(sa.not_(is_ours), sa.exists().where(Complaint.id == number, visible_to(staff)))


def get_for_staff(complaint_id: int, staff: Staff, *, lock: bool = False) -> Complaint:
    """Return a complaint this member of staff may see; `lock` makes others wait until the transaction ends.

    Raises NotFound when it is not there or not for them.
    """
    statement = sa.select(Complaint).where(Complaint.id == complaint_id, visible_to(staff))
    if lock:
        statement = statement.with_for_update(of=Complaint).execution_options(populate_existing=True)
    complaint = db.session.scalar(statement)
    if complaint is None:
        raise NotFound(_l("There is no such complaint, or it is not for you to handle."))
    return complaint


def get_file(complaint: Complaint, file_id: int) -> ComplaintFile:
    """Return a file of a complaint."""
    for file in complaint.files:
        if file.id == file_id:
            return file
    raise NotFound(_l("There is no such file."))


def get_last_event(complaint: Complaint) -> tuple[int, str]:
    """Return the id of the newest event, and the name of who caused it if that was staff."""
    row = db.session.execute(
        sa.select(ComplaintEvent.id, Staff.name)
        .outerjoin(Staff, Staff.id == ComplaintEvent.staff_id)
        .where(ComplaintEvent.complaint_id == complaint.id)
        .order_by(ComplaintEvent.id.desc())
        .limit(1)
    ).first()
    return (row.id, row.name or "") if row else (0, "")


def list_history(complaint: Complaint) -> Sequence[sa.Row[ComplaintEvent, str | None]]:
    """Return everything that happened as rows (event, name of who did it), newest first."""
    return db.session.execute(
        sa.select(ComplaintEvent, Staff.name)
        .outerjoin(Staff, Staff.id == ComplaintEvent.staff_id)
        .where(ComplaintEvent.complaint_id == complaint.id)
        .order_by(ComplaintEvent.id.desc())
    ).all()


def get_remit(complaint: Complaint) -> rules.Remit:
    """Return whom a complaint is for, and whom it must be kept from."""
    named = db.session.execute(
        sa.select(ComplaintNamed.staff_id, ComplaintNamed.officer_id).where(
            ComplaintNamed.complaint_id == complaint.id, ComplaintNamed.cleared_at.is_(None)
        )
    ).all()
    parts = db.session.execute(
        sa.select(ComplaintOrgan.part, ComplaintOrgan.organ_id).where(ComplaintOrgan.complaint_id == complaint.id)
    ).all()
    subjects = [complaint.organ_id, *(row.organ_id for row in parts if row.part is OrganPart.SUBJECT)]
    handlers = [complaint.handler_organ_id, *(row.organ_id for row in parts if row.part is OrganPart.JOINT)]
    return rules.Remit(
        delicate=complaint.delicate,
        subjects=_with_followers(subjects),
        handlers=_with_followers(handlers),
        staff=frozenset(row.staff_id for row in named if row.staff_id is not None),
        officers=frozenset(row.officer_id for row in named if row.officer_id is not None),
    )


def may_handle(complaint: Complaint, organ_id: int) -> bool:
    """Whether an organ may lead or join in handling a complaint: never one that a delicate case is about."""
    return not (complaint.delicate and organ_id in get_remit(complaint).subjects)


def _with_followers(organs: Iterable[int | None]) -> frozenset[int]:
    # Who stands for an organ that has ended is as concerned as the organ itself.
    known, today, lives = {organ for organ in organs if organ is not None}, clock.today(), lives_of(load_organs())
    return frozenset(known | {organ for each in known if (organ := acting(each, today, lives)) is not None})


def list_assignable(complaint: Complaint) -> list[Any]:
    """Return who may handle a complaint as rows (id, name): those that may see it, by name."""
    remit = get_remit(complaint)
    columns = (Staff.id, Staff.name, Staff.role, Staff.organ_id, Staff.officer_id)
    rows = db.session.execute(sa.select(*columns).where(Staff.active).order_by(Staff.name, Staff.id)).all()
    return [row for row in rows if rules.may_see(remit, row)]
