"""What readers answer: stored once, matched with the question it answers, acted on when it can be understood."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from notifiers.providers import ReplyEvent
from notifiers.reading import Question, Reading, read
from notifiers.unreached import call_about_stopped
from portal import clock
from portal.calls.rules import split_subject
from portal.contacts.models import Contact
from portal.contacts.queries import find_contact
from portal.contacts.rules import BadPhone, normalise_phone
from portal.contacts.service import keep_contact
from portal.db import db, upsert
from portal.messages.models import Meaning, Message, Reply
from portal.messages.queries import find_question, list_carried
from portal.messages.service import restart_reminders
from portal.permits.service import ask_for_call, report_renewal
from portal.revisits.rules import MAX_COMMENT
from portal.revisits.service import record_answer, stop_texts

log = logging.getLogger(__name__)

QUESTION_OPEN_FOR = timedelta(days=30)
QUESTIONS = {"permit_renewal": Question.PERMIT, "revisit": Question.REVISIT}
ASKED_FOR = "asked"


def record_replies(provider_name: str, events: Sequence[ReplyEvent]) -> int:
    """Keep replies and do what they ask; return how many were new.

    A reply that cannot be understood, or whose effect fails, waits in the staff reply box; none is lost.
    """
    return sum(_record(provider_name, event) for event in events)


def _record(provider_name: str, event: ReplyEvent) -> bool:
    phone = _tidy_phone(event.phone)
    # PostgreSQL cannot keep a NUL, and half a surrogate pair is no text in any encoding.
    text = event.text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    statement = (
        upsert(Reply)
        .values(
            provider=provider_name,
            event_key=event.event_key,
            phone=phone,
            extension=event.extension[:16],
            text=text,
            received_at=clock.now(),
            meaning=Meaning.OTHER,
            note="",
        )
        .on_conflict_do_nothing(index_elements=["provider", "event_key"])
        .returning(Reply.id)
    )
    reply_id = db.session.scalar(statement)
    if reply_id is None:
        return False
    reply = db.session.get_one(Reply, reply_id)
    try:
        with db.session.begin_nested():
            _understand(reply)
    except sa.exc.OperationalError:
        # Two who wrote at once got into each other's way. Whoever called stores it anew.
        raise
    except Exception as problem:
        # A database's message may quote the row, so the log gets the kind of failure alone.
        db.session.refresh(reply)
        log.error("reply %s could not be acted on (%s); it waits for a person", reply_id, type(problem).__name__)
    return True


def _tidy_phone(raw: str) -> str:
    try:
        return normalise_phone(raw)
    except BadPhone:
        return raw[:32].replace("\x00", "")


def _understand(reply: Reply) -> None:
    contact = find_contact(reply.phone)
    since = clock.now() - QUESTION_OPEN_FOR
    message = None
    if contact is not None:
        message = find_question(contact.id, since=since, templates=tuple(QUESTIONS), extension=reply.extension)
    reading = read(reply.text, QUESTIONS[message.template] if message else None)
    reply.meaning = reading.meaning
    if contact is None and reading.meaning is Meaning.STOP and reply.phone.startswith("+861"):
        contact = keep_contact(reply.phone)  # A number that may yet be imported stays stopped.
    reply.contact_id = contact.id if contact else None
    if message is not None:
        reply.message_id = message.id
        for asked in (message, *list_carried(message.id)):
            asked.replied_at = asked.replied_at or reply.received_at
    db.session.flush()
    if contact is not None and _act(reply, reading, contact, message):
        reply.handled_at = clock.now()
    db.session.flush()


def _act(reply: Reply, reading: Reading, contact: Contact, message: Message | None) -> bool:
    """Do what a reply asks; False when a person has to read it."""
    if reading.meaning is Meaning.STOP:
        stop_texts(contact=contact, key=f"reply-{reply.id}")
        call_about_stopped(contact.id)
        return True
    if reading.meaning is Meaning.START:
        restart_reminders(contact=contact, key=f"reply-{reply.id}")
        return True
    if message is None:
        return False
    number = split_subject(message.subject)[1]
    if reading.meaning is Meaning.DONE:
        # One text may have asked about many permits, and its answer is about all of them.
        for asked in (message, *list_carried(message.id)):
            report_renewal(split_subject(asked.subject)[1], asked.id)
        return True
    if reading.meaning is Meaning.CALL:
        ask_for_call(number, message.id, ASKED_FOR)
        return True
    if reading.grade is not None:
        # A second grade changes nothing, but somebody should see that it came.
        return record_answer(
            revisit_id=number, grade=reading.grade, channel="sms", comment=reading.remark[:MAX_COMMENT]
        )
    return False
