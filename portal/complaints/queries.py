"""Reading complaints: by number and code for senders, by what they may see for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload

from portal.accounts.models import Role, Staff
from portal.accounts.rules import sees_all
from portal.calendar.rules import WorkingCalendar
from portal.case_types.models import CaseType
from portal.case_types.queries import get_case_type
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
from portal.db import db
from portal.errors import NotFound
from portal.organs.models import Organ
from portal.paging import Page, list_page

OPEN = (ComplaintState.SUBMITTED, ComplaintState.ACCEPTED)
VIEWS = ("mine", "today", "late", "unassigned", "answered", "all")


def list_organs(on: date) -> Sequence[sa.Row[int, str, str]]:
    """Return the organs that can be complained about on a day: id, name, name_en."""
    valid = sa.or_(Organ.valid_to.is_(None), Organ.valid_to >= on)
    return db.session.execute(
        sa.select(Organ.id, Organ.name, Organ.name_en).where(Organ.confirmed, valid).order_by(Organ.name, Organ.id)
    ).all()


def find_supervising_organ() -> int | None:
    """Return the id of the organ that supervises the others."""
    return db.session.scalar(sa.select(Organ.id).where(Organ.supervises).order_by(Organ.id).limit(1))


def find_by_submission(key: str) -> Complaint | None:
    """Return the complaint that one sending of the form made."""
    return db.session.scalar(sa.select(Complaint).where(Complaint.submission_key == key))


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
    within = kind.accept_within if complaint.state is ComplaintState.SUBMITTED else kind.answer_within
    return rules.read_clock(calendar, start, due_on, within, today)


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
    """Return the condition under which a member of staff may see and handle a complaint.

    Whoever is named in it never sees it, whatever their role. What is delicate is for supervisors only, and never for
    an organ complained about: not even for a supervisor of that organ. Everything else is for those that handle it.
    """
    return sa.and_(sa.not_(_names(staff)), _in_remit(staff))


def _names(staff: Staff) -> sa.ColumnElement[bool]:
    who = ComplaintNamed.staff_id == staff.id
    if staff.officer_id is not None:
        who = sa.or_(who, ComplaintNamed.officer_id == staff.officer_id)
    return sa.exists().where(ComplaintNamed.complaint_id == Complaint.id, ComplaintNamed.cleared_at.is_(None), who)


def _in_remit(staff: Staff) -> sa.ColumnElement[bool]:
    if staff.role is Role.ADMIN:
        return sa.true()
    organ_id = staff.organ_id
    if sees_all(staff.role):
        if organ_id is None:
            return sa.true()
        accused = sa.or_(sa.func.coalesce(Complaint.organ_id, 0) == organ_id, _takes_part(OrganPart.SUBJECT, organ_id))
        return sa.not_(sa.and_(Complaint.delicate, accused))
    handles = sa.or_(
        sa.func.coalesce(Complaint.handler_organ_id, 0) == (organ_id or -1),
        _takes_part(OrganPart.JOINT, organ_id or -1),
    )
    return sa.and_(sa.not_(Complaint.delicate), handles)


def _takes_part(part: OrganPart, organ_id: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        ComplaintOrgan.complaint_id == Complaint.id, ComplaintOrgan.part == part, ComplaintOrgan.organ_id == organ_id
    )


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


def list_assignable(complaint: Complaint) -> Sequence[sa.Row[int, str]]:
    """Return who may handle a complaint: id and name."""
    delicate = complaint.delicate
    supervisors: sa.ColumnElement[bool] = Staff.role.in_((Role.SUPERVISOR, Role.ADMIN))
    if delicate and complaint.organ_id is not None:
        other_organ = sa.func.coalesce(Staff.organ_id, 0) != complaint.organ_id
        supervisors = sa.and_(supervisors, sa.or_(Staff.role == Role.ADMIN, other_organ))
    clerks = sa.and_(Staff.role == Role.CLERK, Staff.organ_id == complaint.handler_organ_id)
    who = supervisors if delicate or complaint.handler_organ_id is None else sa.or_(supervisors, clerks)
    return db.session.execute(
        sa.select(Staff.id, Staff.name).where(Staff.active, who).order_by(Staff.name, Staff.id)
    ).all()


@dataclass(frozen=True)
class Filters:
    """What a worklist is narrowed to."""

    view: str = "all"
    words: str = ""
    organ_id: int | None = None
    state: str = ""


def _view_condition(view: str, staff: Staff, today: date) -> sa.ColumnElement[bool]:
    is_open = Complaint.state.in_(OPEN)
    conditions: dict[str, sa.ColumnElement[bool]] = {
        "mine": sa.and_(is_open, Complaint.handler_id == staff.id),
        "today": sa.and_(is_open, Complaint.next_due_on == today),
        "late": sa.and_(is_open, Complaint.next_due_on < today),
        "unassigned": sa.and_(is_open, Complaint.handler_id.is_(None)),
        "answered": Complaint.state == ComplaintState.ANSWERED,
    }
    return conditions.get(view, sa.true())


def count_views(staff: Staff, today: date) -> dict[str, int]:
    """Count what each view of the worklist holds."""
    columns = [
        sa.func.count(sa.case((_view_condition(view, staff, today), Complaint.id))).label(view) for view in VIEWS
    ]
    row = db.session.execute(sa.select(*columns).where(visible_to(staff))).one()
    return {view: getattr(row, view) for view in VIEWS}


def list_complaints(filters: Filters, staff: Staff, today: date, page: int) -> Page[Any]:
    """Return one page of the worklist as rows (Complaint, handler's name): open ones by nearest deadline first."""
    statement: Any = (
        sa.select(Complaint, Staff.name)
        .outerjoin(Staff, Staff.id == Complaint.handler_id)
        .where(visible_to(staff), _view_condition(filters.view, staff, today))
        .options(joinedload(Complaint.organ))
        .order_by(sa.case((Complaint.state.in_(OPEN), 0), else_=1), Complaint.next_due_on, Complaint.id)
    )
    if filters.words:
        statement = statement.where(Complaint.number == rules.read_number(filters.words))
    if filters.organ_id:
        statement = statement.where(Complaint.organ_id == filters.organ_id)
    if filters.state:
        statement = statement.where(Complaint.state == ComplaintState(filters.state))
    return list_page(statement, page)
