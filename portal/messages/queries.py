"""Reading the outbox and what came back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.accounts.models import Staff
from portal.accounts.queries import may_know
from portal.contacts.models import Contact
from portal.db import db
from portal.errors import NotFound
from portal.messages.models import QUEUED, Dispatcher, Gate, Message, MessageState, Reply
from portal.paging import Page, list_page

# What went out inside another one's text is seen there.
OWN_TEXT = Message.carried_by_id.is_(None)
UNDER_WAY = (MessageState.SENDING, MessageState.ACCEPTED, MessageState.UNKNOWN)
ENDED = (MessageState.DELIVERED, MessageState.FAILED, MessageState.REJECTED, MessageState.PERSON)
# What somebody should look at.
UNSETTLED = (MessageState.UNKNOWN, MessageState.PERSON, MessageState.FAILED, MessageState.REJECTED)
STANDING_CAP = 100_000
EXTENSION = re.compile("[0-9]{2}")
LISTED = timedelta(days=30)
SEEN_WITHIN = timedelta(seconds=20)
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
    """Return the messages about one record (`permit:12`), oldest first, each with its answers."""
    return db.session.scalars(
        sa.select(Message)
        .where(Message.subject == subject)
        .options(selectinload(Message.replies), joinedload(Message.contact))
        .options(joinedload(Message.carrier).selectinload(Message.replies))
        .order_by(Message.due_at, Message.id)
    ).all()


def get_message(message_id: int) -> Message:
    """Return a message with its replies; raises NotFound."""
    message = db.session.get(Message, message_id)
    if message is None:
        raise NotFound("")
    return message


def find_known(message_id: int, staff: Staff) -> Message | None:
    """Return a message that a member of staff may know of, or None."""
    return db.session.scalar(sa.select(Message).where(Message.id == message_id, may_know(staff, Message.subject)))


def list_messages(number: int, staff: Staff, *, states: Sequence[MessageState] = ()) -> Page[Message]:
    """Return one page of the messages that a member of staff may know of.

    The newest first; of some states the last changed ones of the past 30 days.
    """
    statement = sa.select(Message).where(may_know(staff, Message.subject)).options(joinedload(Message.contact))
    if not states:
        return list_page(statement.order_by(Message.id.desc()), number, scalars=True)
    statement = statement.where(Message.state.in_(states), Message.changed_at >= clock.now() - LISTED)
    return list_page(statement.order_by(Message.changed_at.desc(), Message.id.desc()), number, scalars=True)


@dataclass(frozen=True)
class Standing:
    """How many messages stand in a state with a provider, and since when the one that has stood longest does.

    `capped` says that nobody counted on: there are at least so many.
    """

    state: MessageState
    provider: str
    count: int
    oldest: datetime
    capped: bool = False


def count_standing(now: datetime, *, today_from: datetime) -> list[Standing]:
    """Count what is due or under way, and what ended today: by state and provider, whatever lies in the past.

    Each state is a stretch of one index, and counting stops at STANDING_CAP, so that this costs the same at any size.
    """
    pieces = [_due(now), *map(_stretch, UNDER_WAY), *(_stretch(state, today_from) for state in ENDED)]
    found: list[Standing] = []
    for state, piece in zip((MessageState.QUEUED, *UNDER_WAY, *ENDED), pieces, strict=True):
        rows = db.session.execute(
            sa.select(piece.c.provider, sa.func.count(), sa.func.min(piece.c.at)).group_by(piece.c.provider)
        ).all()
        capped = sum(row[1] for row in rows) >= STANDING_CAP
        found += [Standing(state, row[0], row[1], row[2], capped) for row in rows]
    # Where the count stopped, the oldest may wait behind what is more pressing.
    cut = {item for item in found if item.capped and item.state is MessageState.QUEUED}
    oldest = find_oldest_due(now) if cut else None
    return [replace(item, oldest=oldest) if oldest and item in cut else item for item in found]


def _stretch(state: MessageState, since: datetime | None = None) -> sa.Subquery:
    statement = sa.select(Message.provider, Message.changed_at.label("at")).where(Message.state == state)
    if since is not None:
        statement = statement.where(Message.changed_at >= since)
    return statement.order_by(Message.changed_at).limit(STANDING_CAP).subquery()


def _due(now: datetime) -> sa.Subquery:
    return (
        sa.select(sa.literal("").label("provider"), Message.due_at.label("at"))
        .where(QUEUED, Message.due_at <= now)
        .order_by(Message.priority, Message.due_at)
        .limit(STANDING_CAP)
        .subquery()
    )


def find_oldest_due(now: datetime) -> datetime | None:
    """Return since when the longest-waiting message has been due, or None when nothing waits."""
    oldest: datetime | None = None
    priority: int | None = -1
    # From one priority to the next along the index, of which each has its oldest message in front.
    while priority is not None:
        first = sa.select(Message.priority, Message.due_at).where(QUEUED, Message.priority > priority)
        row = db.session.execute(first.order_by(Message.priority, Message.due_at).limit(1)).first()
        priority = row.priority if row else None
        if row and row.due_at <= now and (oldest is None or row.due_at < oldest):
            oldest = row.due_at
    return oldest


def count_capped_today(now: datetime) -> int:
    """Count the messages that wait for another day because their numbers have had enough for today."""
    inner = sa.select(Message.reason).where(QUEUED, Message.due_at > now).limit(STANDING_CAP).subquery()
    return db.session.scalar(sa.select(sa.func.count()).where(inner.c.reason == "daily_cap")) or 0


def list_gates() -> Sequence[Gate]:
    """Return what holds the providers' traffic back, by name."""
    return db.session.scalars(sa.select(Gate).order_by(Gate.provider)).all()


