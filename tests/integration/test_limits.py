"""Whoever guesses fast is stopped, is told when to go on, and leaves others alone."""

from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal import limits


@pytest.fixture(autouse=True)
def limits_on(app: Flask) -> Iterator[None]:
    app.config["RATELIMIT_ENABLED"] = True
    limits.forget()
    yield
    limits.forget()


def test_guessing_card_numbers_is_stopped_for_one_network(client: FlaskClient) -> None:
    # The library counts by the system's own clock, whole minutes from the first request on.
    for number in range(10):
        assert client.get(f"/officers/check?number=1600000{number:04d}").status_code == 200
    answer = client.get("/officers/check?number=16000009999&lang=en")
    assert answer.status_code == 429
    assert "Try again after" in answer.text
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert client.get("/officers/check").status_code == 200
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert client.get("/officers/check?number=16000009999", environ_overrides=elsewhere).status_code == 200


def test_there_is_room_again_later(client: FlaskClient) -> None:
    with time_machine.travel("2026-11-23T10:00:00+08:00", tick=False) as now:
        codes = {client.get("/officers/check?number=16000000001").status_code for _ in range(11)}
        assert codes == {200, 429}
        now.shift(61)
        assert client.get("/officers/check?number=16000000001").status_code == 200


def test_reading_the_sign_in_page_is_not_counted(client: FlaskClient) -> None:
    assert {client.get("/staff/sign-in").status_code for _ in range(35)} == {200}
    tries = [client.post("/staff/sign-in", data={"email": "a@example.test", "password": "x"}) for _ in range(31)]
    assert [answer.status_code for answer in tries[:30]] == [422] * 30
    assert tries[30].status_code == 429


def test_revisit_links_cannot_be_guessed_fast(client: FlaskClient) -> None:
    codes = [client.get(f"/r/AAAAAAAA{number:04d}").status_code for number in range(61)]
    assert codes == [404] * 60 + [429]
