"""Supervisors set the periods; deadlines of open cases move when the calendar, a kind or a case's kind changes."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.calendar.queries import get_calendar
from portal.case_types.models import CaseType
from portal.case_types.queries import get_case_type
from portal.case_types.service import load_facts
from portal.complaints.models import Complaint, ComplaintKind, ComplaintPause, ComplaintState
from portal.complaints.queries import read_clock
from portal.db import db
from tests.factories.complaints import make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
MORNING = datetime(2026, 4, 20, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with time_machine.travel(MORNING, tick=False):
        yield


def fields(page: str) -> dict[str, str]:
    """Return the fields of the form on a page as a browser would send them."""
    form = BeautifulSoup(page, "html.parser").select_one("main form")
    assert form is not None
    found = {str(field["name"]): str(field.get("value", "")) for field in form.select("input:not([type=checkbox])")}
    found |= {str(field["name"]): "y" for field in form.select("input[type=checkbox][checked]")}
    found |= {str(field["name"]): field.text.lstrip("\n") for field in form.select("textarea")}
    for field in form.select("select"):
        chosen = field.select_one("option[selected]")
        found[str(field["name"])] = str(chosen["value"]) if chosen else ""
    return found


def days(case: Complaint) -> tuple[str, str, str]:
    """Return the deadlines of a case."""
    return str(case.accept_due_on), str(case.answer_due_on), str(case.next_due_on)


def moved(case: Complaint) -> list[str]:
    """Return from which day to which a case's deadlines have moved."""
    return [event.text for event in case.events if event.action == "deadline"]


def test_supervisors_set_what_holds_from_now_on(app: Flask, sign_in: SignIn) -> None:
    running = make_complaint()
    assert days(running) == ("2026-04-27", "2026-05-13", "2026-04-27")
    client = sign_in(Role.SUPERVISOR)
    assert "15" in client.get("/staff/case-types/").text
    sent = fields(client.get("/staff/case-types/report").text)
    assert client.post("/staff/case-types/report", data=sent).status_code == 303
    assert db.session.query(AuditEntry).filter_by(action="case_type.edit").count() == 0
    changes = {"answer_within": "30", "answer_unit": "calendar", "basis": "本市规定第三条", "keep_months": "36"}
    del sent["anonymous"]
    assert client.post("/staff/case-types/report", data=sent | changes).status_code == 303
    kind = get_case_type("report")
    assert (kind.answer_within, kind.answer_unit.value, kind.anonymous, kind.keep_months) == (30, "calendar", False, 36)
    entry = db.session.query(AuditEntry).filter_by(action="case_type.edit").one()
    assert entry.details["before"]["answer_within"] == "15"
    assert entry.details["after"]["basis"] == "本市规定第三条"
    assert days(running) == ("2026-04-27", "2026-05-13", "2026-04-27")
    assert days(make_complaint())[1] == "2026-05-20"
    # The next version of the portal leaves the city's own periods alone.
    load_facts()
    assert get_case_type("report").answer_within == 30


def test_only_the_last_word_is_overwritten_knowingly(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    sent = fields(client.get("/staff/case-types/report").text)
    client.post("/staff/case-types/report", data=sent | {"answer_within": "20"})
    late = client.post("/staff/case-types/report", data=sent | {"answer_within": "25"})
    assert late.status_code == 422
    assert 'value="25"' in late.text
    assert get_case_type("report").answer_within == 20


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        *(
            ("answer_within", typed)
            for typed in ("", "0", "-1", "1.5", "366", "9" * 30, "²", "abc", "\u0663\u0660\u0660\u0660")
        ),
        *(("at_end", typed) for typed in ("", "burn")),
        ("answer_unit", "weeks"),
        ("basis", " "),
        ("name", "长" * 61),
    ],
)
def test_nonsense_is_refused(app: Flask, sign_in: SignIn, name: str, typed: str) -> None:
    client = sign_in(Role.SUPERVISOR)
    sent = fields(client.get("/staff/case-types/report").text)
    answer = client.post("/staff/case-types/report", data=sent | {name: typed})
    assert answer.status_code == 422
    assert f'href="#{name}"' in answer.text
    assert db.session.query(AuditEntry).filter_by(action="case_type.edit").count() == 0


def test_who_may_not(app: Flask, sign_in: SignIn) -> None:
    organ = make_organ()
    for role in (Role.CLERK, Role.REVIEWER):
        client = sign_in(role, organ_id=organ.id)
        for address in ("", "report", "report/cases"):
            assert client.get(f"/staff/case-types/{address}").status_code == 403
    supervisor = sign_in(Role.SUPERVISOR)
    assert supervisor.get("/staff/case-types/nothing").status_code == 404
    assert supervisor.get("/staff/case-types/nothing/cases").status_code == 404


