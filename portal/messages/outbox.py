"""The seam between portal and notifiers: who wants somebody to hear something puts it here. Callers commit."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from portal import clock, direct
from portal.db import batched, db, upsert
from portal.messages.models import QUEUED, Attempt, Message, MessageState, Outcome

PRIORITY_ANSWER = 2
PRIORITY_REMINDER = 5
PRIORITY_BATCH = 8

# What is due at another moment than it was planned for still counts in the balance of its day.
PLANNED_AT = sa.func.coalesce(Message.planned_at, Message.due_at)
# What was voided while it was being sent says so until it is known whether a provider took it.
WITHDRAWN = "void:"
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

    A message that was voided before any provider took it comes back.
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
    db.session.flush()
    return len(direct.run(_entering_one, _completed(row, clock.now()))) == 1


def enqueue_many(rows: Sequence[dict[str, Any]]) -> int:
    """Put many rows into the outbox, leaving those whose key is there; return how many are new or came back.

    What was voided unsent comes back as the new row says: a day that was changed and changed back is told after all.
    """
    if not rows:
        return 0
    now = clock.now()
    full = [_completed(row, now) for row in rows]
    statement = _entering(db.engine.dialect.name)
    db.session.flush()
    result = db.session.connection().execute(statement, full, execution_options={"preserve_rowcount": True})
    return max(0, result.rowcount)


def _completed(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return ROW_DEFAULTS | row | {"created_at": now, "changed_at": now}


@cache
def _entering(_dialect: str) -> Any:
    """Return the statement, made once for each dialect: that takes longer than to execute it."""
    statement = upsert(Message)
    return statement.on_conflict_do_update(
        index_elements=["key"],
        set_={name: statement.excluded[name] for name in COMING_BACK} | {"planned_at": None},
        where=sa.and_(Message.state == MessageState.VOID, _never_taken()),
    )


@cache
def _entering_one(dialect: str) -> Any:
    names = ("key", "template", "subject", "contact_id", "values", "due_at", "created_at", "changed_at", *ROW_DEFAULTS)
    row = dict.fromkeys(names) | {"claimed_by": ""}
    return _entering(dialect).values(row).returning(Message.id)


def _never_taken() -> sa.ColumnElement[bool]:
    """Return the condition for messages that were never tried, or in vain each time."""
    tried = sa.exists().where(Attempt.message_id == Message.id)
    maybe = sa.func.coalesce(sa.cast(Attempt.outcome, sa.Text), "") != Outcome.UNREACHABLE.value
    return sa.or_(Message.attempts_made == 0, sa.and_(tried, ~tried.where(maybe)))


def note_many(rows: Sequence[dict[str, Any]]) -> list[tuple[int, str]]:
    """Put many messages into the outbox that have ended before they could be sent; return id and subject of the new.

    What is there already is left as it is.
    """
    if not rows:
        return []
    now = clock.now()
    full = [ROW_DEFAULTS | row | {"created_at": now, "changed_at": now} for row in rows]
    statement = upsert(Message).on_conflict_do_nothing(index_elements=["key"]).returning(Message.id, Message.subject)
    db.session.flush()
    return [(row[0], row[1]) for row in db.session.connection().execute(statement, full)]


def void(subject: str, *, reason: str) -> int:
    """Void what is still unsent about a record; return how many messages that were.

    What is being sent at this moment becomes void when it turns out that no provider took it.
    """
    return _withdraw(Message.subject == subject, reason=reason)


def redirect(subjects: Collection[str], *, contact_id: int) -> None:
    """Send what still waits to be sent about some records to another number: the one it had is theirs no more."""
    for some in batched(list(subjects)):
        db.session.execute(
            sa.update(Message)
            .where(Message.state == MessageState.QUEUED, Message.subject.in_(some))
            .values(contact_id=contact_id)
            .execution_options(synchronize_session=False)
        )


def void_expired(now: datetime) -> Sequence[int]:
    """Void what is too late to be sent; return the messages' ids."""
    return db.session.scalars(
        sa.update(Message)
        .where(QUEUED, Message.expires_at <= now)
        .values(state=MessageState.VOID, reason="expired", changed_at=clock.now())
        .execution_options(synchronize_session=False)
        .returning(Message.id)
    ).all()


def void_superseded(subjects: Collection[str], *, template: str, keep: Collection[str]) -> int:
    """Void unsent messages of a template that a newer one about the same record replaces."""
    if not subjects:
        return 0
    return _withdraw(
        Message.subject.in_(subjects), Message.template == template, Message.key.not_in(keep), reason="superseded"
    )


def _withdraw(*conditions: sa.ColumnElement[bool], reason: str) -> int:
    """Void in one statement, so that nothing slips from the queue to a dispatcher, or back, in between."""
    waits = Message.state == MessageState.QUEUED
    changed = db.session.scalars(
        sa.update(Message)
        .where(Message.state.in_([MessageState.QUEUED, MessageState.SENDING]), *conditions)
        .values(
            state=sa.case((waits, MessageState.VOID.value), else_=MessageState.SENDING.value),
            reason=sa.case((waits, reason), else_=WITHDRAWN + reason),
            changed_at=sa.case((waits, clock.now()), else_=Message.changed_at),
        )
        .execution_options(synchronize_session=False)
        .returning(Message.state)
    )
    return sum(state is MessageState.VOID for state in changed)
