"""High-risk periods and batches for tests."""

from datetime import date, timedelta
from itertools import count
from typing import Any

from portal import clock
from portal.db import db
from portal.risk_periods.models import BatchState, RiskBatch, RiskPeriod, RiskPeriodDays
from portal.risk_periods.rules import Span
from tests.factories.accounts import make_staff

_numbers = count(1)


def make_period(*, table: list[Span] | None = None, **values: Any) -> RiskPeriod:
    """Create an active period; flood season by default, or one whose days stand in a table."""
    fixed = {"first_day": "", "last_day": ""} if table is not None else {"first_day": "05-15", "last_day": "09-30"}
    defaults: dict[str, Any] = {
        "code": f"invented-{next(_numbers)}",
        "name": "虚构防汛期",
        "name_en": "Invented floods",
        "basis": "虚构条例第一条",
        "advice": "请清沟排水",
        "advice_en": "clear drains",
        "trades": [],
        "streets": [],
        "days_ahead": 7,
        "active": True,
    }
    days = [RiskPeriodDays(starts_on=span.starts_on, ends_on=span.ends_on) for span in table or []]
    period = RiskPeriod(**(defaults | fixed | values), days=days)
    db.session.add(period)
    db.session.flush()
    return period


def make_batch(
    *,
    period: RiskPeriod | None = None,
    state: BatchState = BatchState.APPROVED,
    starts_on: date | None = None,
    send_on: date | None = None,
    **values: Any,
) -> RiskBatch:
    """Create a batch whose texts leave today and whose period begins in a week."""
    period = period or make_period()
    starts_on = starts_on or clock.today() + timedelta(days=7)
    defaults: dict[str, Any] = {
        "ends_on": starts_on + timedelta(days=100),
        "send_on": send_on or clock.today(),
        "advice": period.advice,
        "advice_en": period.advice_en,
        "trades": period.trades,
        "streets": period.streets,
    }
    if state is not BatchState.PREPARED:
        defaults |= {"submitted_by_id": make_staff().id, "submitted_at": clock.now()}
    batch = RiskBatch(period=period, starts_on=starts_on, state=state, **(defaults | values))
    db.session.add(batch)
    db.session.flush()
    return batch
