"""Whom no text reaches hears from a person: nothing that was due is silently lost."""

from contextlib import suppress

import sqlalchemy as sa

from portal.calls import service as calls
from portal.calls.rules import split_subject
from portal.calls.service import UNDELIVERED
from portal.db import db
from portal.errors import NotFound
from portal.messages.models import Message
from portal.parties.models import Party
from portal.permits.service import ask_for_call
from portal.revisits.service import pass_to_person
from portal.risk_periods.models import RiskBatch

# What somebody is told in person; confirmations and announcements are not.
CALLED_ABOUT = sa.or_(
    *(Message.subject.startswith(f"{kind}:") for kind in ("permit", "risk_batch", "complaint")),
    Message.template == "revisit",
)


def hand_to_person(message: Message, reason: str = UNDELIVERED) -> None:
    """Put what a message should have told on the list of somebody who tells it; once, however often it is asked.

    A revisit goes back to the revisits' own list. Nobody is called about a confirmation of stop or start, nor about
    the announcement of a call, which is on a list already.
    """
    kind, number = split_subject(message.subject)
    if kind == "permit":
        # A record that is gone must not keep the others of its batch from being recorded.
        with suppress(NotFound):
            ask_for_call(number, message.id, reason)
    elif message.template == "revisit":
        pass_to_person(number)
    elif kind == "risk_batch":
        _call_about_batch(message, number, reason)
    elif kind == "complaint":
        calls.ask_for_call(subject=message.subject, reason=reason, message_id=message.id)


def _call_about_batch(message: Message, batch_id: int, reason: str) -> None:
    batch = db.session.get(RiskBatch, batch_id)
    calls.ask_for_call(
        subject=message.subject,
        reason=reason,
        message_id=message.id,
        party_id=_find_party(message),
        organ_id=batch.period.organ_id if batch else None,
        contact_id=message.contact_id,
    )


def _find_party(message: Message) -> int | None:
    """Return the party a message was for; where several share its number, the one registered first."""
    named = message.values.get("party_id")
    if named is not None:
        return int(named)
    return db.session.scalar(
        sa.select(Party.id).where(Party.contact_id == message.contact_id).order_by(Party.id).limit(1)
    )
