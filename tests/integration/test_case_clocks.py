"""Waiting for the sender stops the periods of a case; one extension, decided by somebody else, lengthens them."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
import time_machine
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.case_clocks import service
from portal.case_clocks.models import CaseExtension
from portal.case_types.queries import get_case_type
from portal.complaints.models import Complaint, ComplaintState
from portal.db import db
from portal.messages.models import Message
from tests.factories.casework import Bench, last_staff
from tests.factories.complaints import code_of, errors, make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
MONDAY = datetime(2026, 11, 2, 4, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 6, 4, tzinfo=UTC)


@pytest.fixture
def case(app: object) -> Complaint:
    """A report with a phone, accepted on Monday 2 November 2026: the answer is due on 23 November."""
    make_organ(supervises=True)
    with time_machine.travel(MONDAY, tick=False):
        complaint = make_complaint(organ_id=make_organ().id, phone="+8613800138000", state=ComplaintState.ACCEPTED)
    db.session.commit()
    return complaint


@pytest.fixture
def enter(case: Complaint, sign_in: SignIn) -> Callable[[], Bench]:
    """Put the case on the desk of a clerk who handles it and signs in now."""
    return lambda: Bench(sign_in(Role.CLERK, organ_id=case.handler_organ_id), case)


def templates() -> list[str]:
    """Return what the sender was told by text, in order."""
    return [row.template for row in db.session.query(Message).order_by(Message.id)]


def test_the_period_stands_still_until_the_sender_answers(
    enter: Callable[[], Bench], case: Complaint, client: FlaskClient
) -> None:
    with time_machine.travel(MONDAY, tick=False):
        bench = enter()
        due = case.next_due_on
        assert due == date(2026, 11, 23)
        assert bench.take("ask", ask="请补充照片") == 302
        assert bench.take("ask", ask="再问一次") == 409
        db.session.refresh(case)
        assert (case.paused_on, case.next_due_on) == (date(2026, 11, 2), None)
    with time_machine.travel(FRIDAY, tick=False):
        client.post("/complaints/track", data={"number": case.number, "code": code_of_any(case)})
        assert "请补充照片" in client.get("/complaints/case").text
        assert service.resume_if_waiting(case)
        assert not service.resume_if_waiting(case)
        db.session.commit()
        # Four of the days that would have counted did not: 3 to 6 November.
        assert (case.paused_on, case.next_due_on) == (None, date(2026, 11, 27))
        bench = enter()
        assert [(pause.since.day, pause.until.day) for pause in case.pauses if pause.until] == [(2, 6)]
        assert bench.take("ask", ask="还缺一张") == 302
        assert bench.take("resume") == 302
        assert bench.take("resume") == 409
    assert templates() == ["complaint_received", "complaint_material", "complaint_material"]
    actions = [row.action for row in db.session.query(AuditEntry).filter(AuditEntry.action.like("complaint.%"))]
    assert actions == ["complaint.ask", "complaint.resume", "complaint.ask", "complaint.resume"]


def code_of_any(case: Complaint) -> str:
    """Return the query code of a case that came days ago, whose seal would be shown no longer."""
    with time_machine.travel(MONDAY, tick=False):
        return code_of(case)


def test_some_kinds_of_cases_never_wait(enter: Callable[[], Bench], case: Complaint) -> None:
    bench = enter()
    get_case_type("report").pausable = False
    db.session.commit()
    assert not bench.offers("ask")
    assert bench.take("ask", ask="请补充") == 409
    db.session.refresh(case)
    assert case.paused_on is None
    assert case.pauses == []


def test_one_extension_decided_by_somebody_else(enter: Callable[[], Bench], case: Complaint, sign_in: SignIn) -> None:
    with time_machine.travel(MONDAY, tick=False):
        bench = enter()
        chief = Bench(sign_in(Role.SUPERVISOR), case)
        assert bench.take("extend", extend_why="") == 422
        assert bench.take("extend", extend_why="等检测报告") == 302
        assert bench.take("extend", extend_why="再要一次") == 409
        assert not bench.offers("decide-extension")
        assert bench.take("decide-extension", extend_words="我自己批", verdict="grant") == 403
        assert case.answer_due_on == date(2026, 11, 23)
        assert chief.offers("decide-extension")
        assert chief.take("decide-extension", extend_words="检测需要时间", verdict="perhaps") == 422
        assert chief.take("decide-extension", extend_words="检测需要时间", verdict="grant") == 302
        db.session.refresh(case)
        # Fifteen working days more, and the case type says so.
        assert (case.extended_by, case.next_due_on) == (15, date(2026, 12, 14))
        assert bench.take("extend", extend_why="第二次") == 409
    assert templates()[-1] == "complaint_extended"
    told = [(event.action, event.public, event.text) for event in case.events if event.action.startswith("extend")]
    assert told == [("extend-ask", False, "等检测报告"), ("extend", True, "检测需要时间")]


def test_whoever_asks_does_not_decide_and_a_refused_one_can_be_asked_again(case: Complaint, sign_in: SignIn) -> None:
    chief, other = Bench(sign_in(Role.SUPERVISOR), case), Bench(sign_in(Role.SUPERVISOR), case)
    decider = last_staff()
    assert chief.take("extend", extend_why="忙") == 302
    own = chief.send("decide-extension", extend_words="可以", verdict="grant")
    assert own.status_code == 403
    assert errors(own.text)
    assert other.take("decide-extension", extend_words="理由不足", verdict="decline") == 302
    extension = db.session.query(CaseExtension).one()
    assert (extension.granted, extension.decided_by_id, case.extended_by) == (False, decider.id, 0)
    assert not any(event.public for event in case.events if event.action == "extend-decline")
    assert "complaint_extended" not in templates()
    assert chief.take("extend", extend_why="有新情况") == 302


def test_a_question_has_no_extension(enter: Callable[[], Bench], case: Complaint) -> None:
    bench = enter()
    case.case_type_key = "question"
    db.session.commit()
    assert not bench.offers("extend")
    assert bench.take("extend", extend_why="想多要几天") == 409


def test_a_reopened_case_waits_for_no_extension_of_before(case: Complaint, sign_in: SignIn) -> None:
    chief, other = Bench(sign_in(Role.SUPERVISOR), case), Bench(sign_in(Role.SUPERVISOR), case)
    assert chief.take("extend", extend_why="忙") == 302
    case.reopened_at = clock.now()
    db.session.commit()
    assert not other.offers("decide-extension")
    assert other.take("decide-extension", extend_words="可以", verdict="grant") == 409
    assert chief.take("extend", extend_why="重办需要时间") == 302
    assert other.take("decide-extension", extend_words="可以", verdict="grant") == 302
    db.session.refresh(case)
    assert case.extended_by == 15
