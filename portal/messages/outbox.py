"""The seam between portal and notifiers: who wants somebody to hear something puts it here.

The first half is for features that have something to say, the second for the notifier that sends it:
list what is due, claim it, record how it went. Callers commit.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.contacts.models import Contact
from portal.db import db, upsert
from portal.messages.models import Attempt, Message, MessageState, Outcome

PRIORITY_ANSWER = 2
PRIORITY_REMINDER = 5
PRIORITY_BATCH = 8

# Written out, not bound: databases use an index over part of a table only when they can read the condition.
QUEUED = Message.state == sa.literal_column("'queued'")
SENDING = Message.state == sa.literal_column("'sending'")
# Wrapped, so that rows are found by their ids and then looked at, never the other way round.
OPEN = sa.func.coalesce(sa.cast(Message.state, sa.Text), "").in_([MessageState.SENDING, MessageState.UNKNOWN])
# What a voided message takes from the row that calls it back.
COMING_BACK = ("contact_id", "values", "due_at", "expires_at", "priority", "urgent", "state", "reason", "changed_at")
ROW_DEFAULTS: dict[str, Any] = {
    "expires_at": None,
    "priority": PRIORITY_REMINDER,
    "urgent": False,
    "state": MessageState.QUEUED,
    "reason": "",
    "attempts_made": 0,
    "provider": "",
    "text": "",
    "segments": 0,
}


def enqueue(
    *,
    key: str,
    template: str,
    subject: str,
    contact_id: int | None,
    values: dict[str, Any],
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int = PRIORITY_REMINDER,
    urgent: bool = False,
    state: MessageState = MessageState.QUEUED,
    reason: str = "",
) -> bool:
    """Put one message into the outbox, in the caller's transaction; False when its key is already there.

    A message that was voided before anybody tried to send it comes back.
    An urgent message does not wait for the morning or for a working day.
    """
    row = {
        "key": key,
        "template": template,
        "subject": subject,
        "contact_id": contact_id,
        "values": values,
        "due_at": due_at or clock.now(),
        "expires_at": expires_at,
        "priority": priority,
        "urgent": urgent,
        "state": state,
        "reason": reason,
    }
    return enqueue_many([row]) == 1


def enqueue_many(rows: Sequence[dict[str, Any]]) -> int:
    """Put many rows into the outbox, leaving those whose key is there; return how many are new or came back.

    What was voided unsent comes back as the new row says: a day that was changed and changed back is told after all.
    """
    if not rows:
        return 0
    now = clock.now()
    full = [ROW_DEFAULTS | row | {"created_at": now, "changed_at": now} for row in rows]
    statement = upsert(Message)
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={name: statement.excluded[name] for name in COMING_BACK},
        where=sa.and_(Message.state == MessageState.VOID, Message.attempts_made == 0),
    )
    db.session.flush()
    result = db.session.connection().execute(statement, full, execution_options={"preserve_rowcount": True})
    return max(0, result.rowcount)


def void(subject: str, *, reason: str) -> int:
    """Void what is still unsent about a record; return how many messages that were."""
    return _void(Message.subject == subject, reason=reason)


def void_expired(now: datetime) -> int:
    """Void what nobody needs to hear any more; return how many messages that were."""
    return _void(Message.expires_at <= now, reason="expired")


def void_superseded(subjects: Collection[str], *, template: str, keep: Collection[str]) -> int:
    """Void unsent messages of a template that a newer one about the same record replaces."""
    if not subjects:
        return 0
    return _void(
        Message.subject.in_(subjects), Message.template == template, Message.key.not_in(keep), reason="superseded"
    )


def _void(*conditions: sa.ColumnElement[bool], reason: str) -> int:
    changed = db.session.execute(
        sa.update(Message)
        .where(QUEUED, *conditions)
        .values(state=MessageState.VOID, reason=reason, changed_at=clock.now())
        .execution_options(synchronize_session=False)
        .returning(Message.id)
    )
    return len(changed.all())


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is due, as the notifier needs it; no phone where there is nobody to send to."""

    id: int
    template: str
    subject: str
    values: dict[str, Any]
    priority: int
    attempts_made: int
    expires_at: datetime | None
    phone: str | None
    locale: str
    opted_out: bool
    # The subjects of the messages that go out as part of this one's text.
    carried: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A message about to be handed over, with the words it will have."""

    message_id: int
    provider: str
    text: str
    segments: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How one hand-over ended. `state` is what the message becomes; `wait` is how long until it is due once more."""

    message_id: int
    attempt_id: int
    outcome: Outcome
    state: MessageState
    reference: str | None = None
    error_code: str = ""
    wait: timedelta | None = None


def _ready(due_by: datetime, urgent_only: bool) -> list[sa.ColumnElement[bool]]:
    conditions = [QUEUED, Message.due_at <= due_by]
    return [*conditions, Message.urgent.is_(True)] if urgent_only else conditions


def list_waiting(*, due_by: datetime, urgent_only: bool, limit: int) -> list[Waiting]:
    """Return what is due, most pressing first, locked for this transaction.

    PostgreSQL leaves out what another dispatcher holds; SQLite has one writer at a time and needs no lock.
    """
    rows = db.session.execute(
        sa.select(
            Message.id,
            Message.template,
            Message.subject,
            Message.values,
            Message.priority,
            Message.attempts_made,
            Message.expires_at,
            Contact.phone,
            sa.func.coalesce(Contact.locale, "").label("locale"),
            Contact.opted_out_at.is_not(None).label("opted_out"),
        )
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(*_ready(due_by, urgent_only))
        .order_by(Message.priority, Message.due_at, Message.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Message)
    )
    return [Waiting(*row) for row in rows]


