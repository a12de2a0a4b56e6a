"""The case page says openly where a case stands, who has it, which rule runs, and what its sender can do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.case_clocks.service import ask_sender
from portal.complaints import service
from portal.complaints.models import Complaint, ComplaintOrgan, ComplaintState, OrganPart
from portal.db import db
from portal.messages.models import Message
from tests.factories.accounts import make_staff
from tests.factories.complaints import code_of, errors, make_complaint
from tests.factories.organs import make_organ

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
BAD = {"grade": "1", "solved": "no", "comment": "没人来看"}


@pytest.fixture(autouse=True)
def moving() -> Iterator[time_machine.Traveller]:
    """A Monday at noon, which tests may leave."""
    with time_machine.travel(NOON, tick=False) as moving:
        yield moving


def open_case(client: FlaskClient, **changes: object) -> Complaint:
    """Return a case that is open in the browser, whose pages are in English."""
    complaint = make_complaint(**changes)  # type: ignore[arg-type]
    db.session.commit()
    code = code_of(complaint)
    assert client.post("/complaints/track", data={"number": complaint.number, "code": code}).status_code == 302
    client.get("/complaints/case?lang=en")
    return complaint


def answer(complaint: Complaint, words: str = "经查属实。") -> None:
    """Answer a case as staff do."""
    complaint.state = ComplaintState.ACCEPTED
    service.answer_complaint(complaint=complaint, staff=make_staff(), answer=words)
    db.session.commit()


def words(client: FlaskClient) -> str:
    """Return what the case page says."""
    main = BeautifulSoup(client.get("/complaints/case").text, "html.parser").main
    assert main is not None
    return " ".join(main.text.split())


def test_says_which_organs_have_it_and_never_a_person(client: FlaskClient) -> None:
    supervisor = make_organ(supervises=True, name="虚构市司法局")
    joint = make_organ(name="虚构市城管局")
    complaint = open_case(client, phone="+8613800138000")
    complaint.handler_id = make_staff(name="赵经办").id
    complaint.organs.append(ComplaintOrgan(organ=joint, part=OrganPart.JOINT))
    complaint.handler_organ_id = supervisor.id
    db.session.commit()
    page = words(client)
    assert "With: 虚构市司法局." in page
    assert "Together with: 虚构市城管局." in page
    assert "赵经办" not in page


def test_names_the_rule_its_unit_and_the_days_left(client: FlaskClient) -> None:
    complaint = open_case(client, case_type="petition", kind="conduct")
    service.move(complaint, "accept")
    db.session.commit()
    page = words(client)
    assert "60 days, days off included" in page
    assert "Regulation on letters and visits, articles 22 and 34" in page
    assert "60 days left" in page
    assert "22 January 2027" in page


def test_says_that_it_is_late_and_extended(client: FlaskClient, moving: time_machine.Traveller) -> None:
    complaint = open_case(client)
    service.move(complaint, "accept")
    complaint.extended_by = 15
    service.set_deadlines(complaint)
    db.session.commit()
    assert "30 working days" in words(client)
    assert "15 of them were added by an extension" in words(client)
    moving.shift(timedelta(days=60))
    client.post("/complaints/track", data={"number": complaint.number, "code": renew_code(complaint)})
    page = words(client)
    assert "This is late, and we say so" in page
    assert "working days late" in page


def renew_code(complaint: Complaint) -> str:
    """Return another code for a case whose own can no longer be shown."""
    code = service.make_code()
    complaint.code_hash = code.hash
    db.session.commit()
    return code.code


def test_question_is_answered_and_the_clock_runs_on(client: FlaskClient, moving: time_machine.Traveller) -> None:
    complaint = open_case(client)
    complaint.state = ComplaintState.ACCEPTED
    ask_sender(complaint=complaint, staff=make_staff(), text="哪一天的事？")
    db.session.commit()
    page = words(client)
    for part in ("Waiting for you", "哪一天的事？", "no deadline runs", "until then nothing is due"):
        assert part in page
    before = complaint.answer_due_on
    moving.shift(timedelta(minutes=20))
    client.get("/complaints/case")
    moving.shift(timedelta(minutes=20))
    assert client.post("/complaints/case/supplement", data={"text": "20日下午"}).status_code == 302
    db.session.refresh(complaint)
    assert complaint.paused_on is None
    assert complaint.next_due_on == complaint.answer_due_on == before
    page = words(client)
    assert "Waiting for you" not in page
    assert "20日下午" in page


def test_open_case_tells_its_next_steps(client: FlaskClient) -> None:
    open_case(client)
    page = words(client)
    for part in ("By 30 November 2026: we tell you", "By 14 December 2026: the answer", "15 working days; then you"):
        assert part in page
    assert "for 30 days you can have the case opened again" in page


def test_bad_grade_promises_a_call_only_to_whoever_wants_one(client: FlaskClient) -> None:
    complaint = open_case(client, phone="+8613800138000")
    answer(complaint)
    assert 'name="call_wanted"' in client.get("/complaints/case").text
    client.post("/complaints/case/rate", data=BAD | {"call_wanted": "y"})
    db.session.refresh(complaint)
    assert complaint.call_wanted
    page = words(client)
    assert "We call you by 24 November 2026." in page
    assert "By 14 December 2026 you read here" in page
    assert "没人来看" in page


@pytest.mark.parametrize(("phone", "grade"), [("", "1"), ("+8613800138000", "4")])
def test_no_call_for_the_anonymous_or_the_satisfied(client: FlaskClient, phone: str, grade: str) -> None:
    complaint = open_case(client, phone=phone)
    answer(complaint)
    client.post("/complaints/case/rate", data=BAD | {"grade": grade, "call_wanted": "y"})
    db.session.refresh(complaint)
    assert not complaint.call_wanted
    assert "We call you by" not in words(client)


def test_reopened_with_a_reason_gets_a_new_clock(client: FlaskClient, moving: time_machine.Traveller) -> None:
    complaint = open_case(client, phone="+8613800138000")
    answer(complaint, "第一次答复")
    client.post("/complaints/case/rate", data=BAD)
    moving.shift(timedelta(days=2))
    code = renew_code(complaint)
    client.post("/complaints/track", data={"number": complaint.number, "code": code})
    empty = client.post("/complaints/case/reopen", data={"reason": " "})
    assert empty.status_code == 422
    assert errors(empty.text)
    assert client.post("/complaints/case/reopen", data={"reason": "没有回应第二点"}).status_code == 302
    db.session.refresh(complaint)
    assert (complaint.state, complaint.clock_from_on) == (ComplaintState.ACCEPTED, date(2026, 11, 25))
    assert complaint.next_due_on == complaint.answer_due_on == date(2026, 12, 16)
    assert complaint.answered_at is None
    assert complaint.reopened_at == clock.now()
    page = words(client)
    for part in ("第一次答复", "没有回应第二点", "16 December 2026"):
        assert part in page
    assert 'name="grade"' not in client.get("/complaints/case").text
    answer(complaint, "第二次答复")
    assert 'name="grade"' in client.get("/complaints/case").text
    assert client.post("/complaints/case/rate", data=BAD | {"grade": "5"}).status_code == 302
    db.session.refresh(complaint)
    assert complaint.grade == 5
    sent = [row.template for row in db.session.query(Message).order_by(Message.id)]
    assert sent == ["complaint_received", "complaint_answered", "complaint_reopened", "complaint_answered"]


def test_reopening_ends_with_its_period_and_keeps_what_was_typed(
    client: FlaskClient, moving: time_machine.Traveller
) -> None:
    complaint = open_case(client)
    answer(complaint)
    moving.shift(timedelta(days=30))
    client.post("/complaints/track", data={"number": complaint.number, "code": renew_code(complaint)})
    assert "Until 23 December 2026." in words(client)
    moving.shift(timedelta(days=1))
    client.post("/complaints/track", data={"number": complaint.number, "code": renew_code(complaint)})
    assert "opened again" not in words(client)
    late = client.post("/complaints/case/reopen", data={"reason": "太晚的理由"})
    assert late.status_code == 409
    assert "太晚的理由" in late.text
    db.session.refresh(complaint)
    assert complaint.state is ComplaintState.ANSWERED


def test_a_case_without_an_answer_cannot_be_reopened(client: FlaskClient) -> None:
    for state in (ComplaintState.SUBMITTED, ComplaintState.ACCEPTED, ComplaintState.WITHDRAWN, ComplaintState.REFUSED):
        open_case(client, state=state)
        assert client.post("/complaints/case/reopen", data={"reason": "x"}).status_code == 409


def test_end_of_a_case_names_where_else_to_go_and_until_when(client: FlaskClient) -> None:
    complaint = open_case(client)
    assert "Where else you can go" not in words(client)
    answer(complaint)
    page = words(client)
    for part in ("Last day: 22 January 2027.", "Last day: 24 May 2027.", "article 46", "There is no time limit."):
        assert part in page


def test_refused_case_names_them_too_from_its_refusal(client: FlaskClient, moving: time_machine.Traveller) -> None:
    complaint = open_case(client)
    moving.shift(timedelta(days=1))
    service.refuse_complaint(complaint=complaint, staff=make_staff(), reason="不属于职责")
    db.session.commit()
    client.post("/complaints/track", data={"number": complaint.number, "code": renew_code(complaint)})
    assert "Last day: 25 January 2027." in words(client)


def test_case_can_be_closed_on_a_shared_device(client: FlaskClient) -> None:
    open_case(client)
    left = client.post("/complaints/case/leave")
    assert (left.location, left.headers["Clear-Site-Data"]) == ("/complaints/track", '"cache", "storage"')
    assert client.get("/complaints/case").location == "/complaints/track"


def test_pages_of_somebody_elses_case_stay_closed(app: Flask) -> None:
    stranger = app.test_client()
    for path in ("supplement", "rate", "reopen", "withdraw"):
        assert stranger.post(f"/complaints/case/{path}", data={"text": "x", "reason": "x"}).status_code == 403
    assert stranger.get("/complaints/case/files/1").location == "/complaints/track"
