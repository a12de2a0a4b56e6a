"""Nothing that belongs to a person reaches the log: no name, number, code or text, whatever happens."""

import logging
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from notifiers.collect import collect
from notifiers.dispatch import dispatch
from portal.accounts.models import Role
from portal.db import db
from tests.factories.complaints import Sender
from tests.factories.messages import make_contact, make_message

PHONE = "+8613900008123"
REFUSED = "+8613900000404"
NAME = "虚构张三丰"
FACTS = "他们没有出示执法证件就进店检查"


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log with nothing left out."""
    caplog.set_level(logging.DEBUG)
    return caplog


def assert_clean(log: pytest.LogCaptureFixture, *secrets: str) -> None:
    """The log holds none of these, in any spelling of a number."""
    for secret in secrets:
        for spelling in {secret, secret.removeprefix("+86"), secret.replace("-", "")}:
            assert spelling not in log.text


def test_filing_and_tracking_a_complaint(client: FlaskClient, everything: pytest.LogCaptureFixture) -> None:
    sender = Sender(client)
    sender.fill({3: {"facts": FACTS}, 4: {"how": "named", "name": NAME, "phone": PHONE}})
    number, code = sender.send()
    client.post("/complaints/track", data={"number": number, "code": "AAAA-AAAA-AAAA"})
    client.post("/complaints/track", data={"number": number, "code": code})
    assert_clean(everything, PHONE, NAME, FACTS, code)


def test_sending_and_collecting(app: Flask, everything: pytest.LogCaptureFixture) -> None:
    for phone in (PHONE, REFUSED):
        make_message(contact=make_contact(phone=phone))
    db.session.commit()
    dispatch()
    collect()
    assert_clean(everything, PHONE, REFUSED, "【孟州执法】")


def test_signing_in(
    client: FlaskClient, sign_in: Callable[..., FlaskClient], everything: pytest.LogCaptureFixture
) -> None:
    sign_in(Role.SUPERVISOR)
    client.post("/staff/sign-in", data={"email": "somebody@example.test", "password": "a secret password"})
    assert_clean(everything, "a secret password", "somebody@example.test", "correct horse battery")


def test_failing_in_the_middle_of_a_form(app: Flask, everything: pytest.LogCaptureFixture) -> None:
    def fail() -> str:
        return str(db.session.scalar(sa.text("SELECT 1 FROM nowhere WHERE phone = :phone"), {"phone": PHONE}))

    app.add_url_rule("/fail", view_func=fail)
    app.test_client().get("/fail")
    assert "incident" in everything.text
    assert_clean(everything, PHONE)
