"""Late cases are told to the supervising organ once for each deadline; their senders read so, a day has its digest."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from notifiers.cases import look_after_cases
from notifiers.worker import JOBS
from portal import clock
from portal.accounts.models import Role, Staff
from portal.complaint_escalation import queries
from portal.complaints.models import Complaint, ComplaintKind, ComplaintNamed, ComplaintState
from portal.complaints.queries import find_next_due
from portal.db import db
from tests.factories.accounts import make_staff
from tests.factories.complaints import code_of, make_complaint
from tests.factories.organs import make_officer, make_organ

SignIn = Callable[..., FlaskClient]
# A Monday; a report has to be accepted by Monday 27 April and answered by Wednesday 13 May.
FILED = datetime(2026, 4, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
def moving() -> Any:
    with time_machine.travel(FILED, tick=False) as traveller:
        yield traveller


def look_after() -> int:
    """Let the job look after what the test wrote; return how many cases it told."""
    db.session.commit()
    return look_after_cases()["told"]


def told(case: Complaint) -> int:
    """Count how often a case was told."""
    db.session.refresh(case, ["events"])
    return sum(event.action == "escalate" for event in case.events)


def test_each_deadline_is_told_once(app: Flask, moving: time_machine.Traveller) -> None:
    case = make_complaint()
    moving.move_to(FILED + timedelta(days=7))
    assert look_after() == 0
    moving.move_to(FILED + timedelta(days=8))
    assert [look_after() for _again in range(3)] == [1, 0, 0]
    assert (told(case), case.escalated_due_on) == (1, date(2026, 4, 27))
    case.state = ComplaintState.ACCEPTED
    case.next_due_on = find_next_due(case)
    assert look_after() == 0
    moving.move_to(FILED + timedelta(days=24))
    assert [look_after() for _again in range(2)] == [1, 0]
    assert told(case) == 2
    assert JOBS["cases"] is look_after_cases


@pytest.mark.parametrize("state", [ComplaintState.ANSWERED, ComplaintState.REFUSED, ComplaintState.WITHDRAWN])
def test_what_is_finished_is_not_late(app: Flask, moving: time_machine.Traveller, state: ComplaintState) -> None:
    case = make_complaint(state=state)
    moving.move_to(FILED + timedelta(days=100))
    assert look_after() == 0
    assert told(case) == 0


def test_many_are_told_in_batches(app: Flask, moving: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [make_complaint() for _number in range(5)]
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    moving.move_to(FILED + timedelta(days=8))
    assert look_after() == 5
    assert [told(case) for case in cases] == [1] * 5


def test_the_sender_reads_it_only_when_it_is_true(
    app: Flask, client: FlaskClient, moving: time_machine.Traveller
) -> None:
    case = make_complaint()
    moving.move_to(FILED + timedelta(days=8))
    data = {"number": case.number, "code": code_of_late(case)}
    client.post("/complaints/track", data=data)
    words = "The supervising organ was told."
    assert words not in client.get("/complaints/case?lang=en").text
    look_after()
    assert words in client.get("/complaints/case?lang=en").text


def code_of_late(case: Complaint) -> str:
    """Return the query code of a case after its half hour is over."""
    case.code_sealed_until = clock.now() + timedelta(minutes=1)
    return code_of(case)


def sections(client: FlaskClient) -> dict[str, list[str]]:
    """Return the numbers of the cases in each part of the digest."""
    page = BeautifulSoup(client.get("/staff/complaints/digest").text, "html.parser")
    found = {}
    for section in page.select("main section"):
        links = section.select("a.list__title")
        found[str(section["aria-labelledby"])] = [link.text.split()[0] for link in links]
    return found


def test_a_day_has_its_digest(app: Flask, sign_in: SignIn, moving: time_machine.Traveller) -> None:
    organ = make_organ()
    first, hidden = make_complaint(organ_id=organ.id), make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organ.id)
    moving.move_to(FILED + timedelta(days=2))
    later = make_complaint(organ_id=organ.id)
    db.session.commit()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    assert sections(clerk) == {"new": [later.number], "today": [], "soon": [], "late": [], "told": []}
    moving.move_to(FILED + timedelta(days=7))
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    assert sections(clerk)["today"] == [first.number]
    assert sections(clerk)["soon"] == [later.number]
    moving.move_to(FILED + timedelta(days=8))
    clerk, supervisor = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.SUPERVISOR)
    assert sections(clerk)["late"] == [first.number]
    assert sections(supervisor)["late"] == [first.number, hidden.number]
    assert sections(supervisor)["told"] == []
    look_after()
    assert sections(supervisor)["told"] == [first.number, hidden.number]
    home = supervisor.get("/staff/").text
    assert 'href="/staff/complaints/?view=told"><strong>2</strong>' in home
    assert "view=told" not in clerk.get("/staff/").text
    told_only = supervisor.get("/staff/complaints/?view=told").text
    assert first.number in told_only
    assert hidden.number in told_only
    assert later.number not in told_only


def test_the_digest_is_for_who_works_on_cases(app: Flask, sign_in: SignIn) -> None:
    assert sign_in(Role.REVIEWER, organ_id=make_organ().id).get("/staff/complaints/digest").status_code == 403


def test_a_case_that_nobody_could_open_is_noticed(app: Flask, sign_in: SignIn) -> None:
    supervisor = sign_in(Role.SUPERVISOR)
    everybody = [staff.name for staff in db.session.query(Staff)]
    page = supervisor.get("/staff/complaints/digest?lang=en").text
    assert "panel--warn" not in page
    case = make_complaint(facts="、".join(everybody))
    assert {row.staff_id for row in db.session.query(ComplaintNamed)} == {staff.id for staff in db.session.query(Staff)}
    page = supervisor.get("/staff/complaints/digest?lang=en").text
    assert "panel--warn" in page
    assert case.number not in page
    make_staff(role=Role.ADMIN, name="没被点名")
    assert "panel--warn" not in supervisor.get("/staff/complaints/digest?lang=en").text
    # A card is nobody who could open a case.
    make_officer(make_organ(), name="没被点名")
    assert queries.count_out_of_reach() == 0
