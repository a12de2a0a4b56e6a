"""What nobody knows is settled by asking, or by a person; never by sending again."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.account import take_account
from notifiers.collect import collect
from notifiers.dispatch import dispatch
from notifiers.reconcile import reconcile
from portal import clock
from portal.calls.models import Call
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.settings import Settings, TwilioSettings
from tests.conftest import make_settings
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN, TwilioServer, running

SECOND = timedelta(seconds=1)
MINUTES = timedelta(minutes=2)
DAY = timedelta(hours=24)


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with running(TwilioServer()) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, server: TwilioServer) -> Settings:
    twilio = TwilioSettings(
        account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender="+15005550006", api_base=server.address
    )
    return make_settings(settings.data_dir, settings.database_url, sms_providers=("twilio", "sandbox"), twilio=twilio)


def send_to(ending: str, **values: object) -> Message:
    message = make_message(contact=make_contact(ending=ending), **values)
    db.session.commit()
    assert dispatch()["unknown"] == 1
    db.session.expire_all()
    assert message.state is MessageState.UNKNOWN
    return message


def test_a_lost_answer_is_found_and_nothing_is_sent_again(app: Flask, server: TwilioServer) -> None:
    message = send_to("0999")
    assert reconcile() == {"accepted": 0, "person": 0, "open": 1}
    with time_machine.travel(clock.now() + MINUTES):
        assert reconcile() == {"accepted": 1, "person": 0, "open": 0}
        assert reconcile() == {"accepted": 0, "person": 0, "open": 0}
    db.session.expire_all()
    assert message.state is MessageState.ACCEPTED
    assert message.provider_reference == server.messages[0]["sid"]
    assert len(server.messages) == 1


def test_equal_texts_to_one_number_are_not_settled_by_one_that_arrived(app: Flask, server: TwilioServer) -> None:
    contact = make_contact(ending="0999")
    for _ in range(2):
        make_message(contact=contact)
    db.session.commit()
    assert dispatch()["unknown"] == 2
    del server.messages[1]
    with time_machine.travel(clock.now() + MINUTES):
        assert reconcile() == {"accepted": 1, "person": 0, "open": 1}
        assert reconcile() == {"accepted": 0, "person": 0, "open": 1}


@pytest.mark.parametrize("ending", ["0406", "0999"])
def test_what_the_provider_took_and_failed_goes_on_the_call_list(app: Flask, server: TwilioServer, ending: str) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60))
    reminder = {"subject": f"permit:{permit.id}", "template": "permit_renewal"}
    message = make_message(contact=make_contact(ending=ending), **reminder)
    db.session.commit()
    dispatch()
    server.messages[0]["status"] = "failed"
    with time_machine.travel(clock.now() + MINUTES):
        reconcile()
    db.session.expire_all()
    assert message.state is MessageState.FAILED
    assert db.session.scalars(sa.select(Call.subject)).all() == [f"permit:{permit.id}"]


def test_what_the_provider_never_had_goes_to_a_person_after_a_day(app: Flask, server: TwilioServer) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60))
    message = send_to("0500", subject=f"permit:{permit.id}", template="permit_renewal")
    started = message.changed_at
    with time_machine.travel(started + DAY - SECOND):
        assert reconcile() == {"accepted": 0, "person": 0, "open": 1}
    with time_machine.travel(started + DAY + SECOND):
        assert reconcile() == {"accepted": 0, "person": 1, "open": 0}
    db.session.expire_all()
    assert (message.state, message.reason) == (MessageState.PERSON, "unsettled")
    assert db.session.scalars(sa.select(Call.subject)).all() == [f"permit:{permit.id}"]
    assert server.messages == []


def test_a_provider_that_cannot_be_asked_leaves_it_open(app: Flask, server: TwilioServer) -> None:
    send_to("0999")
    server.only_status = 503
    with time_machine.travel(clock.now() + MINUTES):
        assert reconcile() == {"accepted": 0, "person": 0, "open": 1}


def test_only_what_is_proven_not_accepted_goes_to_the_next_provider(app: Flask, server: TwilioServer) -> None:
    goes_over, stays = make_contact(ending="0503"), make_contact(ending="0500")
    first, second = make_message(contact=goes_over), make_message(contact=stays)
    db.session.commit()
    # The sandbox, second in the list, cannot reach this number either.
    assert dispatch() == {"accepted": 0, "rejected": 0, "unknown": 1, "held": 1}
    server.only_status = 429
    third = make_message(contact=make_contact())
    db.session.commit()
    assert dispatch() == {"accepted": 1, "rejected": 0, "unknown": 0, "held": 0}
    db.session.expire_all()
    assert (first.state, first.attempts_made) == (MessageState.QUEUED, 2)
    assert (second.state, second.provider, second.attempts_made) == (MessageState.UNKNOWN, "twilio", 1)
    assert (third.state, third.provider, third.attempts_made) == (MessageState.ACCEPTED, "sandbox", 2)


def test_every_kind_of_answer_in_one_run(app: Flask, server: TwilioServer) -> None:
    endings = ("0001", "1211", "0500", "0999", "0997", "0406")
    for ending in endings:
        make_message(contact=make_contact(ending=ending))
    db.session.commit()
    assert dispatch() == {"accepted": 2, "rejected": 1, "unknown": 3, "held": 0}
    account = take_account(clock.today(), clock.today())
    assert account["due"] == len(endings)
    assert sum(count for name, count in account.items() if name not in ("from", "to", "due")) == len(endings)
    assert (account["accepted"], account["person"], account["unknown"]) == (1, 2, 3)


def test_a_reference_that_repeats_breaks_nothing(app: Flask, server: TwilioServer) -> None:
    server.static_sid = True
    messages = [make_message(contact=make_contact()) for _ in range(5)]
    db.session.commit()
    assert dispatch()["accepted"] == 5
    db.session.expire_all()
    assert {message.provider_reference for message in messages} == {server.messages[0]["sid"]}


def test_receipts_of_the_sandbox_are_fetched(app: Flask, server: TwilioServer) -> None:
    server.only_status = 503
    arrives, silent, fails = (make_message(contact=make_contact(ending=ending)) for ending in ("0001", "0405", "0406"))
    db.session.commit()
    assert dispatch()["accepted"] == 3
    assert collect() == {"receipts": 2, "replies": 0}
    assert collect() == {"receipts": 0, "replies": 0}
    db.session.expire_all()
    assert [message.state for message in (arrives, silent, fails)] == [
        MessageState.DELIVERED,
        MessageState.ACCEPTED,
        MessageState.FAILED,
    ]