def test_running_cases_are_worked_out_anew_when_asked(app: Flask, sign_in: SignIn) -> None:
    cases = [
        make_complaint(),
        make_complaint(state=ComplaintState.ACCEPTED),
        make_complaint(state=ComplaintState.CLOSED),
    ]
    other = make_complaint(kind=ComplaintKind.QUESTION)
    get_case_type("report").answer_within = 10
    client = sign_in(Role.SUPERVISOR)
    page = client.get("/staff/case-types/report/cases")
    assert "2" in page.text
    assert client.post("/staff/case-types/report/cases").status_code == 303
    assert [days(case)[1] for case in cases] == ["2026-05-07", "2026-05-07", "2026-05-13"]
    assert [moved(case) for case in cases] == [["2026-05-13 → 2026-05-07"], ["2026-05-13 → 2026-05-07"], []]
    assert days(other) == ("2026-04-22", "2026-04-27", "2026-04-22")
    client.post("/staff/case-types/report/cases")
    assert len(moved(cases[0])) == 1
    found = [entry.details for entry in db.session.query(AuditEntry).filter_by(action="case_type.recompute")]
    assert found == [{"moved": 2}, {"moved": 0}]


def test_a_new_calendar_moves_open_cases(app: Flask, tmp_path: Path) -> None:
    cases = [make_complaint(state=state) for state in (ComplaintState.SUBMITTED, ComplaintState.ACCEPTED)]
    waiting = make_complaint(state=ComplaintState.ACCEPTED)
    waiting.pauses.append(ComplaintPause(since=date(2026, 4, 20)))
    waiting.paused_on, waiting.next_due_on = date(2026, 4, 20), None
    answered = make_complaint(state=ComplaintState.ANSWERED)
    db.session.commit()
    file = tmp_path / "holidays.csv"
    off = ("2026-04-22", "2026-05-01", "2026-05-04")
    file.write_text("day,kind,name\n" + "".join(f"{day},holiday,虚构节\n" for day in off), encoding="utf-8")
    result = app.test_cli_runner().invoke(args=["import", "holidays", str(file)])
    assert result.exit_code == 0, result.output
    assert "2 open cases" in result.output
    db.session.expire_all()
    # 22 April is off now, 5 May is worked, 9 May is not.
    assert days(cases[0]) == ("2026-04-28", "2026-05-14", "2026-04-28")
    assert days(cases[1]) == ("2026-04-28", "2026-05-14", "2026-05-14")
    assert [moved(case) for case in cases] == [["2026-04-27 → 2026-04-28"], ["2026-05-13 → 2026-05-14"]]
    assert [days(case)[1:] for case in (waiting, answered)] == [("2026-05-13", "None"), ("2026-05-13", "None")]
    assert app.test_cli_runner().invoke(args=["import", "holidays", str(file)]).exit_code == 0
    db.session.expire_all()
    assert moved(cases[0]) == ["2026-04-27 → 2026-04-28"]


def test_a_case_of_another_kind(app: Flask, sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ()
    case = make_complaint(organ_id=organ.id)
    get_case_type("business").active = False
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    address = f"/staff/complaints/{case.id}/kind"
    page = clerk.get(address).text
    offered = {str(option["value"]) for option in BeautifulSoup(page, "html.parser").select("select#kind option")}
    shipped = {kind.key for kind in db.session.query(CaseType)}
    assert offered == {""} | shipped - {"report", "business"}
    sent = fields(page) | {"reason": "属信访事项"}
    for wrong in ("", "report", "business", "nothing"):
        assert clerk.post(address, data=sent | {"kind": wrong}).status_code == 422
    assert clerk.post(address, data=sent | {"kind": "petition", "reason": ""}).status_code == 422
    assert clerk.post(address, data=sent | {"kind": "petition"}).status_code == 303
    assert days(case) == ("2026-05-06", "2026-06-22", "2026-05-06")
    assert moved(case) == ["2026-04-27 → 2026-05-06"]
    found = read_clock(case, get_calendar(), date(2026, 4, 20))
    assert found is not None
    assert (found.unit.value, found.within, found.left, found.certain) == ("calendar", 15, 16, True)
    why = [event.public for event in case.events if event.action == "retype-why"]
    assert why == [False]
    # Somebody was faster.
    late = clerk.post(address, data=sent | {"kind": "question"})
    assert late.status_code == 422
    assert get_case_type("petition") is case.case_type
    case.state = ComplaintState.CLOSED
    sent = fields(clerk.get(address).text) | {"reason": "x", "kind": "question"}
    assert clerk.post(address, data=sent).status_code == 422
