"""Where staff are signed in: seen by them alone, ended one by one or all at once, and by every change of an account."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role, Staff, StaffSession
from portal.db import Model, db
from tests.conftest import PASSWORD
from tests.counting import counted_queries
from tests.factories.accounts import make_staff
from tests.factories.organs import make_organ

AGENT = "Testbrowser/7.3 (Invented)"


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel("2026-11-23T10:00:00+08:00", tick=False) as now:
        yield now


@pytest.fixture
def staff(app: Flask) -> Staff:
    return make_staff(role=Role.SUPERVISOR)


def enter(app: Flask, staff: Staff) -> FlaskClient:
    """Sign somebody in from somewhere."""
    client = app.test_client()
    client.environ_base |= {"REMOTE_ADDR": "198.51.100.77", "HTTP_USER_AGENT": AGENT}
    answer = client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
    assert answer.location == "/staff/"
    return client


def is_in(*clients: FlaskClient) -> list[bool]:
    return [client.get("/staff/", buffered=True).status_code == 200 for client in clients]


def test_the_page_shows_every_place_and_ends_one(app: Flask, staff: Staff, frozen: Any) -> None:
    first = enter(app, staff)
    frozen.shift(timedelta(hours=1))
    second = enter(app, staff)
    page = first.get("/staff/account?lang=en").text
    assert "2 places" in page and "2026-11-23 10:00" in page and "2026-11-23 11:00" in page
    ends = re.findall(r'action="(/staff/account/sessions/\d+/end)"', page)
    assert len(ends) == 1
    assert first.post(ends[0]).status_code == 302
    assert is_in(first, second) == [True, False]


def test_end_all_others(app: Flask, staff: Staff) -> None:
    clients = [enter(app, staff) for _ in range(3)]
    clients[1].post("/staff/account/sessions/end-others")
    assert is_in(*clients) == [False, True, False]


def test_nobody_ends_the_place_of_somebody_else(app: Flask, staff: Staff) -> None:
    mine, theirs = enter(app, staff), enter(app, make_staff(role=Role.ADMIN))
    number = db.session.scalar(sa.select(StaffSession.id).where(StaffSession.staff_id == staff.id))
    theirs.post(f"/staff/account/sessions/{number}/end")
    assert is_in(mine) == [True]


def test_signing_out_ends_this_place_alone(app: Flask, staff: Staff) -> None:
    first, second = enter(app, staff), enter(app, staff)
    kept = first.get_cookie("portal_session")
    assert kept is not None
    first.post("/staff/sign-out")
    first.set_cookie("portal_session", kept.value)
    assert is_in(first, second) == [False, True]


@pytest.mark.parametrize("change", ["password_hash", "role", "organ_id", "active"])
def test_a_changed_account_is_out_at_once(app: Flask, staff: Staff, change: str) -> None:
    values = {"password_hash": "x", "role": Role.ADMIN, "organ_id": make_organ().id, "active": False}
    client = enter(app, staff)
    assert is_in(client) == [True]
    setattr(staff, change, values[change])
    assert is_in(client) == [False]


def test_what_changes_nothing_ends_nothing(app: Flask, staff: Staff) -> None:
    client = enter(app, staff)
    staff.name = "王虚构"
    assert is_in(client) == [True]


def test_changing_the_password_keeps_this_place_only(app: Flask, staff: Staff) -> None:
    here, there = enter(app, staff), enter(app, staff)
    change = "/staff/account/password?lang=en"
    wrong = here.post(change, data={"current": "wrong", "password": "another long password"})
    assert wrong.status_code == 422 and "The present password is wrong" in wrong.text
    assert here.post(change, data={"current": PASSWORD, "password": "short"}).status_code == 422
    assert is_in(there) == [True]
    assert here.post(change, data={"current": PASSWORD, "password": "another long password"}).status_code == 302
    assert is_in(here, there) == [True, False]
    assert there.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD}).status_code == 422


def test_guessing_the_present_password_is_locked_too(app: Flask, staff: Staff) -> None:
    client = enter(app, staff)
    data = {"current": "wrong", "password": "another long password"}
    for _ in range(5):
        client.post("/staff/account/password", data=data)
    answer = client.post("/staff/account/password?lang=en", data=data | {"current": PASSWORD})
    assert answer.status_code == 422 and "Too many wrong tries." in answer.text


def test_an_administrator_ends_somebodys_sessions(
    app: Flask, staff: Staff, sign_in: Callable[..., FlaskClient]
) -> None:
    client = enter(app, staff)
    end = f"/staff/accounts/{staff.id}/end-sessions"
    assert sign_in(Role.SUPERVISOR).post(end).status_code == 403
    admin = sign_in(Role.ADMIN)
    assert staff.email in admin.get("/staff/accounts").text
    assert admin.post(end).status_code == 302
    assert is_in(client, admin) == [False, True]
    assert admin.post("/staff/accounts/99999/end-sessions").status_code == 404


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["password", "--generate"], "signed out everywhere"),
        (["role", "--role", "admin"], "signed out everywhere"),
        (["switch", "off"], "switched off"),
        (["end-sessions"], "signed out everywhere"),
    ],
)
def test_from_the_shell(app: Flask, staff: Staff, words: list[str], left: str) -> None:
    client = enter(app, staff)
    done = app.test_cli_runner().invoke(args=["staff", words[0], staff.email, *words[1:]])
    assert done.exit_code == 0 and left in done.output, done.output
    assert is_in(client) == [False]


def test_a_place_ends_by_itself(app: Flask, staff: Staff, frozen: Any) -> None:
    client = enter(app, staff)
    for _ in range(20):
        frozen.shift(timedelta(hours=8))
        assert is_in(client) == [True]
    frozen.shift(timedelta(hours=8))
    assert is_in(client) == [False]
    client = enter(app, staff)
    frozen.shift(timedelta(hours=8, minutes=15))
    assert is_in(client) == [False]


def test_use_is_noted_every_quarter_of_an_hour(app: Flask, staff: Staff, frozen: Any) -> None:
    client = enter(app, staff)
    noted = []
    for _ in range(5):
        frozen.shift(timedelta(minutes=7))
        client.get("/staff/account", buffered=True)
        noted.append(db.session.scalars(sa.select(StaffSession.used_at)).one())
    minutes = [(moment - noted[0]) // timedelta(minutes=1) for moment in noted]
    assert minutes == [0, 0, 21, 21, 21]


def test_knowing_who_asks_takes_one_query(app: Flask, staff: Staff) -> None:
    client = enter(app, staff)
    with counted_queries() as statements:
        client.get("/staff/nothing-here")
    assert len([text for text in statements if "staff_session" in text]) == 1
    assert not [text for text in statements if "FROM staff " in text and "staff_session" not in text]


def test_neither_address_nor_browser_is_kept(app: Flask, staff: Staff, caplog: pytest.LogCaptureFixture) -> None:
    client = enter(app, staff)
    client.get("/staff/account")
    with client.session_transaction() as session:
        token = session["_user_id"]
        assert not session.get("_id")
    values = [
        str(value)
        for table in Model.metadata.tables.values()
        for row in db.session.execute(sa.select(table))
        for value in row
    ]
    held = "\n".join(values) + caplog.text
    for secret in ("198.51.100", AGENT, token):
        assert secret not in held
