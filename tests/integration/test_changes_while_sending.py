"""What is decided while a text is on its way holds, as soon as it is known that nobody took the text."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.dispatch import dispatch
from notifiers.plan.permits import plan_permits
from notifiers.providers import Accepted, Outgoing, Unreachable
from notifiers.providers.sandbox import SandboxProvider
from portal import clock
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.messages.service import stop_reminders
from portal.permits.models import Permit
from portal.permits.service import report_renewal, revoke
from tests.conftest import make_settings
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit


def remind(contact: Contact) -> Message:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60), contact_id=contact.id)
    return make_message(contact=contact, template="permit_renewal", subject=f"permit:{permit.id}")


def permit_of(message: Message) -> int:
    return int(message.subject.partition(":")[2])


def meanwhile(app: Flask, monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any], *, taken: bool = False) -> None:
    """Let something happen, in a transaction of its own, while the provider is asked to take the text."""

    def happen() -> None:
        with app.app_context():
            change()
            db.session.commit()

    async def send(_self: object, message: Outgoing) -> Accepted:
        await asyncio.to_thread(happen)
        if taken:
            return Accepted("SB-taken")
        raise Unreachable("503")

    monkeypatch.setattr(SandboxProvider, "send", send)


def send() -> dict[str, int]:
    db.session.commit()
    sent = dispatch()
    db.session.expire_all()
    return sent


def standing(message: Message) -> tuple[str, str]:
    db.session.refresh(message)
    found = message.state.value, message.reason
    db.session.commit()
    return found


def test_what_was_revoked_meanwhile_is_not_sent_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    message, other = remind(make_contact()), make_message(contact=make_contact(), state=MessageState.VOID)
    number = permit_of(message)
    meanwhile(app, monkeypatch, lambda: revoke(number))
    send()
    assert (standing(message), standing(other)) == (("void", "revoked"), ("void", ""))


def test_of_a_digest_only_what_was_revoked_is_not_sent_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = make_contact()
    messages = [remind(contact) for _ in range(3)]
    number = permit_of(messages[1])
    meanwhile(app, monkeypatch, lambda: revoke(number))
    send()
    assert [standing(item) for item in messages] == [("queued", "503"), ("void", "revoked"), ("queued", "503")]


def test_what_was_taken_all_the_same_was_sent(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    message = remind(make_contact())
    number = permit_of(message)
    meanwhile(app, monkeypatch, lambda: revoke(number), taken=True)
    assert send()["accepted"] == 1
    assert standing(message) == ("accepted", "")


@pytest.mark.parametrize("carried", [False, True], ids=["itself", "carried"])
@pytest.mark.parametrize("change", ["revoked", "stopped"])
def test_the_next_provider_does_not_get_it_either(
    app: Flask, monkeypatch: pytest.MonkeyPatch, change: str, carried: bool
) -> None:
    settings = app.config["SETTINGS"]
    both = make_settings(settings.data_dir, settings.database_url, sms_providers=("sandbox", "twilio"))
    monkeypatch.setitem(app.config, "SETTINGS", both)
    handed: list[str] = []

    async def take(_self: object, message: Outgoing) -> Accepted:
        handed.append(message.reference)
        return Accepted("SM1")

    monkeypatch.setattr("notifiers.providers.twilio.TwilioProvider.send", take)
    contact = make_contact()
    messages = [remind(contact) for _ in range(2 if carried else 1)]
    number, contact_id = permit_of(messages[-1]), contact.id
    change_it: Callable[[], Any] = lambda: revoke(number)  # noqa: E731
    if change == "stopped":
        change_it = lambda: stop_reminders(contact=db.session.get_one(Contact, contact_id), key="x")  # noqa: E731
    meanwhile(app, monkeypatch, change_it)
    send()
    # The confirmation of the stop itself may go.
    assert str(messages[0].id) not in handed
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        monkeypatch.setattr(SandboxProvider, "send", take)
        send()
    ended = {standing(item) for item in messages}
    if change == "stopped":
        assert ended == {("suppressed", "opted_out")}
    else:
        assert ended == {("void", "revoked")} | ({("accepted", "")} if carried else set())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_planner_leaves_alone_what_is_just_being_changed(app: Flask) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60))
    permit.contact_id = make_contact().id
    permit.next_reminder_on = clock.today()
    number = permit.id
    db.session.commit()
    changing, planning = threading.Event(), threading.Event()

    def report() -> None:
        with app.app_context():
            report_renewal(number, None)
            changing.set()
            planning.wait(1)
            db.session.commit()

    thread = threading.Thread(target=report)
    thread.start()
    assert changing.wait(10)
    planned = plan_permits(clock.today()).planned
    planning.set()
    thread.join()
    assert (planned, plan_permits(clock.today()).planned) == (0, 0)
    db.session.expire_all()
    assert db.session.get_one(Permit, number).next_reminder_on is None
    assert db.session.scalars(sa.select(Message)).all() == []
