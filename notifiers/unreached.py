"""Permits whose reminders nobody may get by text: somebody calls, once for each last day to apply."""

from collections.abc import Collection

import sqlalchemy as sa

from portal.calls.rules import split_subject
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.messages.service import OPTED_OUT
from portal.permits.models import Permit
from portal.permits.service import ask_for_call

TEMPLATE = "permit_renewal"
UNHEARD = sa.or_(
    Message.state == MessageState.SUPPRESSED,
    sa.and_(Message.state == MessageState.VOID, Message.reason == OPTED_OUT),
)


def call_about(subjects: Collection[str]) -> None:
    """Put permits on the call list whose reminders were suppressed, or stopped by their reader.

    A call belongs to the first reminder of a last day that went unheard, so that the later ones ask for no other.
    """
    if not subjects:
        return
    rows = db.session.execute(
        sa.select(Message.id, Message.subject, Message.reason, Message.expires_at)
        .where(Message.subject.in_(subjects), Message.template == TEMPLATE, UNHEARD)
        .order_by(Message.subject, Message.expires_at.desc(), Message.id)
    )
    first: dict[int, tuple[int, str]] = {}
    for message_id, subject, reason, _ in rows:
        first.setdefault(split_subject(subject)[1], (message_id, reason))
    for permit_id in db.session.scalars(sa.select(Permit.id).where(Permit.id.in_(first)).order_by(Permit.id)).all():
        ask_for_call(permit_id, *first[permit_id])


def call_about_stopped(contact_id: int) -> None:
    """Put the permits on the call list whose waiting reminders were just stopped by their reader."""
    stopped = db.session.scalars(
        sa.select(Message.subject).where(
            Message.contact_id == contact_id,
            Message.template == TEMPLATE,
            Message.state == MessageState.VOID,
            Message.reason == OPTED_OUT,
        )
    )
    call_about(set(stopped))
