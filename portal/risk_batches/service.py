"""Taking a batch from preparation to approval, and noting how far it came; a second person approves, always."""

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.db import db
from portal.errors import Conflict, Forbidden, Refusal, TransitionError
from portal.risk_periods import queries, rules
from portal.risk_periods.models import BatchState, RiskBatch
from portal.risk_periods.service import FOLLOWING, follow_period, hold_back


def submit(*, batch: RiskBatch, staff: Staff) -> None:
    """Hand a batch over for approval, as its period says now; from here on it stays as it is.

    Raises Refusal when there is nothing to say or nobody to say it to, Conflict when it is too late.
    """
    _refuse_begun(batch)
    if not batch.period.active:
        raise Conflict(_l("This period is switched off."))
    if batch.state in FOLLOWING:
        span = rules.next_span(queries.dates_of(batch.period), batch.starts_on)
        if span is not None and span.starts_on == batch.starts_on:
            follow_period(batch, batch.period, span, get_calendar())
    _step(batch, "submit")
    if not batch.advice:
        raise Refusal(_l("There is no advice yet. Write what the parties shall do, then hand it over."))
    count = _count(batch)
    if not count.total:
        raise Refusal(_l("Nobody in the register would get this text. Change trades and streets of the period."))
    batch.submitted_by_id, batch.submitted_at, batch.note = staff.id, clock.now(), ""
    batch.decided_by_id, batch.decided_at = None, None
    db.session.flush()
    audit.record(
        "risk_batch.submit", _subject(batch), staff_id=staff.id, recipients=batch.recipients, segments=batch.segments
    )


def _count(batch: RiskBatch) -> queries.Count:
    count = queries.count_addressed(queries.choice_of(batch))
    batch.recipients, batch.suppressed = count.total, count.suppressed.total()
    batch.segments = queries.count_segments(count, queries.write_texts(batch))
    return count


def take_back(*, batch: RiskBatch, staff: Staff) -> None:
    """Take a batch back that waits for approval."""
    _step(batch, "take_back")
    audit.record("risk_batch.take_back", _subject(batch), staff_id=staff.id)


def approve(*, batch: RiskBatch, staff: Staff, seen: str, urgent: bool, reason: str) -> None:
    """Approve a batch that somebody else submitted; `seen` is the stamp of what the approver had on the screen.

    An urgent batch goes out in quiet hours and on days off, too, and needs a reason.
    """
    _refuse_own(batch, staff)
    _refuse_begun(batch)
    if seen != stamp(batch):
        raise TransitionError(_l("This batch was changed since you opened the page; below is its present state."))
    if urgent and not reason:
        raise Refusal(_l("Say why these texts may not wait for the morning."), field="urgent_reason")
    _step(batch, "approve")
    batch.urgent, batch.urgent_reason = urgent, reason if urgent else ""
    batch.planned, batch.planned_to = 0, 0
    _decide(batch, staff)
    audit.record("risk_batch.approve", _subject(batch), staff_id=staff.id, urgent=urgent, reason=batch.urgent_reason)


def refuse(*, batch: RiskBatch, staff: Staff, note: str) -> None:
    """Send a batch back to whoever prepares it, with a note."""
    _refuse_own(batch, staff)
    _step(batch, "refuse")
    batch.note = note
    _decide(batch, staff)
    audit.record("risk_batch.refuse", _subject(batch), staff_id=staff.id)


def withdraw(*, batch: RiskBatch, staff: Staff, note: str) -> int:
    """Withdraw an approval; return how many unsent messages that voided.

    Raises TransitionError when everything has left already.
    """
    planned = batch.state is BatchState.PLANNED
    _step(batch, "withdraw")
    batch.note = note
    _decide(batch, staff)
    void = hold_back(batch, "withdrawn")
    if planned and not void:
        raise TransitionError(_l("Nothing of this batch is left to hold back."))
    audit.record("risk_batch.withdraw", _subject(batch), staff_id=staff.id, void=void)
    return void


def note_planned(*, batch: RiskBatch, last_id: int, planned: int) -> None:
    """Note how far planning came: the last party done, and how many texts that added."""
    batch.planned_to = max(batch.planned_to, last_id)
    batch.planned += planned
    db.session.flush()


def close_planning(batch: RiskBatch) -> None:
    """Note that everybody whom a batch addresses is in the outbox."""
    _count(batch)
    batch.state, batch.changed_at = BatchState.PLANNED, clock.now()
    db.session.flush()


def stamp(batch: RiskBatch) -> str:
    """Return what tells one state of a batch from the next."""
    return batch.changed_at.isoformat()


def _subject(batch: RiskBatch) -> str:
    return queries.subject_of(batch.id)


def _step(batch: RiskBatch, step: str) -> None:
    state = rules.next_state(batch.state, step)
    if state is None:
        raise TransitionError(_l("Someone has taken this batch further meanwhile; below is its present state."))
    batch.state, batch.changed_at = BatchState(state), clock.now()
    db.session.flush()


def _decide(batch: RiskBatch, staff: Staff) -> None:
    batch.decided_by_id, batch.decided_at = staff.id, clock.now()
    db.session.flush()


def _refuse_own(batch: RiskBatch, staff: Staff) -> None:
    if staff.id == batch.submitted_by_id:
        raise Forbidden(_l("You handed this batch over, so somebody else has to decide on it."))


def _refuse_begun(batch: RiskBatch) -> None:
    if batch.starts_on <= clock.today():
        raise TransitionError(_l("The period has begun, so it is too late for these texts."))
