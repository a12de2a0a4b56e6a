"""Whoever guesses fast is stopped, is told when to go on, and leaves others alone; and no address is kept for it."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from notifiers.tidy import tidy
from portal import clock, limits, vault
from portal.db import Model, db
from portal.errors import TooMany
from portal.limits import HOUR, MINUTE, Limit, NetworkCount, NetworkKey, network
from portal.settings import Settings
from tests.conftest import make_app, make_settings
from tests.factories.complaints import Sender

ADDRESS = "198.51.100.77"
FROM = {"REMOTE_ADDR": ADDRESS}
NEIGHBOUR = {"REMOTE_ADDR": "198.51.100.3"}
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}
MORNING = "2026-11-23T10:00:05+08:00"


@pytest.fixture(autouse=True)
def frozen(app: Flask) -> Iterator[Any]:
    """A morning, with the limits on and nothing counted yet."""
    app.config["RATELIMIT_ENABLED"] = True
    limits.forget()
    with time_machine.travel(MORNING, tick=False) as now:
        yield now
    limits.forget()


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test reaches."""
    table = {"officer": Limit(((3, MINUTE), (5, HOUR)))}
    table |= {name: Limit(((3, HOUR),), shared=True) for name in ("complaint", "track", "sign-in", "link")}
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS | table)


def check(client: FlaskClient, come: dict[str, str] = FROM, **more: Any) -> Any:
    """Ask for a card from somewhere."""
    return client.get("/officers/check?number=16000000001&lang=en", environ_overrides=come, **more)


def sign_in(client: FlaskClient, come: dict[str, str] = FROM) -> int:
    """Try a password from somewhere and return the status of the answer."""
    data = {"email": "nobody@example.test", "password": "x"}
    return client.post("/staff/sign-in", data=data, environ_overrides=come).status_code


def test_guessing_is_stopped_for_one_network(client: FlaskClient, narrow: None) -> None:
    assert [check(client).status_code for _ in range(3)] == [200] * 3
    for come in (FROM, NEIGHBOUR):
        answer = check(client, come)
        assert answer.status_code == 429
        assert "Try again after 2026-11-23 10:01, or call 0391-0000000." in answer.text
        assert answer.headers["Retry-After"] == "55"
    assert client.get("/officers/check", environ_overrides=FROM).status_code == 200
    assert check(client, ELSEWHERE).status_code == 200


def test_there_is_room_again_when_every_window_allows(client: FlaskClient, narrow: None, frozen: Any) -> None:
    codes = []
    for _ in range(3):
        codes.append([check(client).status_code for _ in range(4)])
        frozen.shift(60)
    # What is refused in the minute is not counted in the hour.
    assert codes == [[200, 200, 200, 429], [200, 200, 429, 429], [429] * 4]
    frozen.shift(3600)
    assert check(client).status_code == 200


