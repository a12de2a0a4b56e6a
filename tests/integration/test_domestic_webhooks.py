"""The webhooks of Tencent and Aliyun: let in by our token, stored whole, then answered as they expect."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notifiers import webhooks
from portal.db import db
from portal.messages.models import MessageState, Receipt, Reply
from portal.settings import Settings
from tests.factories.messages import make_contact, make_message

TOKEN = "a-token-of-forty-characters-in-the-address"
OK = {"tencent": {"result": 0, "errmsg": "OK"}, "aliyun": {"code": 0, "msg": "接收成功"}}
TENCENT = {"mobile": "13800138000", "nationcode": "86", "user_receive_time": "2026-11-22 10:00:00"}
RECEIPT: dict[str, dict[str, Any]] = {
    "tencent": TENCENT | {"report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "送达", "sid": "R1"},
    "aliyun": {
        "phone_number": "13800138000",
        "send_time": "2026-11-22 10:00:00",
        "report_time": "2026-11-22 10:00:01",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": "R1",
        "out_id": "107",
    },
}
REPLY: dict[str, Any] = {
    "tencent": {
        "extend": "07",
        "mobile": "13800138000",
        "nationcode": "86",
        "sign": "孟州执法",
        "text": "退订",
        "time": 1,
    },
    "aliyun": [
        {
            "phone_number": "13800138000",
            "send_time": "2026-11-22 10:00:00",
            "content": "退订",
            "sign_name": "孟州执法",
            "dest_code": "1007",
            "sequence_id": 1234567890,
        }
    ],
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, sms_providers=("tencent", "aliyun"), sms_hook_token=TOKEN)


@pytest.fixture(params=["tencent", "aliyun"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def post(client: FlaskClient, name: str, end: str, body: object, *, token: str | None = TOKEN) -> TestResponse:
    """Post JSON as a provider does, or bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    query = "" if token is None else f"?token={token}"
    return client.post(f"/hooks/sms/{name}/{end}{query}", data=data, content_type="application/json;charset=utf-8")


def count(table: type[Receipt] | type[Reply]) -> int:
    return db.session.scalar(sa.select(sa.func.count(table.id))) or 0


def test_receipts_settle_their_messages(client: FlaskClient, name: str) -> None:
    told = RECEIPT[name]
    field = "sid" if name == "tencent" else "biz_id"
    bad = (
        {"report_status": "FAIL", "errmsg": "MK:0001"} if name == "tencent" else {"success": False, "err_code": "MK:1"}
    )
    messages = [
        make_message(contact=make_contact(), state=MessageState.ACCEPTED, provider=name, provider_reference=reference)
        for reference in ("R1", "R2")
    ]
    answer = post(client, name, "receipts", [told, told | {field: "R2"} | bad, told])
    assert (answer.status_code, answer.mimetype, answer.json) == (200, "application/json", OK[name])
    assert [message.state for message in messages] == [MessageState.DELIVERED, MessageState.FAILED]
    assert count(Receipt) == 2


def test_a_reply_takes_effect_once(client: FlaskClient, name: str) -> None:
    contact = make_contact(phone="+8613800138000")
    for _ in range(2):
        answer = post(client, name, "replies", REPLY[name])
        assert (answer.status_code, answer.json) == (200, OK[name])
    assert count(Reply) == 1
    assert contact.opted_out_at is not None


def test_what_is_not_known_yet_is_kept(client: FlaskClient, name: str) -> None:
    assert post(client, name, "receipts", [RECEIPT[name]]).status_code == 200
    assert count(Receipt) == 1


