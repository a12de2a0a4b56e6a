"""Changing what waits in the outbox, and what staff do with what came back."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask import current_app
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeSerializer

from portal import clock
from portal.audit import service as audit
from portal.contacts import service as contacts
from portal.contacts.models import Contact
from portal.db import db
from portal.errors import Conflict
from portal.messages import outbox
from portal.messages.models import Message, MessageState, Reply
from portal.messages.queries import get_message, get_reply

OPTED_OUT = "opted_out"
# What no machine sends again, but a person may.
SENT_AGAIN_FROM = (MessageState.PERSON, MessageState.FAILED, MessageState.REJECTED)


def stop_reminders(*, contact: Contact, key: str) -> Sequence[str]:
    """Stop everything but answers to a number, and confirm it once; return the subjects that now go unheard.

    `key` names what asked for it; a number that is stopped already gets no second confirmation.
    """
    if contact.opted_out_at is None:
        contacts.opt_out(contact)
        _confirm(contact, template="stopped", key=key)
    unheard = db.session.scalars(
        sa.update(Message)
        .where(
            Message.contact_id == contact.id,
            Message.state == MessageState.QUEUED,
            Message.priority > outbox.PRIORITY_ANSWER,
        )
        .values(state=MessageState.VOID, reason=OPTED_OUT, changed_at=clock.now())
        .returning(Message.subject)
        .execution_options(synchronize_session=False)
    ).all()
    audit.record("contact.stopped", f"contact:{contact.id}", voided=len(unheard))
    return unheard


def restart_reminders(*, contact: Contact, key: str) -> None:
    """Allow reminders to a number again, and confirm it when they were stopped."""
    if contact.opted_out_at is None:
        return
    contacts.opt_in(contact)
    _confirm(contact, template="started", key=key)
    audit.record("contact.started", f"contact:{contact.id}")


def _confirm(contact: Contact, *, template: str, key: str) -> None:
    outbox.enqueue(
        key=f"{template}:{key}",
        template=template,
        subject=f"contact:{contact.id}",
        contact_id=contact.id,
        values={},
        priority=outbox.PRIORITY_ANSWER,
    )


def open_message(*, message_id: int, staff_id: int) -> Message:
    """Return a message to somebody who wants to see its number and text; that is recorded."""
    message = get_message(message_id)
    audit.record("message.opened", f"message:{message_id}", staff_id=staff_id)
    return message


def send_again(*, message_id: int, reason: str, staff_id: int) -> None:
    """Put a message that ended with a person back into the queue, with what went out inside its text.

    A person answers for that it may arrive twice. Raises Conflict when it has gone on, is too late, or may not go.
    """
    message, now = get_message(message_id), clock.now()
    if message.expires_at is not None and message.expires_at <= now:
        raise Conflict(_l("It is too late: this message is of no use to its reader any more."))
    if message.contact is None:
        raise Conflict(_l("There is no phone number to send it to."))
    if message.contact.opted_out_at is not None and message.priority > outbox.PRIORITY_ANSWER:
        raise Conflict(_l("Its reader wants no text messages."))
    back = db.session.scalars(
        sa.update(Message)
        .where(
            sa.or_(Message.id == message_id, Message.carried_by_id == message_id), Message.state.in_(SENT_AGAIN_FROM)
        )
        .values(state=MessageState.QUEUED, reason="again", due_at=now, planned_at=outbox.PLANNED_AT)
        .values(changed_at=now, ask_at=None, carried_by_id=None)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.refresh(message)
    if message_id not in back:
        raise Conflict(_l("This message has gone on meanwhile."))
    audit.record("message.sent_again", f"message:{message_id}", staff_id=staff_id, reason=reason)


def open_reply(*, reply_id: int, staff_id: int) -> Reply:
    """Return a reply to somebody who wants to see its number and text; that is recorded."""
    reply = get_reply(reply_id)
    audit.record("reply.opened", f"reply:{reply_id}", staff_id=staff_id)
    return reply


def handle_reply(*, reply_id: int, note: str, staff_id: int) -> Reply:
    """Note what was done about a reply; raises Conflict when somebody else has done it."""
    handled = db.session.execute(
        sa.update(Reply)
        .where(Reply.id == reply_id, Reply.handled_at.is_(None))
        .values(handled_at=clock.now(), handled_by_id=staff_id, note=note)
        .returning(Reply.id)
        .execution_options(synchronize_session=False)
    ).first()
    reply = get_reply(reply_id)
    db.session.refresh(reply)
    if handled is None:
        raise Conflict(_l("Somebody else has handled this reply meanwhile."))
    audit.record("reply.handled", f"reply:{reply_id}", staff_id=staff_id)
    return reply


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="sandbox-reply")


def sign_sandbox_reply(phone: str, reply_key: str) -> str:
    """Return the signature of a reply form on the sandbox's page; `reply_key` is random, so a form counts once."""
    return str(_signer().dumps(f"{phone}:{reply_key}"))


def check_sandbox_reply(phone: str, reply_key: str, signature: str) -> bool:
    """Whether a reply form comes from the sandbox's page."""
    try:
        return bool(_signer().loads(signature) == f"{phone}:{reply_key}")
    except BadSignature:
        return False
