"""The balance of a period: everything that was due ended somewhere, or is still open, and the parts add up."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Message, MessageState

# What a carrier refused or failed to bring is on somebody's list.
PERSONS = (MessageState.FAILED, MessageState.REJECTED, MessageState.PERSON)
ENDS = ("delivered", "replied", "suppressed", "person", "void")
OPEN = ("queued", "sending", "accepted", "unknown")


def take_account(first: date, last: date) -> dict[str, Any]:
    """Count the messages due from one day to another, both included: `due` is the sum of all that follows it.

    One that had to wait for another day, or was tried again, counts on the day it was planned for.
    A message that was replied to counts as `replied` only, whatever its receipt said.
    """
    part = sa.case(
        (Message.replied_at.is_not(None), "replied"),
        (Message.state.in_(PERSONS), MessageState.PERSON.value),
        else_=sa.cast(Message.state, sa.Text),
    )
    planned_at = outbox.PLANNED_AT
    rows = db.session.execute(
        sa.select(part, sa.func.count())
        .where(planned_at >= clock.start_of(first), planned_at < clock.start_of(last + timedelta(days=1)))
        .group_by(part)
    )
    parts = dict.fromkeys((*ENDS, *OPEN), 0)
    for name, count in rows:
        parts[name] += count
    return {"from": first.isoformat(), "to": last.isoformat(), "due": sum(parts.values())} | parts
