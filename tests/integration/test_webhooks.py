"""Webhooks: what a provider signed is stored and answered; everything else is refused and leaves nothing behind."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from portal.db import db
from portal.messages.models import MessageState, Receipt, Reply
from portal.settings import Settings, TwilioSettings
from tests.conftest import make_app, make_settings
from tests.factories.messages import make_contact, make_message

TOKEN = "0123456789abcdef0123456789abcdef"
RECEIPT = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+8613800138000", "AccountSid": "AC1"}
REPLY = {"MessageSid": "SM2", "From": "+8613800138000", "Body": "退订", "NumMedia": "0", "Extra": ""}
RECEIPTS, REPLIES = "/hooks/sms/twilio/receipts", "/hooks/sms/twilio/replies"


@pytest.fixture(params=["https://portal.example", "http://portal.example:8080"])
def public_url(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, public_url: str) -> Settings:
    twilio = TwilioSettings(account_sid="AC1", auth_token=TOKEN, sender="+15005550006")
    return make_settings(tmp_path, database_url, sms_providers=("twilio",), twilio=twilio, public_url=public_url)


class Twilio:
    """Twilio's side of the webhooks."""

    def __init__(self, client: FlaskClient, public_url: str) -> None:
        self.client = client
        self.public_url = public_url

    def post(self, path: str, form: dict[str, str], *, token: str = TOKEN, sign: str = "", **more: Any) -> TestResponse:
        """Post a form as Twilio does: signed over the public address, which the portal itself does not see."""
        signature = RequestValidator(token).compute_signature(sign or f"{self.public_url}{path}", form)
        headers = {"X-Twilio-Signature": signature}
        return self.client.post(path, **({"data": form, "headers": headers} | more))


@pytest.fixture
def twilio(client: FlaskClient, public_url: str) -> Twilio:
    return Twilio(client, public_url)


def count(table: type[Receipt] | type[Reply]) -> int:
    return db.session.scalar(sa.select(sa.func.count(table.id))) or 0


def test_signed_receipt_settles_its_message(twilio: Twilio) -> None:
    message = make_message(
        contact=make_contact(), state=MessageState.ACCEPTED, provider="twilio", provider_reference="SM1"
    )
    answer = twilio.post(RECEIPTS, RECEIPT)
    assert (answer.status_code, answer.data) == (204, b"")
    assert message.state is MessageState.DELIVERED


def test_receipt_for_nothing_known_is_kept_and_answered(twilio: Twilio) -> None:
    assert [twilio.post(RECEIPTS, RECEIPT).status_code for _ in range(2)] == [204, 204]
    assert count(Receipt) == 1


def test_signed_reply_is_answered_with_empty_twiml(twilio: Twilio) -> None:
    contact = make_contact(phone="+8613800138000")
    for _ in range(2):
        answer = twilio.post(REPLIES, REPLY)
        assert (answer.status_code, answer.mimetype) == (200, "text/xml")
        assert answer.text.endswith("<Response/>")
    assert count(Reply) == 1
    assert contact.opted_out_at is not None


def test_reply_from_nobody_known_is_answered(twilio: Twilio) -> None:
    assert twilio.post(REPLIES, REPLY | {"From": "+15005550009", "Body": ""}).status_code == 200
    assert count(Reply) == 1


@pytest.mark.parametrize(("path", "form"), [(RECEIPTS, RECEIPT), (REPLIES, REPLY)])
def test_wrong_signature_is_refused_and_logged_without_content(
    twilio: Twilio, caplog: pytest.LogCaptureFixture, path: str, form: dict[str, str]
) -> None:
    caplog.set_level(logging.DEBUG)
    attempts = [
        twilio.post(path, form, token="another token"),
        twilio.post(path, form, sign="http://localhost" + path),
        twilio.post(path, form, data=form | {"Body": "1", "MessageStatus": "failed"}),
        twilio.post(path, form, headers={}),
        twilio.post(path, form, headers={"X-Twilio-Signature": "é~"}),
    ]
    assert [answer.status_code for answer in attempts] == [403] * 5
    assert count(Receipt) == count(Reply) == 0
    assert "wrong signature" in caplog.text
    assert "13800138000" not in caplog.text
    assert "退订" not in caplog.text


@pytest.mark.parametrize("provider", ["sandbox", "nobody", "..%2ftwilio"])
def test_provider_not_in_use_is_not_found(twilio: Twilio, provider: str) -> None:
    for end in ("receipts", "replies"):
        assert twilio.post(f"/hooks/sms/{provider}/{end}", RECEIPT | REPLY).status_code == 404


@pytest.mark.parametrize(("path", "form"), [(RECEIPTS, RECEIPT), (REPLIES, REPLY)])
def test_signed_but_incomplete_is_refused(twilio: Twilio, path: str, form: dict[str, str]) -> None:
    assert twilio.post(path, {"AccountSid": "AC1"}).status_code == 400
    assert twilio.post(path, {name: value for name, value in form.items() if name != "MessageSid"}).status_code == 400
    assert count(Receipt) == count(Reply) == 0


def test_huge_body_is_refused(twilio: Twilio) -> None:
    assert twilio.post(REPLIES, REPLY | {"Body": "x" * 65_536}).status_code == 413
    assert twilio.post(REPLIES, REPLY | {"Body": "x" * 60_000}).status_code == 200


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (urlencode(REPLY, encoding="gb18030").encode(), "application/x-www-form-urlencoded"),
        ("MessageSid=SM2&Body=退订".encode(), "application/x-www-form-urlencoded"),
        (b'{"MessageSid": "SM2"}', "application/json"),
        (b"", ""),
    ],
)
def test_what_is_no_utf8_form_is_refused(twilio: Twilio, body: bytes, media_type: str) -> None:
    assert twilio.post(REPLIES, REPLY, data=body, content_type=media_type).status_code == 400
    assert count(Reply) == 0


def test_only_posting_is_allowed(client: FlaskClient) -> None:
    assert client.get(RECEIPTS).status_code == 405


def test_no_cross_site_token_is_asked_of_a_provider(settings: Settings, public_url: str) -> None:
    app = make_app(settings)
    app.config["WTF_CSRF_ENABLED"] = True
    with app.app_context():
        assert Twilio(app.test_client(), public_url).post(RECEIPTS, RECEIPT).status_code == 204
        db.session.rollback()
        db.engine.dispose()
