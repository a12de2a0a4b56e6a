"""Whom no text reaches hears from a person: nothing that was due is silently lost."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.calls import service as calls
from portal.calls.rules import split_subject
from portal.calls.service import UNDELIVERED
from portal.db import batched, db
from portal.errors import NotFound
from portal.messages import outbox
from portal.messages.models import QUEUED, Message, MessageState
from portal.parties.models import Party
from portal.permits.service import ask_for_call
from portal.revisits.service import pass_to_person
from portal.risk_periods.models import RiskBatch
from portal.wordings.rules import NO_TEMPLATE

# What somebody is told in person when its time is over; confirmations and announcements are not, nor is what was
# only advice: hundreds of calls about a season that has begun help nobody.
URGENT_NOTICE = sa.and_(Message.subject.startswith("risk_batch:"), Message.urgent.is_(True))
CALLED_ABOUT = sa.or_(
    *(Message.subject.startswith(f"{kind}:") for kind in ("permit", "complaint")),
    URGENT_NOTICE,
    Message.template == "revisit",
)

# How long a text that nobody is late for waits for a provider to approve its template.
APPROVED_WITHIN = timedelta(days=3)


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


def end_expired(now: datetime) -> int:
    """End what is too late to be sent; return how many messages that were.

    In one transaction with it somebody is to call whom providers that were down would have lost; the rest is void.
    """
    expired = outbox.void_expired(now)
    call_about_expired(expired)
    return len(expired)


def end_unapproved(now: datetime) -> int:
    """Leave to a person what has no end of its own and no approved template; return how many messages that were."""
    waiting = db.session.scalars(
        sa.select(Message).where(
            QUEUED,
            Message.reason == NO_TEMPLATE,
            Message.expires_at.is_(None),
            now - APPROVED_WITHIN >= outbox.PLANNED_AT,
        )
    ).all()
    for message in waiting:
        message.state, message.changed_at = MessageState.PERSON, now
        hand_to_person(message)
    db.session.flush()
    return len(waiting)


def call_about_expired(message_ids: Collection[int]) -> None:
    """See to it that somebody calls whom no text could be sent in time."""
    for some in batched(list(message_ids)):
        for message in db.session.scalars(sa.select(Message).where(Message.id.in_(some), CALLED_ABOUT)).all():
            hand_to_person(message)
            message.state = MessageState.PERSON
    db.session.flush()


def ask_for_suppressed(message_ids: Collection[int]) -> None:
    """Leave to a person what was planned for somebody who wants no texts, or has no number, by the time it is sent.

    Of permits there is one call for each last day (`notifiers.unreached`).
    """
    which = sa.and_(Message.id.in_(message_ids), sa.or_(URGENT_NOTICE, Message.template == "revisit"))
    for message in db.session.scalars(sa.select(Message).where(which)).all() if message_ids else ():
        hand_to_person(message, message.reason)


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