def test_a_wrong_token_is_refused_and_logged_without_content(
    client: FlaskClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for token in (None, "", "forged", TOKEN[:-1], f"{TOKEN}x", "%00", "%E9%99%84"):
        assert post(client, name, "receipts", [RECEIPT[name]], token=token).status_code == 403
        assert post(client, name, "replies", REPLY[name], token=token).status_code == 403
        # A stranger does not learn either whether a body could be read.
        assert post(client, name, "replies", b"{", token=token).status_code == 403
    assert count(Receipt) == count(Reply) == 0
    for secret in ("13800138000", "退订", "forged", TOKEN[:-1], "R1"):
        assert secret not in caplog.text


def test_the_token_never_reaches_the_log(
    client: FlaskClient, name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise RuntimeError("broken")

    caplog.set_level(logging.DEBUG)
    post(client, name, "receipts", [RECEIPT[name]])
    post(client, name, "receipts", b"[")
    monkeypatch.setattr(webhooks, "record_receipts", fail)
    assert post(client, name, "receipts", [RECEIPT[name]]).status_code == 500
    assert "RuntimeError" in caplog.text
    assert TOKEN not in caplog.text


def test_without_a_token_of_ours_nobody_is_let_in(app: Flask, client: FlaskClient, name: str) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_hook_token="")
    for token in (None, "", TOKEN):
        assert post(client, name, "receipts", [RECEIPT[name]], token=token).status_code == 403


def test_one_broken_item_leaves_nothing_behind(client: FlaskClient, name: str) -> None:
    said = REPLY[name] if isinstance(REPLY[name], list) else [REPLY[name]]
    junk: tuple[object, ...] = ({}, None, [], 5, {"sid": 1}, {"biz_id": None})
    for broken in junk:
        assert post(client, name, "receipts", [RECEIPT[name], broken]).status_code == 400
        assert post(client, name, "replies", [*said, broken]).status_code == 400
    assert count(Receipt) == count(Reply) == 0


UNREADABLE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"1" * 5000,
    b"\xff\xfe[",
    json.dumps(REPLY["tencent"], ensure_ascii=False).encode("gb18030"),
    b"[" * 60_000,
    b'{"a":' * 20_000,
    b"[" * 500 + b"]" * 500,
]


def test_names_that_another_sender_gave_its_messages_cost_ours_nothing(client: FlaskClient) -> None:
    message = make_message(contact=make_contact(), state=MessageState.UNKNOWN, provider="aliyun")
    own = ("20261122101010", "2147483648", "9" * 15, "9" * 128, "x", str(message.id))
    told = [RECEIPT["aliyun"] | {"biz_id": f"R{number}", "out_id": name} for number, name in enumerate(own)]
    assert post(client, "aliyun", "receipts", told).status_code == 200
    assert count(Receipt) == len(own)
    db.session.refresh(message)
    assert (message.state, message.provider_reference) == (MessageState.DELIVERED, f"R{len(own) - 1}")


def test_what_is_no_readable_json_is_refused(client: FlaskClient, name: str) -> None:
    for body in UNREADABLE:
        for end in ("receipts", "replies"):
            assert post(client, name, end, body).status_code == 400
    assert count(Receipt) == count(Reply) == 0


def test_a_huge_body_is_refused(client: FlaskClient, name: str) -> None:
    long = [RECEIPT[name] | {"description": "x" * 1_000_000}]
    assert post(client, name, "receipts", long).status_code == 413
    assert post(client, name, "receipts", [RECEIPT[name]] * 600).status_code == 200
    assert count(Receipt) == 1


def test_texts_that_no_database_keeps_are_kept_all_the_same(client: FlaskClient, name: str) -> None:
    text = {"text": "好\x00\ud800"} if name == "tencent" else {"content": "好\x00\ud800"}
    told = REPLY[name] | text if name == "tencent" else [REPLY[name][0] | text]
    assert post(client, name, "replies", told).status_code == 200
    assert db.session.scalars(sa.select(Reply.text)).one().startswith("好")


def test_nothing_is_answered_before_it_is_kept(client: FlaskClient, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise sa.exc.OperationalError("", {}, Exception())

    monkeypatch.setattr(db.session, "commit", refuse)
    monkeypatch.setattr(type(client), "open", FlaskClient.open)
    assert post(client, name, "receipts", [RECEIPT[name]]).status_code >= 500
