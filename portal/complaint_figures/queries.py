"""Counting complaints, one statement for each figure whatever their number. What was erased since still counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.complaints.models import Complaint
from portal.complaints.queries import OPEN
from portal.db import db

DIMENSIONS = ("months", "organs", "kinds", "categories", "channels", "grades", "findings")
ZONE, HOURS = "Asia/Shanghai", "+8 hours"


@dataclass(frozen=True)
class Count:
    """How many cases have a key, how many of them were answered in time, and how many are or were late."""

    key: Any
    total: int
    in_time: int
    late: int


def count_by(dimension: str, first: date, last: date, today: date, *conditions: Any) -> list[Count]:
    """Count what came in during a period by a dimension; the key is none where there is nothing to count by."""
    key = {
        "months": sa.func.substr(sa.cast(local_day(Complaint.received_at), sa.Text), 1, 7),
        "organs": Complaint.organ_id,
        "kinds": sa.cast(Complaint.kind, sa.Text),
        "categories": Complaint.category,
        "channels": sa.cast(Complaint.channel, sa.Text),
        "grades": Complaint.grade,
        "findings": sa.cast(Complaint.finding, sa.Text),
    }[dimension]
    answered_on = local_day(Complaint.answered_at)
    overdue = sa.and_(Complaint.state.in_(OPEN), Complaint.paused_on.is_(None), Complaint.answer_due_on < today)
    late = sa.or_(sa.and_(Complaint.answered_at.is_not(None), answered_on > Complaint.answer_due_on), overdue)
    in_time = sa.and_(Complaint.answered_at.is_not(None), answered_on <= Complaint.answer_due_on)
    columns = [sa.func.sum(sa.case((condition, 1), else_=0)) for condition in (in_time, late)]
    statement: Any = sa.select(key.label("key"), sa.func.count(), *columns).where(*_period(first, last), *conditions)
    return [Count(row[0], row[1], int(row[2]), int(row[3])) for row in db.session.execute(statement.group_by("key"))]


def local_day(moment: Any) -> Any:
    """Return the city's day of a moment, in SQL."""
    if db.engine.dialect.name == "sqlite":
        return sa.func.date(moment, HOURS, type_=sa.Date)
    return sa.cast(sa.func.timezone(ZONE, moment), sa.Date)


def _period(first: date, last: date) -> Sequence[sa.ColumnElement[bool]]:
    starts, ends = clock.start_of(first), clock.start_of(last + timedelta(days=1))
    return Complaint.received_at >= starts, Complaint.received_at < ends
