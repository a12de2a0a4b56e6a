"""A reply is stored once, finds the question it answers, and does what it says; what is unclear waits for a person."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.providers import ReplyEvent
from notifiers.replies import record_replies
from portal import clock
from portal.calls.models import Call
from portal.contacts.models import Contact
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Meaning, Message, MessageState, Reply
from portal.messages.queries import list_for_subject
from portal.messages.rules import extension_code
from portal.parties.models import Party
from portal.permits.models import Permit
from portal.revisits.models import FollowUp, Revisit, RevisitState
from tests.factories.messages import make_contact, make_message
from tests.factories.parties import make_party
from tests.factories.permits import make_permit
from tests.factories.revisits import make_revisit

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)  # A Friday, 10 in the morning.


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def reply(contact: Contact | str, text: str, key: str = "IN1") -> Reply:
    phone = contact if isinstance(contact, str) else contact.phone
    record_replies("twilio", [ReplyEvent(phone, text, key)])
    db.session.expire_all()
    return db.session.scalars(sa.select(Reply).where(Reply.event_key == key)).one()


def remind(party: Party | None = None) -> tuple[Permit, Contact]:
    """Create a permit whose party has got a reminder."""
    permit = make_permit(valid_to=date(2027, 3, 1), party=party)
    contact = permit.party.contact
    assert contact is not None
    make_message(
        contact=contact,
        template="permit_renewal",
        subject=f"permit:{permit.id}",
        state=MessageState.DELIVERED,
        accepted_at=clock.now(),
    )
    return permit, contact


def ask(party: Party | None = None) -> tuple[Revisit, Contact]:
    """Create a revisit whose party has got the question."""
    revisit = make_revisit(party=party)
    message = list_for_subject(f"revisit:{revisit.id}")[0]
    message.state, message.accepted_at = MessageState.ACCEPTED, clock.now()
    assert revisit.contact is not None
    return revisit, revisit.contact


def texts(template: str) -> Sequence[Message]:
    return db.session.scalars(sa.select(Message).where(Message.template == template)).all()


def test_done_reports_the_renewal(app: Flask) -> None:
    permit, contact = remind()
    got = reply(contact, "1")
    assert permit.renewal_reported_at == NOW
    assert (got.meaning, got.handled_at) == (Meaning.DONE, NOW)
    message = list_for_subject(f"permit:{permit.id}")[0]
    assert (message.replied_at, message.replies) == (NOW, [got])


def test_call_me_puts_the_permit_on_the_call_list(app: Flask) -> None:
    permit, contact = remind()
    reply(contact, "2")
    task = db.session.scalars(sa.select(Call)).one()
    assert (task.subject, task.due_on) == (f"permit:{permit.id}", date(2026, 11, 23))


def test_stop_opts_out_voids_what_waits_and_confirms_once(app: Flask) -> None:
    _permit, contact = remind()
    waiting = make_message(contact=contact, template="permit_renewal", subject="permit:999999")
    answer = make_message(contact=contact, template="complaint_answered", priority=outbox.PRIORITY_ANSWER)
    other = make_message(contact=make_contact())
    reply(contact, "退订")
    assert contact.opted_out_at == NOW
    assert [item.state for item in (waiting, answer, other)] == ["void", "queued", "queued"]
    assert reply(contact, "T", "IN2").meaning is Meaning.STOP
    confirmations = [message for message in texts("stopped") if message.contact_id == contact.id]
    assert [message.priority for message in confirmations] == [outbox.PRIORITY_ANSWER]


def test_stop_before_a_revisit_is_asked_leaves_it_to_a_person(app: Flask) -> None:
    revisit = make_revisit()
    assert revisit.contact is not None
    reply(revisit.contact, "STOP")
    assert revisit.state is RevisitState.PERSON


def test_start_allows_again_and_confirms(app: Flask) -> None:
    contact = make_contact(opted_out_at=NOW - timedelta(days=1))
    reply(contact, "恢复")
    assert contact.opted_out_at is None
    assert len(texts("started")) == 1


def test_stop_from_an_unknown_number_is_remembered(app: Flask) -> None:
    reply("+8613800009999", "T")
    contact = db.session.scalars(sa.select(Contact).where(Contact.phone == "+8613800009999")).one()
    assert contact.opted_out_at == NOW


def test_good_grade_is_kept(app: Flask) -> None:
    revisit, contact = ask()
    reply(contact, "５")
    assert (revisit.state, revisit.grade, revisit.channel) == (RevisitState.ANSWERED, 5, "sms")
    assert (revisit.answered_at, revisit.follow_up) == (NOW, None)
    assert texts("low_grade") == []


def test_bad_grade_opens_a_follow_up_and_says_so(app: Flask) -> None:
    revisit, contact = ask()
    reply(contact, "2 态度不好")
    follow_up = db.session.scalars(sa.select(FollowUp)).one()
    assert (follow_up.revisit_id, revisit.comment) == (revisit.id, "2 态度不好")
    assert follow_up.contact_due_on == date(2026, 11, 23)
    assert follow_up.due_on == date(2026, 12, 11)
    assert [message.values for message in texts("low_grade")] == [{"call_by": "2026-11-23"}]


def test_first_grade_stays_and_a_second_waits_for_a_person(app: Flask) -> None:
    revisit, contact = ask()
    reply(contact, "5")
    second = reply(contact, "1", "IN2")
    assert revisit.grade == 5
    assert (second.meaning, second.handled_at) == (Meaning.GRADE, None)
    assert db.session.scalars(sa.select(FollowUp)).all() == []


@pytest.mark.parametrize("newest", ["revisit", "permit"])
def test_one_answers_the_newest_question(app: Flask, frozen: time_machine.Traveller, newest: str) -> None:
    party = make_party()
    for kind in ("permit", "revisit") if newest == "revisit" else ("revisit", "permit"):
        if kind == "permit":
            permit, contact = remind(party)
        else:
            revisit, contact = ask(party)
        frozen.shift(timedelta(minutes=5))
    reply(contact, "1")
    assert revisit.grade == (1 if newest == "revisit" else None)
    assert (permit.renewal_reported_at is None) == (newest == "revisit")


def test_a_number_without_a_question_waits_for_a_person(app: Flask, frozen: time_machine.Traveller) -> None:
    permit, contact = remind()
    frozen.shift(timedelta(days=31))
    got = reply(contact, "1")
    assert (got.meaning, got.handled_at, got.message_id) == (Meaning.OTHER, None, None)
    assert permit.renewal_reported_at is None


def test_other_text_waits_for_a_person(app: Flask) -> None:
    permit, contact = remind()
    got = reply(contact, "你们几点上班？")
    assert (got.meaning, got.handled_at, got.text) == (Meaning.OTHER, None, "你们几点上班？")
    assert got.message_id == list_for_subject(f"permit:{permit.id}")[0].id


def test_a_reply_from_nobody_known_is_kept(app: Flask) -> None:
    got = reply("+15005550006", "hello\x00")
    assert (got.phone, got.text, got.contact_id, got.handled_at) == ("+15005550006", "hello", None, None)


def test_the_same_reply_counts_once(app: Flask) -> None:
    permit, contact = remind()
    event = ReplyEvent(contact.phone, "2", "IN1")
    assert [record_replies("twilio", [event]) for _ in range(3)] == [1, 0, 0]
    assert len(db.session.scalars(sa.select(Call)).all()) == 1
    assert permit.renewal_reported_at is None


def test_a_reply_whose_effect_fails_waits_for_a_person(app: Flask) -> None:
    contact = make_contact()
    make_message(
        contact=contact,
        template="permit_renewal",
        subject="permit:999999",
        state=MessageState.DELIVERED,
        accepted_at=clock.now(),
    )
    got = reply(contact, "1")
    assert (got.text, got.handled_at, got.meaning) == ("1", None, Meaning.OTHER)


def test_the_extension_says_which_question_is_answered(app: Flask, frozen: time_machine.Traveller) -> None:
    party = make_party()
    first, contact = remind(party)
    frozen.shift(timedelta(minutes=5))
    second, _ = remind(party)
    older = list_for_subject(f"permit:{first.id}")[0]
    record_replies("tencent", [ReplyEvent(contact.phone, "1", "IN1", extension_code(older.id))])
    db.session.expire_all()
    assert (first.renewal_reported_at, second.renewal_reported_at) == (clock.now(), None)
    assert db.session.scalars(sa.select(Reply.extension)).all() == [extension_code(older.id)]


@pytest.mark.parametrize("extension", ["", "x7", "123", "none", "¹²"])
def test_an_extension_that_fits_no_question_means_the_newest(
    app: Flask, frozen: time_machine.Traveller, extension: str
) -> None:
    party = make_party()
    first, contact = remind(party)
    frozen.shift(timedelta(minutes=5))
    second, _ = remind(party)
    numbers = {list_for_subject(f"permit:{permit.id}")[0].id % 100 for permit in (first, second)}
    free = next(f"{number:02d}" for number in range(100) if number not in numbers)
    record_replies("tencent", [ReplyEvent(contact.phone, "1", "IN1", free if extension == "none" else extension)])
    db.session.expire_all()
    assert (first.renewal_reported_at, second.renewal_reported_at) == (None, clock.now())
