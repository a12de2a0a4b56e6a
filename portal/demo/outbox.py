"""Writing the demonstration's messages of the past two months, in every state a message can end in."""

from datetime import timedelta

import sqlalchemy as sa

from portal import clock
from portal.contacts.models import Contact
from portal.db import db
from portal.demo import rules
from portal.demo.importer import Scene, at
from portal.messages.models import Attempt, Meaning, Message, MessageState, Outcome, Reply
from portal.messages.rules import count_segments
from portal.permits.models import Permit, PermitStatus
from portal.permits.service import ask_for_call, report_renewal

ENDS = (
    (MessageState.DELIVERED, ""),
    (MessageState.DELIVERED, ""),
    (MessageState.DELIVERED, ""),
    (MessageState.DELIVERED, ""),
    (MessageState.FAILED, "30003"),
    (MessageState.DELIVERED, ""),
    (MessageState.REJECTED, "21211"),
    (MessageState.DELIVERED, ""),
    (MessageState.PERSON, "unknown"),
    (MessageState.DELIVERED, ""),
    (MessageState.SUPPRESSED, "opted_out"),
    (MessageState.VOID, "renewed"),
)
HANDED_OVER = frozenset({MessageState.DELIVERED, MessageState.FAILED, MessageState.ACCEPTED, MessageState.PERSON})


def write_messages(scene: Scene, *, signature: str, hotline: str) -> int:
    """Write the reminders that permits whose last day has passed got in their time; return how many."""
    past = db.session.scalars(
        sa.select(Permit)
        .where(Permit.last_apply_on < scene.today, Permit.last_apply_on > scene.today - timedelta(days=75))
        .order_by(Permit.last_apply_on, Permit.id)
    )
    number = 0
    for permit in past:
        if permit.id % 3:
            permit.status = PermitStatus.RENEWED
        for before in (30, 7, 3):
            _reminder(permit, before, number, signature, hotline)
            number += 1
        permit.next_reminder_on = None
    _open_steps(scene)
    _odd_replies()
    db.session.flush()
    return number


def _open_steps(scene: Scene) -> None:
    """Leave some renewals to be confirmed and some parties to be called."""
    open_now = db.session.scalars(
        sa.select(Permit.id)
        .where(Permit.status == PermitStatus.VALID, Permit.last_apply_on > scene.today, Permit.contact_id.is_not(None))
        .order_by(Permit.last_apply_on, Permit.id)
        .limit(60)
    ).all()
    for permit_id in open_now[::12]:
        report_renewal(permit_id, None)
    for number, permit_id in enumerate(open_now[5::11]):
        ask_for_call(permit_id, None, ("undelivered", "asked")[number % 2])


def _reminder(permit: Permit, before: int, number: int, signature: str, hotline: str) -> None:
    state, reason = ENDS[number % len(ENDS)]
    sent_at = at(permit.last_apply_on - timedelta(days=before), 9, number % 50)
    last = permit.last_apply_on
    text = (
        f"{signature}您的{permit.permit_type.short_name}还有{before}天可申请延续，最晚{last.month}月{last.day}日。"
        f"已办请忽略。咨询{hotline}，退订回T"
    )
    handed_over = state in HANDED_OVER
    message = Message(
        key=f"permit-renewal:{permit.id}:{last.isoformat()}:{before}",
        template="permit_renewal",
        subject=f"permit:{permit.id}",
        contact_id=permit.contact_id,
        values={"permit_id": permit.id, "last_day": last.isoformat(), "label": str(before)},
        due_at=sent_at,
        state=state,
        reason=reason,
        provider="sandbox" if handed_over else "",
        provider_reference=f"SBdemo{number}" if handed_over else None,
        text=text if handed_over else "",
        segments=count_segments(text) if handed_over else 0,
        attempts_made=1 if handed_over else 0,
        accepted_at=sent_at if handed_over else None,
        delivered_at=sent_at + timedelta(seconds=8) if state is MessageState.DELIVERED else None,
        created_at=sent_at,
        changed_at=sent_at + timedelta(seconds=8),
    )
    db.session.add(message)
    db.session.flush()
    if handed_over:
        outcome = Outcome.UNKNOWN if state is MessageState.PERSON else Outcome.ACCEPTED
        db.session.add(
            Attempt(message_id=message.id, provider="sandbox", started_at=sent_at, ended_at=sent_at, outcome=outcome)
        )
    if state is MessageState.DELIVERED and number % 4 == 0:
        _reply(message, permit.contact_id, "1", Meaning.DONE, number, minutes=30)


def _reply(
    message: Message | None, contact_id: int | None, text: str, meaning: Meaning, number: int, *, minutes: int
) -> None:
    contact = db.session.get_one(Contact, contact_id)
    received_at = (message.accepted_at if message and message.accepted_at else clock.now()) + timedelta(minutes=minutes)
    db.session.add(
        Reply(
            provider="sandbox",
            event_key=f"demo-{number}",
            phone=contact.phone,
            text=text,
            received_at=received_at,
            meaning=meaning,
            contact_id=contact.id,
            message_id=message.id if message else None,
            handled_at=received_at if meaning is not Meaning.OTHER else None,
        )
    )
    if message:
        message.replied_at = received_at


def _odd_replies() -> None:
    """Leave a few texts in the reply box that no machine can read."""
    contacts = db.session.scalars(sa.select(Contact.id).order_by(Contact.id).limit(40)).all()
    for number, text in enumerate(rules.facts()["odd_replies"]):
        _reply(
            None,
            contacts[number * 9 % len(contacts)],
            text,
            Meaning.OTHER,
            100_000 + number,
            minutes=-200 * (number + 1),
        )
