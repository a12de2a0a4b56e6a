"""From the outbox to a provider of approved templates: what its server is asked to send, and what is kept as sent."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.dispatch import dispatch
from notifiers.reconcile import reconcile
from portal import clock
from portal.calls.models import Call
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.permits.models import Permit
from portal.settings import Settings
from tests.conftest import make_settings
from tests.domestic_servers import TEMPLATE, TencentServer, tencent_settings
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit, make_permit_type
from tests.integration.test_shaping import approve
from tests.twilio_server import running


@pytest.fixture
def server() -> Iterator[TencentServer]:
    with running(TencentServer()) as server:
        yield server


@pytest.fixture
def providers() -> tuple[str, ...]:
    return ("tencent",)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, server: TencentServer, providers: tuple[str, ...]) -> Settings:
    return make_settings(tmp_path, database_url, sms_providers=providers, tencent=tencent_settings(server.address))


def remind(short_name: str = "食品许可", **values: Any) -> Message:
    """Put a reminder into the outbox, eight days before the last day to apply."""
    permit: Permit = make_permit(valid_to=date(2027, 3, 1), kind=make_permit_type(short_name=short_name))
    permit.last_apply_on = clock.today() + timedelta(days=8)
    contact = make_contact()
    return make_message(contact=contact, template="permit_renewal", subject=f"permit:{permit.id}", **values)


def send() -> dict[str, int]:
    db.session.commit()
    sent = dispatch()
    db.session.expire_all()
    return sent


def asked(server: TencentServer) -> list[tuple[str, list[str]]]:
    return [(item["TemplateId"], item["TemplateParamSet"]) for action, item in server.asked if action == "SendSms"]


def test_the_server_gets_number_and_values_and_the_approved_words_are_kept(app: Flask, server: TencentServer) -> None:
    approve(template_id=TEMPLATE)
    with time_machine.travel("2026-11-20T10:00:00+08:00", tick=False):
        message = remind()
        assert send()["accepted"] == 1
    assert asked(server) == [(TEMPLATE, ["食品许可", "8", "11月28日"])]
    assert message.text == "【孟州执法】您的食品许可剩8天，11月28日截止。咨询0391-0000000，1办好2回电T退订"
    assert (message.provider, message.segments) == ("tencent", 1)


def test_what_waits_for_approval_is_sent_once_it_comes(app: Flask, server: TencentServer) -> None:
    with time_machine.travel("2026-11-20T10:00:00+08:00", tick=False) as frozen:
        message = remind()
        assert send()["accepted"] == 0
        assert (message.state, message.reason, message.attempts_made) == (MessageState.QUEUED, "no_template", 0)
        approve(template_id=TEMPLATE)
        frozen.shift(timedelta(days=1))
        assert send()["accepted"] == 1
    assert asked(server) == [(TEMPLATE, ["食品许可", "7", "11月28日"])]


def test_what_nobody_approves_for_days_goes_to_a_person(app: Flask, server: TencentServer) -> None:
    with time_machine.travel("2026-11-20T10:00:00+08:00", tick=False) as frozen:
        values = {"received_on": "2026-11-19"}
        answer = make_message(
            contact=make_contact(), template="complaint_answered", subject="complaint:1", values=values, priority=2
        )
        reminder = remind(expires_at=clock.now() + timedelta(days=8))
        for hours in (24, 24, 23, 2):
            assert send()["accepted"] == 0
            reconcile()
            assert answer.state is MessageState.QUEUED
            frozen.shift(timedelta(hours=hours))
        send()
        reconcile()
        db.session.expire_all()
        assert (answer.state, answer.reason) == (MessageState.PERSON, "no_template")
        # A reminder has its own last day, until which a template may yet be approved.
        assert reminder.state is MessageState.QUEUED
    (call,) = db.session.scalars(sa.select(Call))
    assert (call.subject, call.message_id) == ("complaint:1", answer.id)
    assert asked(server) == []


def test_what_no_provider_may_carry_goes_to_a_person_unsent(app: Flask, server: TencentServer) -> None:
    approve(template_id=TEMPLATE)
    message = remind("特种设备作业许可")
    send()
    assert (message.state, message.reason) == (MessageState.PERSON, "variable_too_long:permit")
    assert asked(server) == []


@pytest.mark.parametrize("providers", [("tencent", "sandbox")])
def test_what_one_provider_may_not_carry_another_does(app: Flask, server: TencentServer) -> None:
    approve(template_id=TEMPLATE)
    long, short = remind("特种设备作业许可"), remind()
    assert send()["accepted"] == 2
    assert (long.provider, short.provider) == ("sandbox", "tencent")
    assert "特种设备作业许可还有" in long.text
    assert len(asked(server)) == 1
