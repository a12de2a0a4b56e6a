"""Reading which cases are late and not told yet, what a day asks for, and which cases nobody could open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal import clock
from portal.accounts.models import Staff
from portal.calendar.rules import SOON, WorkingCalendar
from portal.complaints.models import Complaint, ComplaintNamed
from portal.complaints.queries import OPEN, list_assignable, visible_to
from portal.db import db
from portal.paging import COUNT_CAP, capped_count

AT_ONCE = 200
SHOWN = 20
# More cases than this name everybody only when somebody tries to; then the number matters less than that it is shown.
LOOKED_AT = 200
TOLD = sa.and_(Complaint.escalated_due_on.is_not(None), Complaint.escalated_due_on == Complaint.next_due_on)


@dataclass(frozen=True)
class Section:
    """One part of a day's digest: how many cases, and the first of them as rows (Complaint, handler's name)."""

    name: str
    total: int
    rows: Sequence[Any]


def list_untold(today: date) -> Sequence[Complaint]:
    """Return some open cases whose deadline is over and was not told, for nobody else to change meanwhile."""
    untold = sa.or_(Complaint.escalated_due_on.is_(None), Complaint.escalated_due_on != Complaint.next_due_on)
    statement = sa.select(Complaint).where(Complaint.next_due_on < today, Complaint.state.in_(OPEN), untold)
    statement = statement.order_by(Complaint.next_due_on, Complaint.id).limit(AT_ONCE)
    statement = statement.with_for_update(of=Complaint, skip_locked=True)
    return db.session.scalars(statement.execution_options(populate_existing=True)).all()


def count_told(staff: Staff, today: date) -> int:
    """Count the cases that are late and told to the supervising organ, as far as somebody may see them."""
    return capped_count(sa.select(Complaint.id).where(Complaint.next_due_on < today, TOLD, visible_to(staff)))


def read_digest(staff: Staff, calendar: WorkingCalendar, today: date) -> list[Section]:
    """Return what a day asks of somebody: what came in, is due, will soon be, is late, and was told."""
    due, soon = Complaint.next_due_on, calendar.add_working_days(today, SOON).day
    wanted = {
        "new": Complaint.received_at >= clock.start_of(today),
        "today": due == today,
        "soon": sa.and_(due > today, due <= soon),
        "late": due < today,
        "told": sa.and_(due < today, TOLD),
    }
    return [_read(name, sa.and_(condition, visible_to(staff))) for name, condition in wanted.items()]


def _read(name: str, condition: sa.ColumnElement[bool]) -> Section:
    statement = (
        sa.select(Complaint, Staff.name)
        .outerjoin(Staff, Staff.id == Complaint.handler_id)
        .where(condition, Complaint.erased_at.is_(None))
        .options(joinedload(Complaint.organ), joinedload(Complaint.handler_organ))
        .order_by(Complaint.next_due_on, Complaint.id)
    )
    return Section(name, min(capped_count(statement), COUNT_CAP), db.session.execute(statement.limit(SHOWN)).all())


def count_out_of_reach() -> int:
    """Count the open cases that name everybody who could open them, among the newest that name anybody."""
    names = sa.exists().where(ComplaintNamed.complaint_id == Complaint.id, ComplaintNamed.cleared_at.is_(None))
    statement = sa.select(Complaint).where(
        Complaint.state.in_(OPEN), sa.or_(names, Complaint.handler_organ_id.is_(None))
    )
    cases = db.session.scalars(statement.order_by(Complaint.id.desc()).limit(LOOKED_AT)).all()
    return sum(not list_assignable(case) for case in cases)