def count_waiting(*, due_by: datetime) -> int:
    """Count what is due and still unsent."""
    statement = sa.select(sa.func.count()).select_from(Message).where(*_ready(due_by, False))
    return db.session.scalar(statement) or 0


def has_work(now: datetime) -> bool:
    """Whether a message is due, or was being sent when its sender died."""
    left_behind = sa.and_(SENDING, Message.claimed_until < now)
    due = sa.select(Message.id).where(*_ready(now, False)).exists()
    return bool(db.session.scalar(sa.select(sa.or_(due, sa.select(Message.id).where(left_behind).exists()))))


def claim(claims: Sequence[Claim], *, until: datetime) -> list[int]:
    """Mark messages as being sent and open an attempt for each; return the attempts' ids in the same order.

    To be committed before anything is sent: whatever happens then, nobody sends them again.
    """
    if not claims:
        return []
    now = clock.now()
    by_provider: dict[str, list[int]] = defaultdict(list)
    by_text: dict[tuple[str, int], list[int]] = defaultdict(list)
    for item in claims:
        by_provider[item.provider].append(item.message_id)
        by_text[item.text, item.segments].append(item.message_id)
    sending = {"state": MessageState.SENDING, "reason": "", "claimed_until": until, "changed_at": now}
    for provider, ids in by_provider.items():
        made = Message.attempts_made + 1
        _update(Message.id.in_(ids), **sending, provider=provider, attempts_made=made)
    for (text, segments), ids in by_text.items():
        _update(Message.id.in_(ids), text=text, segments=segments)
    claimed = Message.id.in_([item.message_id for item in claims])
    opening = sa.select(Message.id, Message.provider, Message.changed_at, sa.literal("")).where(claimed)
    columns = [Attempt.message_id, Attempt.provider, Attempt.started_at, Attempt.error_code]
    connection = db.session.connection()
    connection.execute(sa.insert(Attempt).from_select(columns, opening, include_defaults=False))
    newest = sa.select(Attempt.message_id, sa.func.max(Attempt.id)).group_by(Attempt.message_id)
    opened = connection.execute(newest.where(Attempt.message_id.in_([item.message_id for item in claims])))
    attempt_ids = {row[0]: row[1] for row in opened}
    return [attempt_ids[item.message_id] for item in claims]


def settle_unsent(message_ids: Collection[int], *, state: MessageState, reason: str) -> None:
    """Take messages out of the queue that cannot be sent, and say why."""
    if message_ids:
        _update(Message.id.in_(message_ids), state=state, reason=reason, changed_at=clock.now())


def record(endings: Sequence[Ending]) -> None:
    """Record how hand-overs ended.

    A message whose lease ran out meanwhile is `unknown` by then; a late answer still settles it. What a receipt has
    settled already stays as it is.
    """
    now = clock.now()
    alike: dict[tuple[Outcome, MessageState, str, timedelta | None], list[Ending]] = defaultdict(list)
    for item in endings:
        alike[item.outcome, item.state, item.error_code, item.wait].append(item)
    for (outcome, state, code, wait), items in alike.items():
        reference: object = None
        changes: dict[str, object] = {"state": state, "reason": code, "claimed_until": None, "changed_at": now}
        which: sa.ColumnElement[bool] = Message.id.in_([item.message_id for item in items])
        if outcome is Outcome.ACCEPTED:
            references = _references(items)
            which = Message.id == sa.cast(references.c.key, sa.Integer)
            changes |= {"accepted_at": now, "provider_reference": references.c.value}
            reference = sa.select(Message.provider_reference).where(Message.id == Attempt.message_id).scalar_subquery()
        if state is MessageState.DELIVERED:
            changes["delivered_at"] = now
        if wait is not None:
            changes["due_at"] = now + wait
        _update(which, OPEN, **changes)
        db.session.execute(
            sa.update(Attempt)
            .where(Attempt.id.in_([item.attempt_id for item in items]))
            .values(ended_at=now, outcome=outcome, error_code=code, provider_reference=reference)
            .execution_options(synchronize_session=False)
        )


def _references(endings: Sequence[Ending]) -> sa.TableValuedAlias:
    """Return the references by message id as a table: one statement, where one for each row would cost the sender.

    SQLite's driver lets go of Python's lock for every row, and gets it back only when the sending thread is done.
    """
    pairs = sa.literal(json.dumps({item.message_id: item.reference for item in endings}), sa.Text)
    sqlite = db.engine.dialect.name == "sqlite"
    each = sa.func.json_each(pairs) if sqlite else sa.func.json_each_text(sa.cast(pairs, sa.JSON))
    return each.table_valued(sa.column("key", sa.Text), sa.column("value", sa.Text), name="reference")


def _update(*conditions: sa.ColumnElement[bool], **values: object) -> None:
    db.session.execute(
        sa.update(Message).where(*conditions).values(values).execution_options(synchronize_session=False)
    )


def sweep_leases(now: datetime) -> int:
    """Mark as unknown what was being sent when its sender died; return how many messages that were."""
    swept = db.session.execute(
        sa.update(Message)
        .where(SENDING, Message.claimed_until < now)
        .values(state=MessageState.UNKNOWN, reason="cut_off", claimed_until=None, changed_at=now)
        .execution_options(synchronize_session=False)
        .returning(Message.id)
    )
    return len(swept.all())
