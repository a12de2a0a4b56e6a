"""A bad grade comes back as work: contact, put right, tell the sender; a mistake needs a second person."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.calendar.queries import get_calendar
from portal.complaint_tracking.queries import read_afterwards
from portal.complaint_tracking.service import reopen_case
from portal.complaints.models import Complaint, ComplaintKind
from portal.complaints.queries import get_case_type_of
from portal.db import db
from portal.messages.models import Message
from portal.organs.models import Organ
from portal.rectifications.models import Outcome, Rectification
from portal.rectifications.queries import list_of
from tests.factories.complaints import code_of, errors
from tests.factories.graded import make_graded
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)  # A Friday, 10 in the morning.
PHONE = "+8613800138000"


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def organ(app: object) -> Organ:
    make_organ(supervises=True)
    return make_organ()


@pytest.fixture
def case(organ: Organ) -> Complaint:
    """A report whose sender was very dissatisfied and wants a call."""
    return saved(make_graded(1, call=True, organ_id=organ.id, phone=PHONE))


@pytest.fixture
def clerk(organ: Organ, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CLERK, organ_id=organ.id)


def saved(case: Complaint) -> Complaint:
    db.session.commit()
    return case


def address(case: Complaint, step: str = "") -> str:
    return f"/staff/rectifications/{case.id}" + (f"/{step}" if step else "")


def latest(case: Complaint) -> Rectification:
    db.session.expire_all()
    return list_of(case)[0]


def numbers(client: FlaskClient, view: str = "") -> list[str]:
    page = BeautifulSoup(client.get(f"/staff/rectifications/?view={view}").text, "html.parser")
    return [link.text for link in page.select("table.stack td:first-child a")]


def test_days_are_those_of_the_kind_of_case(organ: Organ, case: Complaint) -> None:
    opened = latest(case)
    assert (opened.contact_due_on, opened.due_on) == (date(2026, 11, 23), date(2026, 12, 11))
    get_case_type_of(case).contact_within, get_case_type_of(case).rectify_within = 2, 5
    other = latest(saved(make_graded(2, organ_id=organ.id)))
    assert (other.contact_due_on, other.due_on) == (date(2026, 11, 24), date(2026, 11, 27))


def test_good_grades_open_nothing(organ: Organ, clerk: FlaskClient) -> None:
    good = saved(make_graded(3, organ_id=organ.id))
    assert list_of(good) == []
    assert numbers(clerk) == []
    assert clerk.get(address(good)).status_code == 404


def test_called_then_answered_on_the_page_of_the_case(case: Complaint, clerk: FlaskClient, client: FlaskClient) -> None:
    early = clerk.post(address(case, "answer"), data={"answer": "先写的话"})
    assert (early.status_code, "先写的话" in early.text) == (409, True)
    assert clerk.post(address(case, "contact"), data={"contact": ""}).status_code == 422
    assert clerk.post(address(case, "contact"), data={"contact": "电话里说罚款仍未退"}).status_code == 303
    assert clerk.post(address(case, "contact"), data={"contact": "再来"}).status_code == 409
    assert clerk.post(address(case, "answer"), data={"answer": "罚款已退，当面致歉。"}).status_code == 303
    assert latest(case).outcome is Outcome.ANSWERED
    assert clerk.post(address(case, "answer"), data={"answer": "再来"}).status_code == 409
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    page = client.get("/complaints/case").text
    assert "罚款已退，当面致歉。" in page
    assert "罚款仍未退" not in page
    assert db.session.query(Message).filter(Message.template == "complaint_message").count() == 1
    actions = [row.action for row in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert actions[-2:] == ["complaint.rectify-contact", "complaint.rectify-answer"]


def test_who_wants_no_call_is_written_to(organ: Organ, clerk: FlaskClient, client: FlaskClient) -> None:
    case = saved(make_graded(2, organ_id=organ.id))
    assert "This sender wants no call" in clerk.get(f"{address(case)}?lang=en").text
    assert clerk.post(address(case, "contact"), data={"contact": "请问哪里不满意？"}).status_code == 303
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    assert "请问哪里不满意？" in client.get("/complaints/case").text


def test_list_is_by_what_is_due_next(
    organ: Organ, case: Complaint, clerk: FlaskClient, sign_in: SignIn, frozen: time_machine.Traveller
) -> None:
    clerk.post(address(case, "contact"), data={"contact": "已致电"})
    frozen.move_to(NOW + timedelta(days=3))
    newer = saved(make_graded(2, organ_id=organ.id))
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    assert numbers(clerk) == [newer.number, case.number]
    assert numbers(clerk, "late") == []
    frozen.move_to(NOW + timedelta(days=5))
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    assert numbers(clerk, "late") == [newer.number]
    assert numbers(clerk, "nonsense") == [newer.number, case.number]
    home = BeautifulSoup(clerk.get("/staff/").text, "html.parser")
    late = home.select_one("a[href='/staff/rectifications/?view=late']")
    assert late is not None
    assert "1" in late.text
    assert re.search(r"Contact by[^<]*</span> Late", clerk.get("/staff/rectifications/?lang=en").text)


def test_case_page_promises_what_is_open(organ: Organ, case: Complaint, clerk: FlaskClient) -> None:
    def promised() -> tuple[date | None, date | None]:
        db.session.expire_all()
        found = read_afterwards(case, get_calendar(), clock.today())
        return found.contact_by, found.mended_by

    assert promised() == (date(2026, 11, 23), date(2026, 12, 11))
    clerk.post(address(case, "contact"), data={"contact": "已致电"})
    assert promised() == (None, date(2026, 12, 11))
    clerk.post(address(case, "answer"), data={"answer": "已改正"})
    assert promised() == (None, None)


def test_mistake_needs_a_second_person_and_lets_the_sender_grade_again(
    case: Complaint, clerk: FlaskClient, sign_in: SignIn, client: FlaskClient
) -> None:
    decide = {"words": "经核实为误评，您可以重新评价。", "verdict": "grant"}
    assert clerk.post(address(case, "decide"), data=decide).status_code == 409
    assert clerk.post(address(case, "mistake"), data={"reason": "来电说点错了"}).status_code == 303
    assert clerk.post(address(case, "mistake"), data={"reason": "再来"}).status_code == 409
    assert clerk.post(address(case, "decide"), data=decide).status_code == 403
    assert numbers(clerk, "mistakes") == [case.number]
    office = sign_in(Role.SUPERVISOR)
    assert office.post(address(case, "decide"), data=decide | {"verdict": "x"}).status_code == 422
    assert office.post(address(case, "decide"), data=decide).status_code == 303
    assert latest(case).outcome is Outcome.MISTAKE
    assert (case.grade, case.rated_at) == (None, None)
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    page = client.get("/complaints/case").text
    assert "您可以重新评价" in page
    assert "来电说点错了" not in page
    assert client.post("/complaints/case/rate", data={"grade": "1", "solved": "no"}).status_code == 302
    assert latest(case).closed_at is None
    assert len(list_of(case)) == 2


def test_nobody_decides_what_they_asked_for_and_a_grade_may_stand(case: Complaint, sign_in: SignIn) -> None:
    office, other = sign_in(Role.SUPERVISOR), sign_in(Role.SUPERVISOR)
    office.post(address(case, "mistake"), data={"reason": "来电说点错了"})
    words = {"words": "没有证据", "verdict": "decline"}
    refused = office.post(address(case, "decide"), data=words)
    assert refused.status_code == 403
    assert errors(refused.text)
    assert other.post(address(case, "decide"), data=words).status_code == 303
    assert (latest(case).mistake_by_id, latest(case).closed_at, case.grade) == (None, None, 1)


def test_reopened_case_is_no_bad_grade_any_more(case: Complaint, clerk: FlaskClient) -> None:
    reopen_case(complaint_id=case.id, reason="仍未解决")
    db.session.commit()
    assert latest(case).outcome is Outcome.REOPENED
    assert numbers(clerk) == []
    assert numbers(clerk, "closed") == [case.number]


def test_hidden_from_whom_it_concerns(organ: Organ, clerk: FlaskClient, sign_in: SignIn) -> None:
    case = saved(make_graded(1, kind=ComplaintKind.CONDUCT, organ_id=organ.id, comment="态度恶劣"))
    for reader in (clerk, sign_in(Role.SUPERVISOR, organ_id=organ.id)):
        assert numbers(reader) == []
        assert reader.get(address(case)).status_code == 404
        assert reader.post(address(case, "contact"), data={"contact": "x"}).status_code == 404
    assert sign_in(Role.REVIEWER, organ_id=organ.id).get("/staff/rectifications/").status_code == 403
    assert "态度恶劣" in sign_in(Role.SUPERVISOR).get(address(case)).text
