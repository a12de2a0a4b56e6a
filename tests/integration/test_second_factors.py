"""Staff give a one-time code besides the password: once each, five tries, and paper for the day the phone is lost."""

import base64
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import RecoveryCode, Role, SecondFactor, Staff
from portal.audit.models import AuditEntry
from portal.db import Model, db
from portal.second_factors import rules
from portal.settings import Settings
from tests.conftest import PASSWORD, make_app, make_settings
from tests.factories.accounts import make_staff

SET_UP, MANAGE = "/staff/account/second-factor", "/staff/account/second-factor/manage"


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel("2026-11-23T10:00:00+08:00", tick=False) as now:
        yield now


def give_password(client: FlaskClient, staff: Staff, **query: str) -> Any:
    return client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD}, query_string=query)


def code_of(secret: bytes, *, back: int = 0) -> str:
    """Return the code that a phone shows now, or some time ago."""
    return rules.code_at(secret, rules.step_at(clock.now() - timedelta(seconds=back)))


def set_up(client: FlaskClient) -> tuple[bytes, list[str]]:
    """Set a second factor up where somebody is signed in; return its secret and the recovery codes."""
    page = client.get(SET_UP).text
    spelled = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    offer = re.search(r'name="offer"[^>]*value="([^"]+)"', page)
    assert spelled and offer
    secret = base64.b32decode(spelled.group(1).replace(" ", ""))
    answer = client.post(SET_UP, data={"offer": offer.group(1), "code": code_of(secret)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    codes = re.findall(r'<li><span class="code">([A-Z2-9 ]+)</span>', answer.text)
    assert len(set(codes)) == 10
    return secret, codes


@pytest.fixture
def person(app: Flask, client: FlaskClient, frozen: Any) -> tuple[Staff, bytes, list[str]]:
    """Somebody with a second factor, half a minute after setting it up, and signed in nowhere."""
    staff = make_staff(role=Role.SUPERVISOR)
    give_password(client, staff)
    secret, codes = set_up(client)
    client.post("/staff/sign-out")
    frozen.shift(30)
    return staff, secret, codes


Person = tuple[Staff, bytes, list[str]]


def test_password_alone_opens_nothing(client: FlaskClient, person: Person) -> None:
    staff, secret, _codes = person
    answer = give_password(client, staff, next="/staff/complaints/?view=late")
    assert answer.location.startswith("/staff/sign-in/code?next=")
    assert client.get("/staff/").location.startswith("/staff/sign-in")
    assert client.get(SET_UP).location.startswith("/staff/sign-in")
    answer = client.post(answer.location, data={"code": code_of(secret)})
    assert answer.location == "/staff/complaints/?view=late"
    assert client.get("/staff/").status_code == 200


def test_a_code_opens_once_and_none_before_it(app: Flask, person: Person, frozen: Any) -> None:
    staff, secret, _codes = person
    codes = []
    for back in (0, 0, 30):
        client = app.test_client()
        give_password(client, staff)
        codes.append(client.post("/staff/sign-in/code", data={"code": code_of(secret, back=back)}).status_code)
    assert codes == [302, 422, 422]
    frozen.shift(30)
    assert client.post("/staff/sign-in/code", data={"code": code_of(secret)}).status_code == 302


def test_the_code_that_set_it_up_signs_nobody_in(client: FlaskClient, frozen: Any) -> None:
    staff = make_staff(role=Role.SUPERVISOR)
    give_password(client, staff)
    secret, _codes = set_up(client)
    client.post("/staff/sign-out")
    give_password(client, staff)
    assert client.post("/staff/sign-in/code", data={"code": code_of(secret)}).status_code == 422


def test_five_wrong_codes_lock_whatever_comes_next(client: FlaskClient, person: Person, frozen: Any) -> None:
    staff, secret, codes = person
    wrong = f"{(int(code_of(secret)) + 1) % 10**6:06d}"
    for _ in range(4):
        # The right password in between gives no new tries.
        give_password(client, staff)
        assert client.post("/staff/sign-in/code", data={"code": wrong}).status_code == 422
    assert client.post("/staff/sign-in/recovery", data={"code": "AAAA-AAAA-AAAA"}).status_code == 422
    for page, code in (("code", code_of(secret)), ("recovery", codes[0])):
        answer = client.post(f"/staff/sign-in/{page}?lang=en", data={"code": code})
        assert answer.status_code == 429
        assert "Try again at 2026-11-23 10:15" in answer.text
    frozen.shift(timedelta(minutes=15))
    give_password(client, staff)
    assert client.post("/staff/sign-in/code", data={"code": code_of(secret)}).status_code == 302


def test_a_recovery_code_opens_once(app: Flask, person: Person) -> None:
    staff, _secret, codes = person
    statuses = []
    for typed in (codes[3].lower().replace(" ", "-"), codes[3], codes[4]):
        client = app.test_client()
        give_password(client, staff)
        statuses.append(client.post("/staff/sign-in/recovery", data={"code": typed}).status_code)
    assert statuses == [302, 422, 302]
    assert "8" in client.get(f"{MANAGE}?lang=en").text.split("recovery codes left")[0][-3:]


def test_a_recovery_code_is_nobody_elses(app: Flask, person: Person) -> None:
    other = make_staff(role=Role.SUPERVISOR)
    client = app.test_client()
    give_password(client, other)
    set_up(client)
    client.post("/staff/sign-out")
    give_password(client, other)
    assert client.post("/staff/sign-in/recovery", data={"code": person[2][0]}).status_code == 422


def test_waiting_for_the_code_ends(client: FlaskClient, person: Person, frozen: Any) -> None:
    staff, secret, _codes = person
    give_password(client, staff)
    frozen.shift(timedelta(minutes=10))
    answer = client.post("/staff/sign-in/code", data={"code": code_of(secret)})
    assert answer.location.endswith("/staff/sign-in")
    give_password(client, staff)
    staff.active = False
    db.session.commit()
    assert client.post("/staff/sign-in/code", data={"code": code_of(secret)}).location.endswith("/staff/sign-in")


def test_without_a_password_there_is_no_page_for_a_code(client: FlaskClient) -> None:
    for page in ("code", "recovery"):
        assert client.get(f"/staff/sign-in/{page}").location.endswith("/staff/sign-in")
        assert client.post(f"/staff/sign-in/{page}", data={"code": "123456"}).location.endswith("/staff/sign-in")


def test_a_wrong_first_code_sets_nothing_up_and_keeps_the_picture(client: FlaskClient) -> None:
    staff = make_staff(role=Role.SUPERVISOR)
    give_password(client, staff)
    page = client.get(SET_UP).text
    offer = page.split('name="offer"')[1].split('value="')[1].split('"')[0]
    answer = client.post(SET_UP, data={"offer": offer, "code": "000000"})
    assert answer.status_code == 422
    assert page.split('id="secret">')[1][:39] == answer.text.split('id="secret">')[1][:39]
    assert db.session.query(SecondFactor).count() == 0


def test_a_secret_made_for_somebody_else_is_not_taken(app: Flask, client: FlaskClient) -> None:
    attacker, victim = make_staff(), make_staff()
    there = app.test_client()
    for browser, staff in ((there, attacker), (client, victim)):
        give_password(browser, staff)
    page = there.get(SET_UP).text
    secret = base64.b32decode(page.split('id="secret">')[1][:39].replace(" ", ""))
    offer = page.split('name="offer"')[1].split('value="')[1].split('"')[0]
    for sent in (offer, "nonsense", "", "\u00e4"):
        assert client.post(SET_UP, data={"offer": sent, "code": code_of(secret)}).status_code == 422
    assert db.session.query(SecondFactor).count() == 0


def test_switching_off_takes_password_and_code(client: FlaskClient, person: Person, frozen: Any) -> None:
    staff, secret, _codes = person
    give_password(client, staff)
    client.post("/staff/sign-in/code", data={"code": code_of(secret)})
    frozen.shift(30)
    off = "/staff/account/second-factor/off"
    assert client.post(off, data={"password": "wrong", "code": code_of(secret)}).status_code == 422
    assert client.post(off, data={"password": PASSWORD, "code": "000000"}).status_code == 422
    assert client.post(off, data={"password": PASSWORD, "code": ""}).status_code == 422
    assert db.session.query(SecondFactor).count() == 1
    # The wrong password has used no code up.
    answer = client.post(off, data={"password": PASSWORD, "code": code_of(secret)})
    assert answer.location == "/staff/account"
    assert client.get("/staff/").status_code == 200
    assert db.session.query(SecondFactor).count() == db.session.query(RecoveryCode).count() == 0


def test_new_recovery_codes_take_the_place_of_the_old(client: FlaskClient, person: Person) -> None:
    staff, secret, codes = person
    give_password(client, staff)
    client.post("/staff/sign-in/code", data={"code": code_of(secret)})
    data = {"password": PASSWORD, "code": codes[0]}
    answer = client.post("/staff/account/second-factor/codes", data=data)
    fresh = re.findall(r'<li><span class="code">([A-Z2-9 ]+)</span>', answer.text)
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    client.post("/staff/sign-out")
    give_password(client, staff)
    assert client.post("/staff/sign-in/recovery", data={"code": codes[1]}).status_code == 422
    assert client.post("/staff/sign-in/recovery", data={"code": fresh[1]}).status_code == 302


@pytest.fixture
def demanding(settings: Settings) -> Iterator[Flask]:
    """An application that lets nobody in without a second factor."""
    app = make_app(make_settings(settings.data_dir, settings.database_url, second_factor="required"))
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()


def test_where_it_is_required_nothing_else_opens_before(demanding: Flask) -> None:
    client, staff = demanding.test_client(), make_staff(role=Role.ADMIN)
    give_password(client, staff)
    values = {"staff.second_factors.set_up", "staff.accounts.sign_out", "staff.accounts.sign_in"}
    values |= {"staff.second_factors.check", "staff.second_factors.recover"}
    shut = 0
    for rule in demanding.url_map.iter_rules():
        if not rule.endpoint.startswith("staff.") or rule.endpoint in values:
            continue
        with demanding.test_request_context():
            address = rule.build(dict.fromkeys(rule.arguments, 1))[1]  # type: ignore[index]
        for method in (rule.methods or set()) & {"GET", "POST"}:
            assert client.open(address, method=method).location == SET_UP, f"{method} {address}"
            shut += 1
    assert shut > 100
    page = client.get(f"{SET_UP}?lang=en").text
    assert "Before you go on" in page and "Main menu" not in page
    set_up(client)
    assert client.get("/staff/").status_code == 200
    assert "Main menu" in client.get("/staff/?lang=en").text


def test_setting_it_up_ends_every_other_place(app: Flask, client: FlaskClient) -> None:
    staff = make_staff(role=Role.SUPERVISOR)
    other = app.test_client()
    for browser in (client, other):
        give_password(browser, staff)
    set_up(client)
    assert client.get("/staff/").status_code == 200
    assert other.get("/staff/").status_code == 302


def test_an_administrator_takes_a_lost_one_away(
    client: FlaskClient, person: Person, sign_in: Callable[..., FlaskClient]
) -> None:
    staff, secret, _codes = person
    give_password(client, staff)
    client.post("/staff/sign-in/code", data={"code": code_of(secret)})
    assert sign_in(Role.SUPERVISOR).post(f"/staff/accounts/{staff.id}/reset-second-factor").status_code == 403
    admin = sign_in(Role.ADMIN)
    assert admin.post(f"/staff/accounts/{staff.id}/reset-second-factor").status_code == 302
    assert client.get("/staff/").status_code == 302
    assert give_password(client, staff).location == "/staff/"
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "staff.second_factor_reset")).one()
    assert entry.subject == f"staff:{staff.id}" and entry.staff_id not in (None, staff.id)


