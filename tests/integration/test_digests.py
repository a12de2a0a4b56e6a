"""Who has many permits gets one text for the reminders of a day, and each reminder still has an end of its own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask

from notifiers import dispatch as dispatching
from notifiers.claims import Claim, claim
from notifiers.dispatch import dispatch
from notifiers.providers import Accepted, Outgoing, ReceiptEvent, ReplyEvent, Status, Unknown, Unreachable
from notifiers.providers.sandbox import SandboxProvider
from notifiers.receipts import record_receipts
from notifiers.reconcile import reconcile
from notifiers.replies import record_replies
from portal import clock
from portal.calls.models import Call
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Attempt, Message, MessageState
from portal.messages.queries import list_thread
from portal.permits.models import Permit
from portal.permits.service import revoke
from portal.settings import Settings
from tests.conftest import make_settings
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit

DAY = timedelta(days=1)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return make_settings(settings.data_dir, settings.database_url, sms_daily_cap=1)


def remind(contact: Contact, **values: Any) -> Message:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60))
    permit.contact_id = contact.id
    defaults = {"template": "permit_renewal", "subject": f"permit:{permit.id}"}
    return make_message(contact=contact, **(defaults | values))


def three(ending: str = "") -> Sequence[Message]:
    contact = make_contact(ending=ending)
    return [remind(contact) for _ in range(3)]


def send() -> dict[str, int]:
    db.session.commit()
    result = dispatch()
    db.session.expire_all()
    return result


def attempts() -> int:
    found = db.session.scalar(sa.select(sa.func.count(Attempt.id))) or 0
    db.session.commit()
    return found


def states(messages: Sequence[Message]) -> set[str]:
    db.session.expire_all()
    found = {message.state.value for message in messages}
    db.session.commit()
    return found


def called() -> list[str]:
    return sorted(db.session.scalars(sa.select(Call.subject)))


def subjects(messages: Sequence[Message]) -> list[str]:
    return sorted(message.subject for message in messages)


def permits_of(messages: Sequence[Message]) -> list[Permit]:
    return [db.session.get_one(Permit, int(message.subject.partition(":")[2])) for message in messages]


def test_one_text_tells_of_all_and_each_has_its_state(app: Flask) -> None:
    first, *others = messages = three()
    elsewhere = remind(make_contact())
    answer = make_message(contact=first.contact)
    # One text a day: the digest counts once, and the second text to this number waits.
    assert send() == {"accepted": 2, "rejected": 0, "unknown": 0, "held": 0}
    assert (answer.reason, elsewhere.carried_by_id) == ("daily_cap", None)
    assert states(messages) == {"accepted"}
    assert [item.carried_by_id for item in others] == [first.id] * 2
    assert {item.text for item in messages} == {first.text}
    assert "3" in first.text
    assert (first.segments > 0, [item.segments for item in others]) == (True, [0, 0])
    assert attempts() == 2
    thread, _ = list_thread(first.contact_id or 0)
    assert [item.id for item in thread] == [first.id]


def test_what_lies_outside_the_page_comes_along(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "BATCH", 1)
    first, *others = three()
    assert send()["accepted"] == 1
    assert [item.carried_by_id for item in others] == [first.id] * 2


def test_only_what_is_due_and_may_go_comes_along(app: Flask) -> None:
    contact = make_contact()
    first, second = remind(contact), remind(contact)
    later = remind(contact, due_at=clock.now() + DAY)
    late = remind(contact, expires_at=clock.now() - DAY)
    other = remind(contact, template="stopped", urgent=True)
    send()
    assert (second.carried_by_id, later.carried_by_id, late.carried_by_id) == (first.id, None, None)
    assert (later.state, late.state, other.carried_by_id) == (MessageState.QUEUED, MessageState.PERSON, None)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.FAILED])
def test_a_receipt_is_everybodys(app: Flask, status: Status) -> None:
    messages = three()
    send()
    record_receipts("sandbox", [ReceiptEvent(messages[0].provider_reference or "", status, "x", "e1")])
    assert states(messages) == {status.value}
    assert called() == (subjects(messages) if status is Status.FAILED else [])
    assert {item.delivered_at is not None for item in messages} == {status is Status.DELIVERED}
    record_receipts("sandbox", [ReceiptEvent(messages[0].provider_reference or "", Status.DELIVERED, "", "e2")])
    assert (states(messages), called()) == ({"delivered"}, [])


@pytest.mark.parametrize(("ending", "state"), [("0404", "rejected"), ("0500", "unknown"), ("0503", "queued")])
def test_an_end_of_the_hand_over_is_everybodys(app: Flask, ending: str, state: str) -> None:
    messages = three(ending)
    send()
    assert states(messages) == {state}
    if state == "queued":
        assert len({item.due_at for item in messages}) == 1
    assert {item.carried_by_id is None for item in messages[1:]} == {state == "queued"}
    assert called() == (subjects(messages) if state == "rejected" else [])


def test_what_went_back_is_bundled_anew_without_what_was_closed_meanwhile(app: Flask) -> None:
    first, second, third = messages = three("0503")
    send()
    (permit,) = permits_of([first])
    revoke(permit.id)
    db.session.commit()
    assert states([first]) == {"void"}
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        assert send()["held"] == 1
    assert [item.attempts_made for item in messages] == [1, 2, 2]
    assert states([second, third]) == {"queued"}


def test_the_next_provider_gets_the_same_text(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Outgoing] = []

    async def refuse(_self: object, message: Outgoing) -> Accepted:
        raise Unreachable("503")

    async def take(_self: object, message: Outgoing) -> Accepted:
        sent.append(message)
        return Accepted("SB1")

    monkeypatch.setattr("notifiers.providers.twilio.TwilioProvider.send", refuse)
    monkeypatch.setattr(SandboxProvider, "send", take)
    settings = make_settings(
        app.config["SETTINGS"].data_dir, app.config["SETTINGS"].database_url, sms_providers=("twilio", "sandbox")
    )
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    messages = three()
    assert send()["accepted"] == 1
    assert states(messages) == {"accepted"}
    assert {(item.provider, item.text) for item in messages} == {("sandbox", sent[0].text)}
    assert {item.carried_by_id for item in messages[1:]} == {messages[0].id}


def test_what_a_dead_run_was_sending_is_unknown_asked_once_and_goes_to_people(app: Flask) -> None:
    messages = three()
    first, second, third = (item.id for item in messages)
    claim([Claim(first, "sandbox", "【x】y", 1, (second, third))], run_id="gone")
    db.session.commit()
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert reconcile() == {"accepted": 0, "person": 0, "open": 3}
        assert states(messages) == {"unknown"}
    with time_machine.travel(clock.now() + DAY):
        assert reconcile() == {"accepted": 0, "person": 3, "open": 0}
    assert states(messages) == {"person"}
    assert called() == subjects(messages)


def test_what_was_lost_and_found_is_everybodys(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(_self: object, _message: Outgoing) -> Accepted:
        raise Unknown("timeout")

    async def find(_self: object, **_: Any) -> Accepted:
        return Accepted("SB9", Status.FAILED)

    monkeypatch.setattr(SandboxProvider, "send", lose)
    monkeypatch.setattr(SandboxProvider, "look_up", find)
    messages = three()
    assert send()["unknown"] == 1
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert reconcile()["accepted"] == 1
    assert states(messages) == {"failed"}
    assert called() == subjects(messages)


def reply(contact: Contact | None, text: str) -> None:
    assert contact is not None
    record_replies("sandbox", [ReplyEvent(contact.phone, text, f"in:{text}")])
    db.session.commit()
    db.session.expire_all()


def test_done_is_said_of_every_permit(app: Flask) -> None:
    messages = three()
    send()
    reply(messages[0].contact, "1")
    assert all(permit.renewal_reported_at for permit in permits_of(messages))
    assert all(message.replied_at for message in messages)


def test_call_me_is_one_call(app: Flask) -> None:
    messages = three()
    send()
    reply(messages[0].contact, "2")
    assert called() == [messages[0].subject]


def test_staff_see_each_permits_part(app: Flask, sign_in: Any) -> None:
    messages = three()
    send()
    reply(messages[0].contact, "1")
    client = sign_in()
    for message in messages:
        page = BeautifulSoup(client.get(f"/staff/permits/{message.subject.partition(':')[2]}").text, "html.parser")
        steps = page.select_one(".steps")
        assert steps is not None
        assert "已答复" in steps.text or "Reply at" in steps.text or "回复" in steps.text
