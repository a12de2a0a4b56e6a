"""Reminders of permits whose last day to apply for renewal comes near.

The work follows what is due on a day, not what is registered: one walk along the index over the next reminder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from notifiers.people import end_expired
from notifiers.plan.result import Planned
from notifiers.unreached import call_about
from portal import clock
from portal.calls.queries import list_open_subjects
from portal.calls.rules import split_subject
from portal.db import db
from portal.messages import outbox
from portal.messages.models import MessageState
from portal.permits import queries, service
from portal.permits.rules import DEFAULT_OFFSETS, Occurrence, next_reminder, occurrences

TEMPLATE = "permit_renewal"
MISSED = "missed"
PAGE = 1000
DAY = timedelta(days=1)


@dataclass
class Batch:
    """What one page of permits comes to: rows for the outbox, and when to look at each permit again.

    `skipped` were due while nobody planned; `over` is the last reminder of permits whose last day passed meanwhile.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    suppressed: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    over: list[dict[str, Any]] = field(default_factory=list)
    next_days: list[dict[str, Any]] = field(default_factory=list)


def plan_permits(on: date) -> Planned:
    """Plan the reminders that are due by a day, in pages that are committed one by one.

    What is planned for a day to come is due at once: whoever plans ahead wants it sent with the next dispatch, and a
    text always tells the days that are left when it is sent.
    Only the latest reminder due is planned for a permit: after a pause nobody gets several at once. The others are
    recorded as skipped, and whose last day passed during the pause is called.
    """
    total = Planned(void=end_expired(clock.now()))
    db.session.commit()
    offsets = queries.list_reminder_offsets()
    after_id, more = 0, True
    while more:
        page = queries.list_reminders_due(on, after_id, PAGE)
        if page:
            total += _plan_page(page, on, offsets)
            after_id = page[-1].id
        more = len(page) == PAGE
        db.session.commit()
    return total


def _plan_page(page: Sequence[Any], on: date, offsets: Mapping[int, Sequence[int]]) -> Planned:
    batch = Batch()
    for permit in page:
        due = _occurrences(permit.window_opens_on, permit.last_apply_on, offsets.get(permit.permit_type_id))
        _plan_permit(permit, on, due, batch)
    planned = outbox.enqueue_many(batch.rows)
    suppressed = outbox.enqueue_many(batch.suppressed)
    void = outbox.void_superseded(
        [row["subject"] for row in batch.rows], template=TEMPLATE, keep=[row["key"] for row in batch.rows]
    )
    service.set_next_reminders(batch.next_days)
    if suppressed:
        call_about({row["subject"] for row in batch.suppressed})
    outbox.note_many(batch.skipped)
    missed = outbox.note_many(batch.over)
    called = list_open_subjects([subject for _, subject in missed])
    for message_id, subject in missed:
        # An older reminder may have put its party on the list already: one call tells all.
        if subject not in called:
            service.ask_for_call(split_subject(subject)[1], message_id, MISSED)
    return Planned(planned, suppressed, void)


def _occurrences(opens_on: date | None, last_day: date, offsets: Sequence[int] | None) -> list[Occurrence]:
    return occurrences(opens_on, last_day, offsets or DEFAULT_OFFSETS)


def _plan_permit(permit: Any, on: date, due: Sequence[Occurrence], batch: Batch) -> None:
    passed = [item for item in due if item.on <= min(on, permit.last_apply_on)]
    if permit.last_apply_on < on:
        # Who plans ahead must not lose what is still to be told until then.
        if permit.last_apply_on < clock.today():
            batch.next_days.append({"id": permit.id, "next_reminder_on": None})
            _skip(permit, passed[:-1], batch)
            batch.over += _list_skipped(permit, passed[-1:], MessageState.PERSON)
        return
    batch.next_days.append({"id": permit.id, "next_reminder_on": next_reminder(due, after=on)})
    if not passed:
        return
    _skip(permit, passed[:-1], batch)
    row = _make_row(permit, passed[-1], min(clock.start_of(on), clock.now()))
    reason = _find_obstacle(permit)
    if reason:
        batch.suppressed.append(row | {"state": MessageState.SUPPRESSED, "reason": reason})
    else:
        batch.rows.append(row)


def _skip(permit: Any, items: Sequence[Occurrence], batch: Batch) -> None:
    batch.skipped += _list_skipped(permit, items, MessageState.VOID)


def _list_skipped(permit: Any, items: Sequence[Occurrence], state: MessageState) -> list[dict[str, Any]]:
    """Return rows for what was due since the permit was last looked at; before it was known nothing was missed."""
    since = max(permit.next_reminder_on, clock.local(permit.created_at).date())
    today = clock.today()
    return [
        _make_row(permit, item, clock.start_of(item.on))
        | {"state": state, "reason": MISSED if item.on < today else "superseded"}
        for item in items
        if item.on >= since
    ]


def _make_row(permit: Any, occurrence: Occurrence, due_at: datetime) -> dict[str, Any]:
    last_day = permit.last_apply_on.isoformat()
    return {
        "key": f"permit-renewal:{permit.id}:{last_day}:{occurrence.label}",
        "template": TEMPLATE,
        "subject": f"permit:{permit.id}",
        "contact_id": permit.contact_id,
        "values": {"permit_id": permit.id, "last_day": last_day, "label": occurrence.label},
        "due_at": due_at,
        "expires_at": clock.start_of(permit.last_apply_on + DAY),
    }


def _find_obstacle(permit: Any) -> str:
    if permit.contact_id is None:
        return "no_contact"
    return "opted_out" if permit.opted_out_at else ""
