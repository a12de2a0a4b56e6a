"""Batches of texts about high-risk periods: laid before the staff in time, and sent once a second person has agreed.

An approved batch is expanded in pages that are committed one by one. `planned_to` is how far it came, so a planner that
is cut off goes on where it was, and two at once take turns at the batch's row. Cost follows whom the batch addresses.
"""

import logging
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from notifiers.people import hand_to_person
from notifiers.plan.result import Planned
from portal import clock
from portal.db import batched, db
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.risk_batches.service import close_planning, note_planned
from portal.risk_periods import queries, service
from portal.risk_periods.models import BatchState, RiskBatch
from portal.risk_periods.rules import DAY, Span

log = logging.getLogger(__name__)

PAGE = 1000


def plan_risk_periods(on: date) -> Planned:
    """Prepare the batches that come near, end those that came too late, and expand what is approved for a day.

    As with permits, what is planned for a day to come is due at once.
    """
    ended = service.expire_batches()
    db.session.commit()
    new = service.prepare_batches(on=on)
    db.session.commit()
    if new or ended:
        log.info("risk batches: %d prepared, %d ended", len(new), len(ended))
    due = sa.select(RiskBatch.id).where(RiskBatch.state == BatchState.APPROVED, RiskBatch.send_on <= on)
    batch_ids = db.session.scalars(due.order_by(RiskBatch.send_on, RiskBatch.id)).all()
    db.session.commit()
    total = Planned()
    for batch_id in batch_ids:
        total += _expand(batch_id)
    return total


def _expand(batch_id: int) -> Planned:
    """Put a batch into the outbox, a page and a transaction at a time, for as long as it stays approved."""
    total, more = Planned(), True
    while more:
        batch = queries.get_batch(batch_id, scope=None, lock=True)
        if batch.state is not BatchState.APPROVED:
            break
        choice = queries.choice_of(batch)
        parties = queries.list_addressed(choice, after_id=batch.planned_to, limit=PAGE)
        total += _plan_page(batch, parties)
        more = len(parties) == PAGE
        if not more:
            close_planning(batch)
        db.session.commit()
    db.session.commit()
    return total


def _plan_page(batch: RiskBatch, parties: Sequence[Any]) -> Planned:
    if not parties:
        return Planned()
    common = {
        "template": queries.TEMPLATE,
        "subject": queries.subject_of(batch.id),
        "priority": outbox.PRIORITY_BATCH,
        "urgent": batch.urgent,
        "due_at": min(clock.start_of(batch.send_on), clock.now()),
        "expires_at": clock.start_of(Span(batch.starts_on, batch.ends_on).useful_until + DAY),
    }
    rows = [common | _row(batch.id, party) for party in parties if not party.reason]
    suppressed = [common | _row(batch.id, party) for party in parties if party.reason]
    planned = outbox.enqueue_many(rows)
    nobody = outbox.enqueue_many(suppressed)
    if batch.urgent:
        _have_called(suppressed)
    note_planned(batch=batch, last_id=parties[-1].id, planned=len(rows))
    return Planned(planned=planned, suppressed=nobody)


def _have_called(suppressed: Sequence[dict[str, Any]]) -> None:
    """See to it that somebody calls whom an urgent text cannot reach; who shares a phone hears by the other's text."""
    keys = [row["key"] for row in suppressed if row["reason"] != queries.DUPLICATE]
    for some in batched(keys):
        for message in db.session.scalars(sa.select(Message).where(Message.key.in_(some)).order_by(Message.id)):
            hand_to_person(message, message.reason)


def _row(batch_id: int, party: Any) -> dict[str, Any]:
    """Return what differs from row to row: a text belongs to its phone, what keeps one from leaving to its party."""
    row = {"contact_id": party.contact_id, "values": {"party_id": party.id}}
    if not party.reason:
        return row | {"key": f"risk:{batch_id}:{party.contact_id}"}
    stopped = {"state": MessageState.SUPPRESSED, "reason": party.reason}
    return row | stopped | {"key": f"risk:{batch_id}:party:{party.id}"}
