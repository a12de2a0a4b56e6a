"""The balance of a period: everything that was due ended somewhere, and the parts add up."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.db import db
from portal.messages.models import Message, MessageState


def take_account(first: date, last: date) -> dict[str, Any]:
    """Count the messages due from one day to another, both included: `due` is the sum of all that follows it.

    A message that was replied to counts as `replied` only, whatever its receipt said.
    """
    replied = Message.replied_at.is_not(None)
    rows = db.session.execute(
        sa.select(Message.state, replied, sa.func.count())
        .where(Message.due_at >= clock.start_of(first), Message.due_at < clock.start_of(last + timedelta(days=1)))
        .group_by(Message.state, replied)
    )
    parts = {"replied": 0} | {state.value: 0 for state in MessageState}
    for state, was_replied, count in rows:
        parts["replied" if was_replied else state.value] += count
    return {"from": first.isoformat(), "to": last.isoformat(), "due": sum(parts.values())} | parts
