"""Reading the outbox and what came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from portal.contacts.models import Contact
from portal.db import db
from portal.errors import NotFound
from portal.messages.models import Message, MessageState, Reply
from portal.paging import Page, list_page

# States in which a phone has (or may have) shown the text.
SHOWN = (
    MessageState.SENDING,
    MessageState.UNKNOWN,
    MessageState.ACCEPTED,
    MessageState.DELIVERED,
    MessageState.FAILED,
    MessageState.PERSON,
)


def list_for_subject(subject: str) -> Sequence[Message]:
    """Return the messages about one record (`permit:12`), oldest first, each with its replies."""
    return db.session.scalars(
        sa.select(Message)
        .where(Message.subject == subject)
        .options(selectinload(Message.replies), joinedload(Message.contact))
        .order_by(Message.due_at, Message.id)
    ).all()


def get_message(message_id: int) -> Message:
    """Return a message with its replies; raises NotFound."""
    message = db.session.get(Message, message_id)
    if message is None:
        raise NotFound("")
    return message


def list_messages(number: int, *, state: MessageState | None = None) -> Page[Message]:
    """Return one page of the outbox, last changed first."""
    statement = sa.select(Message).options(joinedload(Message.contact))
    if state is not None:
        statement = statement.where(Message.state == state)
    return list_page(statement.order_by(Message.changed_at.desc(), Message.id.desc()), number, scalars=True)


def count_by_state() -> dict[MessageState, int]:
    """Return how many messages stand in each state, states without any included."""
    rows = db.session.execute(sa.select(Message.state, sa.func.count().label("number")).group_by(Message.state))
    found = {row.state: row.number for row in rows}
    return {state: found.get(state, 0) for state in MessageState}


def find_oldest_queued(now: datetime) -> datetime | None:
    """Return since when the longest-waiting message has been due, or None when nothing waits."""
    return db.session.scalar(
        sa.select(sa.func.min(Message.due_at)).where(Message.state == MessageState.QUEUED, Message.due_at <= now)
    )


def find_question(contact_id: int, *, since: datetime, templates: Sequence[str]) -> Message | None:
    """Return the newest message to a contact that asked something since a moment, or None."""
    asked_at = sa.func.coalesce(Message.accepted_at, Message.changed_at)
    return db.session.scalar(
        sa.select(Message)
        .where(
            Message.contact_id == contact_id,
            Message.template.in_(templates),
            Message.state.in_(SHOWN),
            asked_at >= since,
        )
        .order_by(asked_at.desc(), Message.id.desc())
        .limit(1)
    )


def get_reply(reply_id: int) -> Reply:
    """Return a reply; raises NotFound."""
    reply = db.session.get(Reply, reply_id)
    if reply is None:
        raise NotFound("")
    return reply


def list_replies(number: int, *, handled: bool = False) -> Page[Reply]:
    """Return one page of replies: those that wait for a person oldest first, or all others newest first."""
    statement = sa.select(Reply).options(joinedload(Reply.message))
    if handled:
        statement = statement.where(Reply.handled_at.is_not(None)).order_by(Reply.handled_at.desc(), Reply.id.desc())
    else:
        statement = statement.where(Reply.handled_at.is_(None)).order_by(Reply.received_at, Reply.id)
    return list_page(statement, number, scalars=True)


def count_unread_replies() -> int:
    """Count the replies that wait for a person."""
    return db.session.scalar(sa.select(sa.func.count()).where(Reply.handled_at.is_(None))) or 0


@dataclass(frozen=True)
class Phone:
    """One phone of the sandbox; `new` counts the texts since its last reply."""

    contact_id: int
    phone: str
    last_at: datetime
    new: int


def list_phones(number: int) -> Page[Phone]:
    """Return one page of the phones that the sandbox has reached, the latest text first."""
    shown_at = sa.func.coalesce(Message.accepted_at, Message.changed_at)
    reached = (
        sa.select(Message.contact_id, sa.func.max(shown_at).label("last_at"), sa.func.count(Message.id).label("texts"))
        .where(Message.provider == "sandbox", Message.state.in_(SHOWN), Message.contact_id.is_not(None))
        .group_by(Message.contact_id)
        .subquery()
    )
    page = list_page(
        sa.select(Contact.id, Contact.phone, reached.c.last_at)
        .join(reached, reached.c.contact_id == Contact.id)
        .order_by(reached.c.last_at.desc(), Contact.id),
        number,
        size=12,
    )
    new = _count_new([row.id for row in page.items])
    phones = [Phone(row.id, row.phone, row.last_at, new.get(row.id, 0)) for row in page.items]
    return Page(phones, page.number, page.total, page.size)


def _count_new(contact_ids: Sequence[int]) -> dict[int, int]:
    answered = (
        sa.select(Reply.contact_id, sa.func.max(Reply.received_at).label("last_at"))
        .where(Reply.contact_id.in_(contact_ids))
        .group_by(Reply.contact_id)
        .subquery()
    )
    shown_at = sa.func.coalesce(Message.accepted_at, Message.changed_at)
    rows = db.session.execute(
        sa.select(Message.contact_id, sa.func.count(Message.id))
        .outerjoin(answered, answered.c.contact_id == Message.contact_id)
        .where(
            Message.contact_id.in_(contact_ids),
            Message.provider == "sandbox",
            Message.state.in_(SHOWN),
            sa.or_(answered.c.last_at.is_(None), shown_at > answered.c.last_at),
        )
        .group_by(Message.contact_id)
    )
    return {int(contact_id): count for contact_id, count in rows if contact_id is not None}


def list_thread(contact_id: int) -> tuple[Sequence[Message], Sequence[Reply]]:
    """Return the last hundred texts that the sandbox showed on a phone, and the last hundred replies from it."""
    messages = db.session.scalars(
        sa.select(Message)
        .where(Message.contact_id == contact_id, Message.provider == "sandbox", Message.state.in_(SHOWN))
        .order_by(Message.id.desc())
        .limit(100)
    ).all()
    replies = db.session.scalars(
        sa.select(Reply).where(Reply.contact_id == contact_id).order_by(Reply.id.desc()).limit(100)
    ).all()
    return messages, replies
