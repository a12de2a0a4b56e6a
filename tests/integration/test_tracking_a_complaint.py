"""Number and query code open a case; guessing does not."""

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal.complaints import rules, service
from portal.complaints.models import Complaint, ComplaintTry
from portal.db import db
from tests.factories.complaints import code_of, errors, make_complaint

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def case(app: Flask) -> dict[str, str]:
    """Number and code of a case."""
    complaint = make_complaint()
    db.session.commit()
    return {"number": complaint.number, "code": code_of(complaint)}


def test_wrong_code_and_unknown_number_get_the_same_answer(client: FlaskClient, case: dict[str, str]) -> None:
    wrong = client.post("/complaints/track", data=case | {"code": "K7MQ-2XDT-9H4W"})
    unknown = client.post("/complaints/track", data=case | {"number": "TS199901010001"})
    nonsense = client.post("/complaints/track", data={"number": "不是编号", "code": "' OR 1=1 --"})
    assert wrong.status_code == unknown.status_code == nonsense.status_code == 422
    assert errors(wrong.text) == errors(unknown.text) == errors(nonsense.text) != ""
    assert client.get("/complaints/case").location == "/complaints/track"


@pytest.mark.parametrize("stored", ["-", "", "hmac"])
def test_a_case_without_a_code_opens_for_nobody(client: FlaskClient, case: dict[str, str], stored: str) -> None:
    complaint = db.session.query(Complaint).one()
    complaint.code_hash = stored
    db.session.commit()
    for code in (case["code"], "-", "AAAAAAAAAAAA"):
        assert client.post("/complaints/track", data=case | {"code": code}).status_code == 422


@pytest.mark.parametrize("exists", [True, False])
def test_five_wrong_tries_lock_known_and_unknown_numbers_alike(
    client: FlaskClient, case: dict[str, str], exists: bool
) -> None:
    data = case if exists else case | {"number": "TS199901010001"}
    with time_machine.travel(NOON, tick=False) as moving:
        for _ in range(5):
            assert client.post("/complaints/track", data=data | {"code": "K7MQ2XDT9H4W"}).status_code == 422
        locked = client.post("/complaints/track", data=data)
        assert locked.status_code == 429
        assert "12:15" in errors(locked.text)
        moving.shift(15 * 60 + 1)
        assert client.post("/complaints/track", data=data).status_code == (302 if exists else 422)


def test_what_is_no_number_locks_nobody_out(client: FlaskClient, case: dict[str, str]) -> None:
    for _ in range(6):
        answer = client.post("/complaints/track", data=case | {"number": "TS2026"})
        assert answer.status_code == 422
    assert db.session.query(ComplaintTry).count() == 0
    wrong = client.post("/complaints/track", data=case | {"code": "K7MQ2XDT9H4W"})
    assert errors(wrong.text) == errors(answer.text)


def test_a_right_try_forgets_the_wrong_ones(client: FlaskClient, case: dict[str, str]) -> None:
    for _ in range(2):
        for _ in range(4):
            client.post("/complaints/track", data=case | {"code": "K7MQ2XDT9H4W"})
        assert client.post("/complaints/track", data=case).status_code == 302
    assert db.session.query(ComplaintTry).count() == 0


def test_the_fifth_try_may_be_right(client: FlaskClient, case: dict[str, str]) -> None:
    for _ in range(4):
        client.post("/complaints/track", data=case | {"code": "K7MQ2XDT9H4W"})
    assert client.post("/complaints/track", data=case).status_code == 302


def test_tries_are_forgotten_after_a_day(client: FlaskClient, case: dict[str, str]) -> None:
    with time_machine.travel(NOON, tick=False) as moving:
        client.post("/complaints/track", data={"number": "TS199901010001", "code": "K7MQ2XDT9H4W"})
        moving.shift(24 * 3600 + 1)
        client.post("/complaints/track", data=case | {"code": "K7MQ2XDT9H4W"})
    assert [row.number for row in db.session.query(ComplaintTry)] == [case["number"]]


def test_case_closes_after_half_an_hour_and_keeps_what_was_typed(client: FlaskClient, case: dict[str, str]) -> None:
    with time_machine.travel(NOON, tick=False) as moving:
        client.post("/complaints/track", data=case)
        moving.shift(29 * 60)
        assert client.get("/complaints/case").status_code == 200
        moving.shift(31 * 60)
        assert client.get("/complaints/case").status_code == 302
        late = client.post("/complaints/case/supplement", data={"text": "写了很久的补充"})
    assert late.status_code == 403
    assert "写了很久的补充" in late.text


def test_empty_fields_are_named(client: FlaskClient) -> None:
    answer = client.post("/complaints/track", data={})
    assert answer.status_code == 422
    assert "TS202611220001" in errors(answer.text)


def test_numbers_of_a_day_are_given_once(app: Flask) -> None:
    with time_machine.travel(NOON, tick=False):
        day = NOON.date()
        numbers = [service.take_number(day) for _ in range(3)]
    assert numbers == [rules.format_number(day, count) for count in (1, 2, 3)]
