"""What providers tell of messages: kept for ever, in any order and any number of times, ending in one state."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from notifiers.claims import ASK_ACCEPTED_AFTER
from notifiers.people import hand_to_person
from notifiers.providers import BY_OWN_REFERENCE, ReceiptEvent
from portal import clock
from portal.calls.service import UNDELIVERED, drop_call
from portal.db import db, upsert
from portal.messages import rules
from portal.messages.models import Attempt, Message, MessageState, Receipt
from portal.paging import LARGEST

# How long a receipt that came before its message was known is looked at again.
WAITS_FOR = timedelta(days=3)
BATCH = 500
# As many digits as a message's number can have; another sender on the same account may call its own what it likes.
DIGITS = len(str(LARGEST))
MAY_BE_TAKEN = (MessageState.SENDING, MessageState.UNKNOWN, MessageState.ACCEPTED, MessageState.PERSON)


def record_receipts(provider_name: str, events: Sequence[ReceiptEvent]) -> int:
    """Keep receipts and raise their messages' states; return how many were new.

    A receipt for an unknown reference is kept without a message, until `match_receipts` finds one; unless the provider
    hands back what we called the message ourselves. References need not be unique: the newest message is meant.
    """
    new = 0
    for event in events:
        message = _find_message(provider_name, event.reference) or _adopt(provider_name, event)
        statement = (
            upsert(Receipt)
            .values(
                provider=provider_name,
                event_key=event.event_key,
                provider_reference=event.reference,
                status=str(event.status),
                error_code=event.error_code,
                message_id=message.id if message else None,
                received_at=clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["provider", "event_key"])
            .returning(Receipt.id)
        )
        if db.session.execute(statement).first() is None:
            continue
        new += 1
        if message is not None:
            _raise_state(message, str(event.status), event.error_code)
    return new


def match_receipts() -> int:
    """Give receipts that came too early to their messages; return how many found theirs."""
    waiting = db.session.scalars(
        sa.select(Receipt)
        .where(
            Receipt.message_id.is_(None),
            Receipt.received_at >= clock.now() - WAITS_FOR,
            sa.exists().where(
                Message.provider == Receipt.provider, Message.provider_reference == Receipt.provider_reference
            ),
        )
        .order_by(Receipt.id)
        .limit(BATCH)
    ).all()
    for receipt in waiting:
        message = _find_message(receipt.provider, receipt.provider_reference)
        if message is not None:
            receipt.message_id = message.id
            _raise_state(message, receipt.status, receipt.error_code)
    db.session.flush()
    return len(waiting)


def _find_message(provider_name: str, reference: str) -> Message | None:
    return db.session.scalar(
        sa.select(Message)
        .where(Message.provider == provider_name, Message.provider_reference == reference)
        .order_by(Message.id.desc())
        .limit(1)
    )


def _adopt(provider_name: str, event: ReceiptEvent) -> Message | None:
    """Give a message the reference that its provider never got to tell us, found by our own name for it.

    Only what this provider was handed, and may have taken, is looked at: whoever forges a name raises nothing else.
    """
    own = event.own_reference
    if not (event.reference and own.isascii() and own.isdecimal() and len(own) <= DIGITS and int(own) <= LARGEST):
        return None
    adopted = db.session.scalar(
        sa.update(Message)
        .where(
            Message.id == int(own),
            Message.provider == provider_name,
            Message.state.in_(MAY_BE_TAKEN),
            Message.carried_by_id.is_(None),
            sa.or_(Message.provider_reference.is_(None), Message.provider_reference.startswith(BY_OWN_REFERENCE)),
            ~sa.exists().where(Attempt.message_id == Message.id, Attempt.provider_reference == event.reference),
        )
        .values(provider_reference=event.reference, accepted_at=sa.func.coalesce(Message.accepted_at, clock.now()))
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    if adopted is None:
        return None
    return db.session.get(Message, adopted, populate_existing=True)


def _raise_state(message: Message, status: str, error_code: str) -> None:
    """Raise a message's state in one statement, so that two receipts at once cannot lower it; and what it carries."""
    state = MessageState(status)
    lower = [old for old in MessageState if rules.rises(old.value, state.value)]
    if state is not MessageState.DELIVERED:
        # What waits to be sent once more has not failed yet, whatever became of it the first time.
        lower.remove(MessageState.QUEUED)
    now = clock.now()
    ask_at = now + ASK_ACCEPTED_AFTER if state is MessageState.ACCEPTED else None
    values: dict[str, object] = {"state": state, "reason": error_code, "changed_at": now, "ask_at": ask_at}
    if state is MessageState.DELIVERED:
        values["delivered_at"] = now
    raised = db.session.scalars(
        sa.update(Message)
        .where(sa.or_(Message.id == message.id, Message.carried_by_id == message.id), Message.state.in_(lower))
        .values(values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    for number in raised if state is not MessageState.ACCEPTED else ():
        told = db.session.get_one(Message, number, populate_existing=True)
        if state is MessageState.FAILED:
            hand_to_person(told)
        else:
            drop_call(message_id=number, reason=UNDELIVERED)
    db.session.expire(message)
