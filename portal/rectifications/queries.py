"""Reading what bad grades have opened: of one case, and of all that somebody may see, by deadline."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import contains_eager, joinedload

from portal.accounts.models import Staff
from portal.complaints.models import Complaint
from portal.complaints.queries import visible_to
from portal.db import db
from portal.errors import NotFound
from portal.paging import Page, list_page
from portal.rectifications.models import Rectification

# What has to be done next: the call while nobody made it, then all of it.
NEXT_DUE = sa.case((Rectification.contacted_at.is_(None), Rectification.contact_due_on), else_=Rectification.due_on)


class View(StrEnum):
    """The filters of the list."""

    OPEN = "open"
    LATE = "late"
    MISTAKES = "mistakes"
    CLOSED = "closed"


def list_of(complaint: Complaint) -> Sequence[Rectification]:
    """Return what the grades of a case have opened, the newest first."""
    statement = sa.select(Rectification).where(Rectification.complaint_id == complaint.id)
    return db.session.scalars(statement.order_by(Rectification.id.desc())).all()


def find_open(complaint: Complaint) -> Rectification | None:
    """Return the open rectification of a case."""
    return next((row for row in list_of(complaint) if row.closed_at is None), None)


def get_latest(complaint: Complaint) -> Rectification:
    """Return the newest rectification of a case; raises NotFound."""
    found = list_of(complaint)
    if not found:
        raise NotFound(_l("No bad grade was given for this case."))
    return found[0]


def _where(view: View, today: date) -> tuple[sa.ColumnElement[bool], ...]:
    is_open = Rectification.closed_at.is_(None)
    conditions: dict[View, tuple[sa.ColumnElement[bool], ...]] = {
        View.OPEN: (is_open,),
        View.LATE: (is_open, today > NEXT_DUE),
        View.MISTAKES: (is_open, Rectification.mistake_by_id.is_not(None)),
        View.CLOSED: (Rectification.closed_at.is_not(None),),
    }
    return conditions[view]


def list_rectifications(view: View, staff: Staff, today: date, number: int) -> Page[Any]:
    """Return one page of what somebody may see: open ones by the next deadline, closed ones the newest first."""
    statement = (
        sa.select(Rectification)
        .join(Rectification.complaint)
        .options(contains_eager(Rectification.complaint).options(joinedload(Complaint.organ)))
        .where(visible_to(staff), *_where(view, today))
    )
    order: Any = Rectification.closed_at.desc() if view is View.CLOSED else NEXT_DUE
    return list_page(statement.order_by(order, Rectification.id), number, scalars=True)


def count_views(staff: Staff, today: date) -> dict[View, int]:
    """Count what each filter shows to this member of staff."""
    columns = [
        sa.func.count(sa.case((sa.and_(*_where(view, today)), Rectification.id))).label(view.value) for view in View
    ]
    row = db.session.execute(
        sa.select(*columns).select_from(Rectification).join(Rectification.complaint).where(visible_to(staff))
    ).one()
    return {view: getattr(row, view.value) for view in View}