def test_administrators_cannot_take_their_own_away_like_that(client: FlaskClient) -> None:
    staff = make_staff(role=Role.ADMIN)
    give_password(client, staff)
    set_up(client)
    assert client.post(f"/staff/accounts/{staff.id}/reset-second-factor").status_code == 400
    assert db.session.query(SecondFactor).count() == 1


def test_reset_from_the_shell(app: Flask, client: FlaskClient, person: Person) -> None:
    staff = person[0]
    db.session.commit()
    done = app.test_cli_runner().invoke(args=["staff", "reset-second-factor", staff.email])
    assert done.exit_code == 0, done.output
    assert give_password(client, staff).location == "/staff/"
    unknown = app.test_cli_runner().invoke(args=["staff", "reset-second-factor", "nobody@example.test"])
    assert (unknown.exit_code, unknown.output.strip()) == (1, "No account has the address nobody@example.test.")
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert actions.count("staff.second_factor_reset") == 1


def test_no_secret_and_no_code_is_kept_or_logged(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture, frozen: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    staff = make_staff(role=Role.SUPERVISOR)
    give_password(client, staff)
    secret, codes = set_up(client)
    frozen.shift(30)
    used = code_of(secret)
    for typed in ("000000", used):
        client.post("/staff/sign-out")
        give_password(client, staff)
        client.post("/staff/sign-in/code", data={"code": typed})
    client.post("/staff/sign-out")
    give_password(client, staff)
    client.post("/staff/sign-in/recovery", data={"code": codes[0]})
    tables = Model.metadata.tables.values()
    values = [value for table in tables for row in db.session.execute(sa.select(table)) for value in row]
    held = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)
    held += caplog.text.encode()
    plain = [code.replace(" ", "") for code in codes]
    for hidden in (secret, rules.spell(secret).encode(), *(code.encode() for code in (*codes, *plain))):
        assert hidden not in held
    audited = str([(entry.action, entry.subject, entry.details) for entry in db.session.query(AuditEntry)])
    assert used not in audited + caplog.text
    assert "staff.recovery_code_used" in audited
