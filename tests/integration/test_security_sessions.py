"""Sessions: their cookies, their end, and where sign-in leads."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.accounts.queries import list_first
from portal.db import db
from tests.conftest import PASSWORD, make_app, make_settings
from tests.factories.accounts import make_staff


def enter(client: FlaskClient, **query: str) -> str:
    """Sign in with a fresh account and return where that leads."""
    staff = make_staff(role=Role.SUPERVISOR)
    answer = client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD}, query_string=query)
    assert answer.status_code == 302
    return str(answer.location)


def session_cookie(client: FlaskClient) -> str:
    """Return the session cookie's header of the sign-in page."""
    answer = client.get("/staff/sign-in")
    return next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("portal_session="))


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    header = session_cookie(app.test_client())
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Secure" not in header


def test_cookie_is_secure_where_the_portal_is(tmp_path: Path, database_url: str) -> None:
    app = make_app(make_settings(tmp_path, database_url, public_url="https://portal.test"))
    app.config["WTF_CSRF_ENABLED"] = True
    with app.app_context():
        assert "Secure" in session_cookie(app.test_client())
        assert app.test_client().get("/").headers["Strict-Transport-Security"].startswith("max-age=")
        db.engine.dispose()


def test_signing_in_starts_a_session_of_its_own(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["planted"] = "before"
    enter(client)
    with client.session_transaction() as session:
        assert "planted" not in session


def test_signing_out_ends_the_session_on_this_side_too(app: Flask, sign_in: Callable[..., FlaskClient]) -> None:
    client = sign_in(Role.SUPERVISOR)
    stolen = client.get_cookie("portal_session")
    assert stolen is not None
    assert client.get("/staff/").status_code == 200
    client.post("/staff/sign-out")
    assert client.get("/staff/").status_code == 302
    thief = app.test_client()
    thief.set_cookie("portal_session", stolen.value)
    assert thief.get("/staff/").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test/staff/",
        "/\\evil.test",
        "/staff/\\evil.test",
        "javascript:alert(1)",
        "/decisions",
    ],
)
def test_sign_in_never_leads_to_another_host(client: FlaskClient, target: str) -> None:
    assert enter(client, next=target) == "/staff/"


def test_sign_in_leads_back_to_where_one_was(client: FlaskClient) -> None:
    assert enter(client, next="/staff/complaints/?view=late") == "/staff/complaints/?view=late"


def test_unknown_address_and_wrong_password_read_the_same(client: FlaskClient) -> None:
    staff = make_staff()
    wrong = client.post("/staff/sign-in?lang=en", data={"email": staff.email, "password": "wrong"})
    unknown = client.post("/staff/sign-in?lang=en", data={"email": "nobody@example.test", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 422
    # The token holds the second in which it was made, which may have turned in between.
    token = re.compile(r'(name="csrf_token" value=")[^"]+')
    texts = [token.sub(r"\1", answer.text) for answer in (wrong, unknown)]
    assert texts[0].replace(staff.email, "") == texts[1].replace("nobody@example.test", "")


def test_a_switched_off_account_is_out_at_once(sign_in: Callable[..., FlaskClient], app: Flask) -> None:
    client = sign_in(Role.SUPERVISOR)
    list_first(1)[0].active = False
    db.session.commit()
    assert client.get("/staff/").status_code == 302
