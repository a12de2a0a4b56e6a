"""Counting public decisions, in one statement whatever their number."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from portal import clock
from portal.calendar.queries import get_calendar
from portal.db import UtcDateTime, db
from portal.decisions.models import Decision, DecisionKind
from portal.decisions.queries import is_public
from portal.decisions.rules import publish_within


@dataclass(frozen=True)
class Group:
    """How many decisions of an organ, kind and month are public, and how many of them were published in time."""

    organ_id: int
    kind: DecisionKind
    month: str
    total: int
    in_time: int


def count_groups(first: date, last: date, *, on: date) -> list[Group]:
    """Count what is public on a day and was decided in a period, by organ, kind and month.

    The last moment in time of every day and kind is worked out beforehand, because only the calendar knows working
    days; the database does the rest.
    """
    limits = _limits(first, last)
    within = sa.case({kind.value: publish_within(kind) for kind in DecisionKind}, value=sa.cast(Decision.kind, sa.Text))
    year, month = sa.extract("year", Decision.decided_on), sa.extract("month", Decision.decided_on)
    in_time = sa.func.sum(sa.case((Decision.published_at < limits.c.ends_at, 1), else_=0))
    statement = (
        sa.select(Decision.organ_id, Decision.kind, year.label("year"), month.label("month"), sa.func.count(), in_time)
        .join(limits, sa.and_(limits.c.day == Decision.decided_on, limits.c.within == within))
        .where(is_public(on))
        .group_by(Decision.organ_id, Decision.kind, year, month)
    )
    return [
        Group(organ, kind, f"{int(when):d}-{int(number):02d}", total, int(timely))
        for organ, kind, when, number, total, timely in db.session.execute(statement)
    ]


def _limits(first: date, last: date) -> sa.CTE:
    calendar = get_calendar()
    rows: list[tuple[date, int, datetime]] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for within in sorted({publish_within(kind) for kind in DecisionKind}):
            due = calendar.add_working_days(day, within).day
            rows.append((day, within, clock.start_of(due + timedelta(days=1))))
    columns = (sa.column("day", sa.Date), sa.column("within", sa.Integer), sa.column("ends_at", UtcDateTime()))
    return sa.values(*columns, name="days").data(rows).cte("limits")