def count_dispatchers(now: datetime) -> int:
    """Count the runs that have shown lately that they live."""
    alive = Dispatcher.seen_at >= now - SEEN_WITHIN
    return db.session.scalar(sa.select(sa.func.count()).select_from(Dispatcher).where(alive)) or 0


def find_question(contact_id: int, *, since: datetime, templates: Sequence[str], extension: str = "") -> Message | None:
    """Return the message to a contact that asked something since a moment, or None.

    It is the one that was sent with the extension which the reply came back to, else the newest.
    """
    asked_at = sa.func.coalesce(Message.accepted_at, Message.changed_at)
    meant = Message.id % 100 == int(extension) if EXTENSION.fullmatch(extension) else sa.false()
    return db.session.scalar(
        sa.select(Message)
        .where(
            Message.contact_id == contact_id,
            OWN_TEXT,
            Message.template.in_(templates),
            Message.state.in_(SHOWN),
            asked_at >= since,
        )
        .order_by(sa.case((meant, 0), else_=1), asked_at.desc(), Message.id.desc())
        .limit(1)
    )


def list_carried(message_id: int) -> Sequence[Message]:
    """Return the messages that went out as part of another one's text."""
    return db.session.scalars(sa.select(Message).where(Message.carried_by_id == message_id).order_by(Message.id)).all()


def get_reply(reply_id: int) -> Reply:
    """Return a reply; raises NotFound."""
    reply = db.session.get(Reply, reply_id)
    if reply is None:
        raise NotFound("")
    return reply


def list_replies(number: int, staff: Staff, *, handled: bool = False) -> Page[Reply]:
    """Return one page of the replies that a member of staff may know of.

    Those that wait for a person oldest first, or all others newest first.
    """
    statement = sa.select(Reply).where(_known(staff)).options(joinedload(Reply.message))
    if handled:
        statement = statement.where(Reply.handled_at.is_not(None)).order_by(Reply.handled_at.desc(), Reply.id.desc())
    else:
        statement = statement.where(Reply.handled_at.is_(None)).order_by(Reply.received_at, Reply.id)
    return list_page(statement, number, scalars=True)


def find_known_reply(reply_id: int, staff: Staff) -> Reply | None:
    """Return a reply that a member of staff may know of, or None."""
    return db.session.scalar(sa.select(Reply).where(Reply.id == reply_id, _known(staff)))


def _known(staff: Staff) -> sa.ColumnElement[bool]:
    """What comes from a number is known to who may know of every message to it: people answer any of them."""
    to_them = sa.or_(Message.id == Reply.message_id, Message.contact_id == Reply.contact_id)
    return ~sa.exists().where(to_them, sa.not_(may_know(staff, Message.subject)))


def count_unread_replies(staff: Staff | None = None) -> int:
    """Count the replies that wait for a person; with `staff` those that they may know of."""
    known = [] if staff is None else [_known(staff)]
    return db.session.scalar(sa.select(sa.func.count(Reply.id)).where(Reply.handled_at.is_(None), *known)) or 0


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
        .where(Message.provider == "sandbox", Message.state.in_(SHOWN), Message.contact_id.is_not(None), OWN_TEXT)
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
            OWN_TEXT,
            sa.or_(answered.c.last_at.is_(None), shown_at > answered.c.last_at),
        )
        .group_by(Message.contact_id)
    )
    return {int(contact_id): count for contact_id, count in rows if contact_id is not None}


def list_thread(contact_id: int) -> tuple[Sequence[Message], Sequence[Reply]]:
    """Return the last hundred texts that the sandbox showed on a phone, and the last hundred replies from it."""
    messages = db.session.scalars(
        sa.select(Message)
        .where(Message.contact_id == contact_id, Message.provider == "sandbox", Message.state.in_(SHOWN), OWN_TEXT)
        .order_by(Message.id.desc())
        .limit(100)
    ).all()
    replies = db.session.scalars(
        sa.select(Reply).where(Reply.contact_id == contact_id).order_by(Reply.id.desc()).limit(100)
    ).all()
    return messages, replies
