"""Offices that nobody can call fetch receipts and replies; what is told only once is never lost on the way."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from notifiers import collect as collecting
from notifiers.collect import collect
from notifiers.providers import Pulled
from notifiers.providers.tencent import TencentProvider
from portal.db import db
from portal.messages.models import Message, MessageState, Receipt, Reply
from portal.settings import Settings
from tests.domestic_servers import TencentServer, tencent_settings
from tests.factories.messages import make_contact, make_message
from tests.twilio_server import running

PHONE = "+8613800001234"


@pytest.fixture
def server() -> Iterator[TencentServer]:
    with running(TencentServer()) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, server: TencentServer) -> Settings:
    return replace(settings, sms_providers=("tencent",), tencent=tencent_settings(server.address))


def report(number: int, *, word: str = "SUCCESS") -> dict[str, Any]:
    return {
        "UserReceiveTime": 1464624000,
        "CountryCode": "86",
        "SubscriberNumber": PHONE[3:],
        "PhoneNumber": PHONE,
        "SerialNo": f"2028:{number:05d}",
        "ReportStatus": word,
        "Description": "DELIVRD",
        "SessionContext": "",
    }


def said(text: str, **changes: object) -> dict[str, Any]:
    reply = {
        "ExtendCode": "07",
        "CountryCode": "86",
        "SubscriberNumber": PHONE[3:],
        "PhoneNumber": PHONE,
        "SignName": "孟州执法",
        "ReplyContent": text,
        "ReplyTime": 1464624000,
    }
    return reply | changes


def count(table: type[Receipt] | type[Reply]) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count(table.id))) or 0


def make_sent(number: int) -> Message:
    contact = make_contact()
    values = {"state": MessageState.ACCEPTED, "provider": "tencent", "provider_reference": f"2028:{number:05d}"}
    return make_message(contact=contact, **values)


def test_page_after_page_is_fetched_and_takes_effect(app: Flask, server: TencentServer) -> None:
    contact, message, failed = make_contact(phone=PHONE), make_sent(220), make_sent(221)
    db.session.commit()
    server.reports += [report(number) for number in range(221)]
    server.reports += [report(221, word="FAIL")]
    server.replies += [said("退订"), said("4", ReplyTime=1464624001)]
    assert collect() == {"receipts": 222, "replies": 2}
    assert collect() == {"receipts": 0, "replies": 0}
    db.session.expire_all()
    assert (message.state, failed.state) == (MessageState.DELIVERED, MessageState.FAILED)
    assert contact.opted_out_at is not None
    assert [asked["Limit"] for _action, asked in server.asked] == [100] * 10


def test_what_is_called_in_and_fetched_is_one(app: Flask, server: TencentServer) -> None:
    """A city that moves behind a wall is told some things twice."""
    provider = TencentProvider(app.config["SETTINGS"])
    called = {"extend": "07", "mobile": PHONE[3:], "nationcode": "86", "text": "4", "time": 1464624000, "sign": "x"}
    collecting.record("tencent", Pulled((), provider.read_replies(called)))
    server.replies += [said("4")]
    assert collect() == {"receipts": 0, "replies": 0}
    assert count(Reply) == 1


def test_one_broken_item_does_not_cost_the_others(
    app: Flask, server: TencentServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.reports += [report(1), report(2) | {"SerialNo": None}, report(3)]
    server.replies += [said("好"), said("坏") | {"ReplyContent": 5}]
    assert collect() == {"receipts": 2, "replies": 1}
    assert caplog.text.count("could not be read") == 2
    assert PHONE[3:] not in caplog.text


def test_each_page_is_kept_before_the_next_is_asked_for(
    app: Flask, server: TencentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reports += [report(number) for number in range(250)]
    pull, turns = TencentProvider.pull, iter([True, True, False])

    def break_down(provider: TencentProvider) -> Pulled:
        if not next(turns):
            raise MemoryError
        return pull(provider)

    monkeypatch.setattr(TencentProvider, "pull", break_down)
    with pytest.raises(MemoryError):
        collect()
    assert count(Receipt) == 200
    assert len(server.reports) == 50


def test_a_page_waits_for_a_database_that_is_away(
    app: Flask, server: TencentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reports += [report(1)]
    record, away = collecting.record, iter([True, True])

    def refuse_first(name: str, pulled: Pulled) -> tuple[int, int]:
        if next(away, False):
            raise sa.exc.OperationalError("", {}, Exception())
        return record(name, pulled)

    monkeypatch.setattr(collecting, "record", refuse_first)
    monkeypatch.setattr(collecting, "PAUSES", (0, 0, 0))
    assert collect() == {"receipts": 1, "replies": 0}
    assert count(Receipt) == 1


def test_replies_are_kept_when_receipts_cannot_be_had(
    app: Flask, server: TencentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies += [said("好")]
    prepare = TencentProvider._prepare

    def without_receipts(provider: TencentProvider, action: str, request: dict[str, Any]) -> Any:
        changed = {} if action == "PullSmsSendStatus" else request
        return prepare(provider, action, changed)

    monkeypatch.setattr(TencentProvider, "_prepare", without_receipts)
    assert collect() == {"receipts": 0, "replies": 1}


def test_a_provider_that_is_away_is_named_and_asked_later(
    app: Flask, server: TencentServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    server.reports += [report(1)]
    server.only_status = 503
    assert collect() == {"receipts": 0, "replies": 0}
    assert "tencent could not be asked for receipts (pull:http:503)" in caplog.text
    server.only_status = 0
    assert collect() == {"receipts": 1, "replies": 0}


def test_one_run_ends(app: Flask, server: TencentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "PAGES", 2)
    server.reports += [report(number) for number in range(300)]
    assert collect() == {"receipts": 200, "replies": 0}


def test_whoever_has_our_token_calls_and_is_not_asked(settings: Settings) -> None:
    everybody = replace(settings, sms_providers=("twilio", "tencent", "aliyun", "sandbox"))
    assert collecting.pulled_names(everybody) == ["tencent", "sandbox"]
    assert collecting.pulled_names(replace(everybody, sms_hook_token="t")) == ["sandbox"]