def test_a_flood_from_everywhere_takes_no_more_memory(
    client: FlaskClient, narrow: None, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", 20)
    for number in range(200):
        assert check(client, {"REMOTE_ADDR": f"10.0.{number}.1"}).status_code == 200
        assert len(limits._memory._counts) <= 22


@pytest.mark.parametrize(("name", "seconds"), [("complaint", HOUR), ("track", 900), ("sign-in", 60)])
def test_a_school_has_room(app: Flask, name: str, seconds: int) -> None:
    with app.test_request_context(environ_overrides=FROM):
        for _ in range(60):
            limits.count(name)
        for _ in range(100):
            try:
                limits.count(name)
            except TooMany as refusal:
                assert refusal.details["retry_at"] - clock.now() <= timedelta(seconds=seconds)
                break
        else:
            pytest.fail("no limit at all")


def test_all_processes_count_together(client: FlaskClient, settings: Settings, narrow: None) -> None:
    other = make_app(settings)
    other.config["RATELIMIT_ENABLED"] = True
    with other.app_context():
        there = other.test_client()
        codes = [sign_in(client), sign_in(there), sign_in(client), sign_in(there), sign_in(client)]
        db.engine.dispose()
    assert codes == [422, 422, 422, 429, 429]
    assert sign_in(client, ELSEWHERE) == 422


def test_reading_the_sign_in_page_is_not_counted(client: FlaskClient, narrow: None) -> None:
    assert {client.get("/staff/sign-in", environ_overrides=FROM).status_code for _ in range(9)} == {200}
    assert sign_in(client) == 422


def test_what_is_refused_for_its_form_counts_all_the_same(client: FlaskClient, narrow: None) -> None:
    codes = [client.post("/staff/sign-in", data={}, environ_overrides=FROM).status_code for _ in range(4)]
    assert codes == [422, 422, 422, 429]


def test_one_time_links_cannot_be_guessed_fast(client: FlaskClient, narrow: None) -> None:
    for method in ("GET", "POST"):
        codes = [client.open(f"/r/AAAA{number:04d}", method=method).status_code for number in range(4)]
        assert codes == [404] * 3 + [429]


def test_only_a_trusted_proxy_says_who_asks(client: FlaskClient, settings: Settings, narrow: None) -> None:
    named = [{"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.{number}"} for number in range(4)]
    assert [check(client, headers=header).status_code for header in named] == [200] * 3 + [429]
    behind = make_app(make_settings(settings.data_dir, settings.database_url, trusted_proxies=1))
    behind.config["RATELIMIT_ENABLED"] = True
    limits.forget()
    with behind.app_context():
        apart = [{"X-Forwarded-For": f"203.0.113.9, 192.0.{number}.1"} for number in range(4)]
        assert [check(behind.test_client(), headers=header).status_code for header in apart] == [200] * 4
        db.engine.dispose()


def test_counts_vanish_when_their_window_ends(client: FlaskClient, narrow: None, frozen: Any) -> None:
    sign_in(client)
    sign_in(client, ELSEWHERE)
    assert db.session.query(NetworkCount).count() == 2
    frozen.shift(3600)
    tidy()
    assert db.session.query(NetworkCount).count() == 0
    sign_in(client)
    frozen.shift(3600)
    sign_in(client, ELSEWHERE)
    assert db.session.query(NetworkCount).count() == 1


def test_the_next_day_overwrites_the_key(client: FlaskClient, narrow: None, frozen: Any) -> None:
    sign_in(client)
    before = db.session.query(NetworkKey).one().sealed
    sign_in(client)
    assert db.session.query(NetworkKey).one().sealed == before
    frozen.shift(timedelta(days=1))
    sign_in(client)
    assert db.session.query(NetworkKey).one().sealed != before
    frozen.shift(timedelta(days=1))
    tidy()
    assert db.session.query(NetworkKey).count() == 0


def test_a_key_that_does_not_open_is_made_anew(client: FlaskClient, narrow: None) -> None:
    sign_in(client)
    db.session.execute(sa.update(NetworkKey).values(sealed=b"\x01\x09" + b"x" * 60))
    client.application.extensions.pop("network_key", None)
    assert sign_in(client) == 422
    assert sign_in(client) == 422
    assert db.session.query(NetworkCount).count() == 3 - 1


def stored() -> list[object]:
    """Return every value of every table."""
    tables = Model.metadata.tables.values()
    return [value for table in tables for row in db.session.execute(sa.select(table)) for value in row]


def could_be_from(address: str) -> bool:
    """Whether what is stored, with the vault at hand, tells that somebody from an address's network was here."""
    values = stored()
    keys = []
    for day, sealed in db.session.execute(sa.select(NetworkKey.day, NetworkKey.sealed)):
        keys.append(vault.open_data_key(sealed, f"network_key:{day}"))
    found = {value for value in values if isinstance(value, bytes)}
    starts = [limits.window(clock.now() - timedelta(hours=back), HOUR)[0] for back in range(72)]
    guesses = [f"{name}:{HOUR}:{start:%Y%m%d%H%M}:{network(address)}" for name in limits.LIMITS for start in starts]
    return any(limits.digest(key, guess) in found for key in keys for guess in guesses)


def test_nothing_kept_leads_back_to_an_address(
    client: FlaskClient, settings: Settings, narrow: None, frozen: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.environ_base |= FROM
    sender = Sender(client)
    sender.fill()
    sender.send()
    assert [sign_in(client) for _ in range(4)] == [422, 422, 422, 429]
    assert {check(client).status_code for _ in range(4)} == {200, 429}
    assert could_be_from(ADDRESS) and not could_be_from(ELSEWHERE["REMOTE_ADDR"])
    db.session.commit()
    files = [path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()]
    held = "\n".join([*map(str, stored()), caplog.text, *(body.decode("latin-1") for body in files)])
    for spelling in (ADDRESS, "198.51.100", "198-51-100", "c63364", bytes([198, 51, 100]).decode("latin-1")):
        assert spelling not in held
    frozen.shift(timedelta(days=1))
    sign_in(client, ELSEWHERE)
    tidy()
    assert could_be_from(ELSEWHERE["REMOTE_ADDR"]) and not could_be_from(ADDRESS)
