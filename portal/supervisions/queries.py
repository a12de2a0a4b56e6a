"""Reading orders of the legal office: of one case, and of all that somebody may see, by deadline."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from portal.accounts.models import Staff
from portal.complaints.models import Complaint, ComplaintEvent
from portal.complaints.queries import visible_to
from portal.db import db
from portal.paging import Page, list_page
from portal.supervisions.models import Supervision, SupervisionState

# What is said in an order's course, as events of its case.
SAID = ("supervise", "supervise-reply", "supervise-again", "supervise-accept")


class View(StrEnum):
    """The filters of the list."""

    ORDERED = "ordered"
    LATE = "late"
    REPLIED = "replied"
    ACCEPTED = "accepted"


def list_of(complaint: Complaint) -> Sequence[Supervision]:
    """Return the orders about a case, the newest first."""
    statement = sa.select(Supervision).where(Supervision.complaint_id == complaint.id)
    return db.session.scalars(statement.options(joinedload(Supervision.organ)).order_by(Supervision.id.desc())).all()


def find_open(complaint: Complaint) -> Supervision | None:
    """Return the order about a case that is not settled."""
    return next((row for row in list_of(complaint) if row.state is not SupervisionState.ACCEPTED), None)


def list_said(complaint: Complaint) -> Sequence[sa.Row[ComplaintEvent, str | None]]:
    """Return what was ordered, replied and decided about a case as rows (event, name of who wrote it), in order."""
    return db.session.execute(
        sa.select(ComplaintEvent, Staff.name)
        .outerjoin(Staff, Staff.id == ComplaintEvent.staff_id)
        .where(ComplaintEvent.complaint_id == complaint.id, ComplaintEvent.action.in_(SAID))
        .order_by(ComplaintEvent.id)
    ).all()


def _where(view: View, today: date) -> tuple[sa.ColumnElement[bool], ...]:
    if view is View.LATE:
        return Supervision.state == SupervisionState.ORDERED, Supervision.due_on < today
    return (Supervision.state == SupervisionState(view.value),)


def list_supervisions(view: View, staff: Staff, today: date, number: int) -> Page[Any]:
    """Return one page of the orders that somebody may see, by deadline; settled ones the newest first."""
    statement = (
        sa.select(Supervision)
        .join(Supervision.complaint)
        .options(contains_eager(Supervision.complaint), joinedload(Supervision.organ))
        .where(visible_to(staff), *_where(view, today))
    )
    order: Any = Supervision.accepted_at.desc() if view is View.ACCEPTED else Supervision.due_on
    return list_page(statement.order_by(order, Supervision.id), number, scalars=True)


def count_views(staff: Staff, today: date) -> dict[View, int]:
    """Count what each filter shows to this member of staff."""
    columns = [
        sa.func.count(sa.case((sa.and_(*_where(view, today)), Supervision.id))).label(view.value) for view in View
    ]
    row = db.session.execute(
        sa.select(*columns).select_from(Supervision).join(Supervision.complaint).where(visible_to(staff))
    ).one()
    return {view: getattr(row, view.value) for view in View}
