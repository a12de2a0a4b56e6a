"""From the outbox through a domestic provider and back: handed over, lost and found, told by webhook, answered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from notifiers.dispatch import dispatch
from notifiers.reconcile import reconcile
from portal import clock
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.messages.rules import extension_code
from portal.settings import Settings
from portal.wordings.models import Approval, ProviderTemplate
from tests.domestic_servers import (
    TEMPLATE,
    AliyunServer,
    DomesticServer,
    TencentServer,
    aliyun_settings,
    tencent_settings,
)
from tests.factories.messages import make_contact, make_message
from tests.twilio_server import running

TOKEN = "a-token-of-forty-characters-in-the-address"


@pytest.fixture(params=["tencent", "aliyun"])
def server(request: pytest.FixtureRequest) -> Iterator[DomesticServer]:
    with running(TencentServer() if request.param == "tencent" else AliyunServer()) as server:
        yield server


@pytest.fixture
def name(server: DomesticServer) -> str:
    return "tencent" if isinstance(server, TencentServer) else "aliyun"


@pytest.fixture
def settings(settings: Settings, server: DomesticServer, name: str) -> Settings:
    keys: dict[str, Any] = {"tencent": tencent_settings(server.address), "aliyun": aliyun_settings(server.address)}
    return replace(settings, sms_providers=(name,), sms_hook_token=TOKEN, **keys)


@pytest.fixture(autouse=True)
def approved(app: Flask, name: str) -> None:
    row = ProviderTemplate(provider=name, name="stopped", locale="zh_Hans", body="已停发", template_id=TEMPLATE)
    row.status = Approval.APPROVED
    db.session.add(row)
    db.session.commit()


def send(ending: str, result: str) -> Message:
    """Hand one message over and see how that ended."""
    message = make_message(contact=make_contact(ending=ending))
    db.session.commit()
    assert dispatch()[result] == 1
    db.session.expire_all()
    return message


def state_of(message: Message) -> MessageState:
    """Return where a message stands now."""
    db.session.refresh(message)
    return message.state


def tell(client: FlaskClient, name: str, message: Message, reference: str) -> None:
    """Report that a message was delivered, as the provider does."""
    told: dict[str, dict[str, Any]] = {
        "tencent": {"mobile": "1", "report_status": "SUCCESS", "errmsg": "DELIVRD", "sid": reference},
        "aliyun": {"success": True, "err_code": "DELIVERED", "biz_id": reference, "out_id": str(message.id)},
    }
    assert client.post(f"/hooks/sms/{name}/receipts?token={TOKEN}", json=[told[name]]).status_code == 200


def test_a_message_carries_our_names_and_is_told_of(client: FlaskClient, server: DomesticServer, name: str) -> None:
    message = send("0001", "accepted")
    sent = server.asked[0][1]
    assert sent["SessionContext" if name == "tencent" else "OutId"] == str(message.id)
    assert sent["ExtendCode" if name == "tencent" else "SmsUpExtendCode"] == extension_code(message.id)
    assert state_of(message) is MessageState.ACCEPTED
    assert message.provider_reference == server.taken[0]["reference"]
    tell(client, name, message, str(message.provider_reference))
    assert state_of(message) is MessageState.DELIVERED


def test_what_was_taken_without_an_answer_is_found_and_sent_once(app: Flask, server: DomesticServer) -> None:
    message = send("0999", "unknown")
    assert state_of(message) is MessageState.UNKNOWN
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        assert reconcile()["accepted"] == 1
        dispatch()
    assert state_of(message) is MessageState.DELIVERED
    assert len(server.taken) == 1


def test_a_webhook_settles_what_was_taken_without_an_answer(
    client: FlaskClient, server: DomesticServer, name: str
) -> None:
    """Aliyun's tells our own name of the message; Tencent's does not, so there the message waits to be looked up."""
    message = send("0999", "unknown")
    tell(client, name, message, str(server.taken[0]["reference"]))
    assert state_of(message) is (MessageState.DELIVERED if name == "aliyun" else MessageState.UNKNOWN)


@pytest.mark.parametrize(
    ("ending", "result", "state"),
    [("0404", "rejected", MessageState.REJECTED), ("0503", "held", MessageState.QUEUED)],
)
def test_what_was_not_taken_is_no_riddle(
    app: Flask, server: DomesticServer, ending: str, result: str, state: MessageState
) -> None:
    assert send(ending, result).state is state
    assert server.taken == []


def test_one_report_is_no_proof_for_either_of_two(app: Flask, server: DomesticServer) -> None:
    """Where reports do not say what we called a message, the one that was lost must not pass for the one that came."""
    server.echo_reference = False
    contact = make_contact(ending="0999")
    messages = []
    for status in (504, 0):
        server.only_status = status
        messages.append(make_message(contact=contact))
        db.session.commit()
        assert dispatch()["unknown"] == 1
    assert len(server.taken) == 1
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        assert reconcile()["accepted"] == 0
    assert {state_of(message) for message in messages} == {MessageState.UNKNOWN}
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        assert reconcile()["person"] == 2
