"""The seam between portal and notifiers: who wants somebody to hear something puts it here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.db import db, upsert
from portal.messages.models import Message, MessageState

PRIORITY_ANSWER = 2
PRIORITY_REMINDER = 5
PRIORITY_BATCH = 8


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
    state: MessageState = MessageState.QUEUED,
    reason: str = "",
) -> bool:
    """Put one message into the outbox, in the caller's transaction; False when its key is already there."""
    row = {
        "key": key,
        "template": template,
        "subject": subject,
        "contact_id": contact_id,
        "values": values,
        "due_at": due_at or clock.now(),
        "expires_at": expires_at,
        "priority": priority,
        "state": state,
        "reason": reason,
    }
    return enqueue_many([row]) == 1


def enqueue_many(rows: Sequence[dict[str, Any]]) -> int:
    """Put many rows into the outbox, leaving those whose key is there; return how many were new."""
    if not rows:
        return 0
    now = clock.now()
    # Names of columns are given once per statement, so that a batch is one prepared statement.
    full = [
        {"urgent": False, "attempts_made": 0, "provider": "", "text": "", "segments": 0}
        | row
        | {"created_at": now, "changed_at": now}
        for row in rows
    ]
    statement = upsert(Message).values(full).on_conflict_do_nothing(index_elements=["key"]).returning(Message.id)
    return len(db.session.execute(statement).all())


def void(subject: str, *, reason: str) -> int:
    """Void what is still unsent about a record; return how many messages that were."""
    changed = db.session.execute(
        sa.update(Message)
        .where(Message.subject == subject, Message.state == MessageState.QUEUED)
        .values(state=MessageState.VOID, reason=reason, changed_at=clock.now())
        .returning(Message.id)
    )
    return len(changed.all())
