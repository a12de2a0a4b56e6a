"""Nothing typed is lost: a page open for hours, a session that ended, a limit, a failure."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from html import escape
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import limits
from portal.accounts.models import Role
from portal.accounts.queries import list_first
from portal.accounts.service import end_sessions
from portal.db import db
from portal.organs.models import Organ
from tests.conftest import PASSWORD

LONG = "我们用了一个多小时才把这段话写完，一个字也不想再写第二遍 <b>&amp;。"
NEW = "/staff/organs/new"
FORM = {"name": "虚构市新设执法局", "slug": "newly-made", "kind": "statutory", "legal_ground": LONG}
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel("2026-11-23T10:00:00+08:00", tick=False) as now:
        yield now


@pytest.fixture
def client(app: Flask, sign_in: Callable[..., FlaskClient]) -> FlaskClient:
    """Somebody at a long form, where tokens count."""
    client = sign_in(Role.SUPERVISOR)
    app.config["WTF_CSRF_ENABLED"] = True
    return client


def token(client: FlaskClient, path: str = NEW) -> str:
    """Return the token of a page."""
    return str(client.get(path).text.split('name="csrf_token" value="')[1].split('"')[0])


def send(client: FlaskClient, data: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    return client.post(f"{NEW}?lang=en", data=data, headers=headers)


def kept(page: str) -> list[str]:
    """Return the texts that a page shows again."""
    return [str(area.text) for area in BeautifulSoup(page, "html.parser").select("textarea[readonly]")]


def again(client: FlaskClient, page: str) -> Any:
    """Press the button that sends the same again."""
    soup = BeautifulSoup(page, "html.parser")
    form = soup.select_one("section form")
    assert form is not None, "nothing to send again"
    data = {str(field["name"]): str(field["value"]) for field in form.select("input")}
    return client.post(str(form["action"]), data=data, headers=OURS)


def test_a_page_open_for_hours(client: FlaskClient, frozen: Any) -> None:
    old = token(client)
    for _ in range(3):
        frozen.shift(timedelta(hours=3))
        client.get("/staff/", buffered=True)
    answer = send(client, FORM | {"csrf_token": old})
    assert answer.status_code == 400
    assert "open for too long" in answer.text
    assert kept(answer.text) == [LONG] and escape(LONG) in answer.text and "<b>" not in answer.text
    assert again(client, answer.text).status_code == 302
    assert db.session.scalar(sa.select(Organ.legal_ground).where(Organ.slug == "newly-made")) == LONG


@pytest.mark.parametrize("signed_out", ["by time", "by an administrator"])
def test_a_session_that_ended_while_somebody_wrote(client: FlaskClient, frozen: Any, signed_out: str) -> None:
    old, staff = token(client), list_first(1)[0]
    if signed_out == "by time":
        frozen.shift(timedelta(hours=12))
    else:
        end_sessions(staff=staff)
    answer = send(client, FORM | {"csrf_token": old}, OURS)
    assert answer.status_code == (400 if signed_out == "by time" else 401)
    assert kept(answer.text) == [LONG]
    assert "Sign in in another window" in answer.text
    page = token(client, "/staff/sign-in")
    client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD, "csrf_token": page})
    # The token of the page is that of the session before; the next one is good.
    answer = again(client, answer.text)
    assert answer.status_code == 400 and kept(answer.text) == [LONG]
    assert again(client, answer.text).status_code == 302
    assert db.session.scalar(sa.select(Organ.legal_ground).where(Organ.slug == "newly-made")) == LONG


def test_whoever_sends_nothing_is_simply_sent_to_sign_in(app: Flask) -> None:
    assert app.test_client().post(NEW).status_code == 302


@pytest.mark.parametrize(
    ("headers", "shown", "offered"),
    [
        ({}, True, False),
        (OURS, True, True),
        ({"Origin": "http://localhost"}, True, True),
        ({"Origin": "null"}, True, False),
        ({"Origin": "https://evil.test"}, True, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False, False),
        ({"Sec-Fetch-Site": "same-site"}, False, False),
        ({"Sec-Fetch-Site": "none", "Origin": "http://localhost"}, True, False),
    ],
)
def test_what_other_sites_send_is_never_offered_to_be_sent_again(
    client: FlaskClient, headers: dict[str, str], shown: bool, offered: bool
) -> None:
    answer = send(client, FORM, headers)
    assert answer.status_code == 400
    assert (kept(answer.text) == [LONG]) is shown
    assert ("Send it again" in answer.text) is offered


def test_a_token_of_another_session_is_not_ours(app: Flask, client: FlaskClient) -> None:
    foreign, own = token(app.test_client(), "/staff/sign-in"), token(client)
    assert foreign != own
    assert "Send it again" not in send(client, FORM | {"csrf_token": foreign}).text
    for nonsense in ("x.y.z", "ä", "x" * 5000):
        assert send(client, FORM | {"csrf_token": nonsense}).status_code == 400


def test_passwords_are_never_shown_again(client: FlaskClient) -> None:
    data = {"email": "a@example.test", "password": "a password that is quite long indeed", "note": LONG}
    answer = client.post("/staff/sign-in", data=data, headers=OURS)
    assert answer.status_code == 400 and kept(answer.text) == [LONG]
    assert "quite long indeed" not in answer.text
    assert 'value="a@example.test"' in answer.text


def test_over_a_limit_it_is_kept_too(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config.update(RATELIMIT_ENABLED=True, WTF_CSRF_ENABLED=False)
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS | {"sign-in": limits.Limit(((0, 60),), shared=True)})
    answer = client.post("/staff/sign-in?lang=en", data={"email": "a@example.test", "password": "x"}, headers=OURS)
    assert answer.status_code == 429
    assert "Send it again" in answer.text and 'value="a@example.test"' in answer.text
    assert "0391-0000000" in answer.text


def test_a_failure_loses_nothing(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_values: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("portal.organs.service.enter_organ", fail)
    answer = send(client, FORM | {"csrf_token": token(client)})
    assert answer.status_code == 500 and kept(answer.text) == [LONG]
    monkeypatch.undo()
    assert again(client, answer.text).status_code == 302


def test_what_is_too_large_to_be_read_is_told_so(client: FlaskClient) -> None:
    answer = client.post(NEW, data={"name": "x" * 3_000_000}, content_type="multipart/form-data", headers=OURS)
    assert answer.status_code == 413 and kept(answer.text) == []
