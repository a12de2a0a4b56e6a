"""Keeping periods, and the batches that follow them until somebody hands them over."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.calls.service import drop_calls
from portal.db import db, upsert
from portal.errors import Conflict
from portal.messages import outbox
from portal.risk_periods import queries, rules
from portal.risk_periods.models import BatchState, RiskBatch, RiskPeriod, RiskPeriodDays
from portal.risk_periods.rules import Span
from portal.wordings.service import handed_over

HORIZON = timedelta(days=2 * 366)
TEXTS = ("name", "name_en", "basis", "first_day", "last_day", "advice", "advice_en")
COPIED = ("trades", "streets", "advice", "advice_en")
# Batches that still follow their period, those that somebody has answered for, and those that are not approved.
FOLLOWING = (BatchState.PREPARED, BatchState.REFUSED)
HANDED_OVER = (BatchState.SUBMITTED, BatchState.APPROVED, BatchState.PLANNED)
NOT_APPROVED = (*FOLLOWING, BatchState.SUBMITTED)
# Reasons that no person wrote; pages put them into words.
UNAPPROVED, TOO_LATE, SWITCHED_OFF, DAYS_CHANGED = "not_approved", "too_late", "switched_off", "days_changed"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What staff say of a period; days of the year as `MM-DD`, or `table` year by year."""

    name: str
    name_en: str
    basis: str
    first_day: str
    last_day: str
    table: Sequence[Span]
    days_ahead: int
    trades: Sequence[str]
    streets: Sequence[str]
    advice: str
    advice_en: str
    organ_id: int | None


def create_period(*, staff: Staff, content: Content) -> RiskPeriod:
    """Enter a period of the city's own; it rests until somebody switches it on."""
    period = RiskPeriod(code=f"own-{secrets.token_hex(4)}", active=False, days=[])
    _write(period, content)
    audit.record("risk_period.create", f"risk_period:{period.id}", staff_id=staff.id)
    return period


def update_period(*, period: RiskPeriod, staff: Staff, content: Content) -> None:
    """Change a period and the batches that still follow it.

    Raises Conflict when texts with its name and days have been handed over for approval and are not over yet.
    """
    before = (period.name, period.name_en, queries.dates_of(period))
    after = (content.name, content.name_en, rules.Dates(content.first_day, content.last_day, content.table))
    if before != after and _standing(period):
        raise Conflict(_l("Texts with this name and these days have been handed over. Withdraw them first."))
    _write(period, content)
    today, calendar = clock.today(), get_calendar()
    for batch in queries.list_batches_of(period.id, *FOLLOWING):
        span = rules.next_span(queries.dates_of(period), batch.starts_on)
        if span is not None and span.starts_on == batch.starts_on:
            follow_period(batch, period, span, calendar)
        elif batch.starts_on > today:
            _end(batch, DAYS_CHANGED)
    audit.record("risk_period.edit", f"risk_period:{period.id}", staff_id=staff.id)


def _write(period: RiskPeriod, content: Content) -> None:
    for name in (*TEXTS, "days_ahead", "organ_id"):
        setattr(period, name, getattr(content, name))
    period.trades, period.streets = list(content.trades), list(content.streets)
    wanted = {span.starts_on: span for span in content.table}
    for days in list(period.days):
        if days.starts_on not in wanted:
            period.days.remove(days)
            db.session.delete(days)
        else:
            days.ends_on = wanted.pop(days.starts_on).ends_on
    period.days.extend(RiskPeriodDays(starts_on=span.starts_on, ends_on=span.ends_on) for span in wanted.values())
    db.session.add(period)
    db.session.flush()


def _standing(period: RiskPeriod) -> list[RiskBatch]:
    """Return the batches that somebody has answered for and of which something may still leave."""
    today = clock.today()
    batches = queries.list_batches_of(period.id, *HANDED_OVER)
    return [batch for batch in batches if Span(batch.starts_on, batch.ends_on).useful_until >= today]


def words_are_bound() -> bool:
    """Whether a batch is handed over of which something may still leave: its words are part of what is approved."""
    batches = queries.list_useful_batches(clock.today(), *HANDED_OVER)
    return any(batch.state is not BatchState.PLANNED or queries.has_unsent(batch.id) for batch in batches)


handed_over[queries.TEMPLATE] = words_are_bound


def switch_period(*, period: RiskPeriod, staff: Staff, active: bool) -> int:
    """Switch a period on or off; return how many unsent messages that voided."""
    period.active = active
    void = 0
    for batch in [] if active else _standing(period):
        held = hold_back(batch, SWITCHED_OFF)
        void += held
        if held or batch.state is not BatchState.PLANNED:  # What has left whole stays what it is.
            batch.state, batch.note, batch.changed_at = BatchState.REFUSED, SWITCHED_OFF, clock.now()
    db.session.flush()
    audit.record("risk_period.switch", f"risk_period:{period.id}", staff_id=staff.id, active=active, void=void)
    return void


def prepare_batches(*, on: date) -> list[int]:
    """Lay the batches before the staff whose texts leave soon after a day; return the ids of those that are new.

    Batches that still follow their period are brought up to date: the calendar may have moved their day.
    """
    today, calendar = clock.today(), get_calendar()
    on = min(on, today + HORIZON)
    latest = on + timedelta(days=rules.PREPARED_DAYS + rules.MAX_DAYS_AHEAD) * 2
    new = []
    for period in queries.list_periods(active=True):
        for span in rules.spans(queries.dates_of(period), today + rules.DAY, latest):
            send_on = rules.send_day(span.starts_on, period.days_ahead, calendar).day
            if rules.prepare_day(send_on) <= on:
                new += _keep_batch(period, span, calendar)
    return new


def prepare_next(*, period: RiskPeriod, staff: Staff) -> RiskBatch:
    """Prepare the next batch of a period now; raises Conflict when nobody has entered when it begins."""
    span = rules.next_span(queries.dates_of(period), clock.today() + rules.DAY)
    if span is None:
        raise Conflict(_l("The days of the coming years are not entered yet. Enter them first."))
    new = _keep_batch(period, span, get_calendar())
    batch = next(item for item in queries.list_batches_of(period.id) if item.starts_on == span.starts_on)
    if new:
        audit.record("risk_batch.prepare", f"risk_batch:{batch.id}", staff_id=staff.id)
    return batch


def _keep_batch(period: RiskPeriod, span: Span, calendar: WorkingCalendar) -> list[int]:
    known = {batch.starts_on: batch for batch in queries.list_batches_of(period.id)}.get(span.starts_on)
    if known is None:
        row = {"period_id": period.id, "starts_on": span.starts_on, "ends_on": span.ends_on, "send_on": span.starts_on}
        statement = upsert(RiskBatch).values(row | {"created_at": clock.now(), "changed_at": clock.now()})
        inserted = db.session.execute(statement.on_conflict_do_nothing().returning(RiskBatch.id)).scalar()
        if inserted is None:
            return []  # Another planner was faster.
        known = db.session.get_one(RiskBatch, inserted)
        follow_period(known, period, span, calendar)
        return [inserted]
    if known.state is BatchState.EXPIRED:
        # Its days were changed, and changed back.
        known.state, known.note = BatchState.PREPARED, ""
    if known.state in FOLLOWING:
        follow_period(known, period, span, calendar)
    return []


def follow_period(batch: RiskBatch, period: RiskPeriod, span: Span, calendar: WorkingCalendar) -> None:
    """Bring a batch to what its period says now."""
    for name in COPIED:
        value = getattr(period, name)
        setattr(batch, name, list(value) if isinstance(value, list) else value)
    batch.ends_on = span.ends_on
    batch.send_on = max(rules.send_day(span.starts_on, period.days_ahead, calendar).day, clock.today())
    db.session.flush()


def hold_back(batch: RiskBatch, reason: str) -> int:
    """Void what is unsent of a batch, and call nobody about it; return how many messages that voided."""
    drop_calls(queries.subject_of(batch.id))
    return outbox.void(queries.subject_of(batch.id), reason=reason)


def expire_batches() -> list[int]:
    """End what nobody approved before its period began, and what was approved but came too late; return the ids."""
    today = clock.today()
    late = db.session.scalars(
        sa.select(RiskBatch)
        .where(RiskBatch.starts_on <= today, RiskBatch.state.in_((*NOT_APPROVED, BatchState.APPROVED)))
        .order_by(RiskBatch.id)
        .with_for_update(of=RiskBatch)
    ).all()
    ended = []
    for batch in late:
        if batch.state is not BatchState.APPROVED:
            _end(batch, UNAPPROVED)
        elif Span(batch.starts_on, batch.ends_on).useful_until < today:
            _end(batch, TOO_LATE)
        else:
            continue
        ended.append(batch.id)
    return ended


def _end(batch: RiskBatch, reason: str) -> None:
    if batch.state is not BatchState.REFUSED:
        batch.note = reason  # What somebody wrote says more.
    batch.state, batch.changed_at = BatchState.EXPIRED, clock.now()
    db.session.flush()
    audit.record("risk_batch.expire", queries.subject_of(batch.id), reason=reason)
