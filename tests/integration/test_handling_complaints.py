"""Staff take, accept, refuse and answer complaints; nobody overwrites a colleague, and looking at names is recorded."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.complaints import queries
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState
from portal.db import db
from portal.messages.models import Message
from tests.factories.accounts import make_staff
from tests.factories.complaints import code_of, errors, make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
PHONE = "+8613800138000"


@pytest.fixture
def case(app: object) -> Complaint:
    """A report to an organ, with phone, that has just come in."""
    organ = make_organ()
    make_organ(supervises=True)
    complaint = make_complaint(kind=ComplaintKind.REPORT, organ_id=organ.id, phone=PHONE)
    db.session.commit()
    return complaint


@pytest.fixture
def clerk(case: Complaint, sign_in: SignIn) -> FlaskClient:
    """A clerk of the organ that handles the case."""
    return sign_in(Role.CLERK, organ_id=case.handler_organ_id)


def seen(client: FlaskClient, case: Complaint) -> str:
    """Return the mark of the last event on the page that is open."""
    field = BeautifulSoup(client.get(f"/staff/complaints/{case.id}").text, "html.parser").select_one("[name=seen]")
    return str(field["value"]) if field else "0"


def test_from_taking_to_rating(clerk: FlaskClient, case: Complaint, client: FlaskClient) -> None:
    address = f"/staff/complaints/{case.id}"
    me = db.session.query(Staff).order_by(Staff.id.desc()).first()
    assert me is not None
    assert clerk.post(f"{address}/assign", data={"seen": seen(clerk, case), "handler": me.id}).status_code == 302
    assert clerk.post(f"{address}/accept", data={"seen": seen(clerk, case)}).status_code == 302
    data = {"seen": seen(clerk, case), "answer": "经查，情况属实。\n已要求改正。"}
    preview = clerk.post(f"{address}/answer", data=data)
    assert preview.status_code == 200
    assert "经查，情况属实。" in preview.text
    assert "【孟州执法】" in preview.text
    assert db.session.query(Complaint).one().state is ComplaintState.ACCEPTED
    assert "经查，情况属实。" in clerk.post(f"{address}/answer", data=data | {"go": "edit"}).text
    assert clerk.post(f"{address}/answer", data=data | {"go": "send"}).status_code == 302
    db.session.refresh(case)
    assert (case.state, case.handler_id) == (ComplaintState.ANSWERED, me.id)
    templates = [row.template for row in db.session.query(Message).order_by(Message.id)]
    assert templates == ["complaint_received", "complaint_accepted", "complaint_answered"]
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    assert "已要求改正。" in client.get("/complaints/case").text
    client.post("/complaints/case/rate", data={"grade": "5", "solved": "yes"})
    assert clerk.get(address).status_code == 200
    actions = {row.action for row in db.session.query(AuditEntry)}
    assert {"complaint.assign", "complaint.accept", "complaint.answer"} <= actions


def test_refusal_needs_a_reason_and_is_told(clerk: FlaskClient, case: Complaint) -> None:
    address = f"/staff/complaints/{case.id}/refuse"
    assert clerk.post(address, data={"seen": seen(clerk, case), "reason": "  "}).status_code == 422
    long = "理" * 1001
    kept = clerk.post(address, data={"seen": seen(clerk, case), "reason": long})
    assert kept.status_code == 422
    assert long in kept.text
    assert clerk.post(address, data={"seen": seen(clerk, case), "reason": "请找市水利局"}).status_code == 302
    db.session.refresh(case)
    assert (case.state, case.refusal_reason) == (ComplaintState.REFUSED, "请找市水利局")
    assert db.session.query(Message).order_by(Message.id.desc()).first().template == "complaint_refused"  # type: ignore[union-attr]


def test_two_people_at_once(clerk: FlaskClient, case: Complaint, sign_in: SignIn) -> None:
    other = sign_in(Role.CLERK, organ_id=case.handler_organ_id)
    address = f"/staff/complaints/{case.id}"
    old = seen(clerk, case)
    assert other.post(f"{address}/accept", data={"seen": seen(other, case)}).status_code == 302
    late = clerk.post(f"{address}/refuse", data={"seen": old, "reason": "我写的理由"})
    assert late.status_code == 409
    assert "李测试" in errors(late.text)
    assert "我写的理由" in late.text
    db.session.refresh(case)
    assert case.state is ComplaintState.ACCEPTED


def test_an_addition_of_the_sender_is_read_before_the_answer(
    clerk: FlaskClient, case: Complaint, client: FlaskClient
) -> None:
    address = f"/staff/complaints/{case.id}"
    clerk.post(f"{address}/accept", data={"seen": seen(clerk, case)})
    old = seen(clerk, case)
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    client.post("/complaints/case/supplement", data={"text": "新的情况"})
    late = clerk.post(f"{address}/answer", data={"seen": old, "answer": "答复草稿", "go": "send"})
    assert late.status_code == 409
    assert "答复草稿" in late.text
    assert "新的情况" in late.text


def test_identity_is_hidden_until_a_reason_is_recorded(clerk: FlaskClient, case: Complaint) -> None:
    address = f"/staff/complaints/{case.id}"
    page = clerk.get(address).text
    assert "王虚构" not in page
    assert "13800138000" not in page
    assert clerk.post(f"{address}/identity", data={"why": ""}).status_code == 422
    shown = clerk.post(f"{address}/identity", data={"why": "需要电话核实地点"})
    assert "王虚构" in shown.text
    assert PHONE in shown.text
    assert "王虚构" not in clerk.get(address).text
    entry = db.session.query(AuditEntry).filter_by(action="complaint.identity").one()
    assert entry.details == {"why": "需要电话核实地点"}
    assert entry.subject == f"complaint:{case.id}"


def test_notes_are_for_staff_and_never_conflict(clerk: FlaskClient, case: Complaint) -> None:
    address = f"/staff/complaints/{case.id}"
    assert clerk.post(f"{address}/note", data={"note": "先看监控"}).status_code == 302
    assert clerk.post(f"{address}/note", data={"note": "再问一次"}).status_code == 302
    assert "先看监控" in clerk.get(address).text
    assert not any(event.public for event in case.events if event.action == "note")


def test_only_who_may_handle_it_can_be_chosen(clerk: FlaskClient, case: Complaint) -> None:
    stranger = make_staff(role=Role.CLERK, organ_id=make_organ().id)
    db.session.commit()
    answer = clerk.post(f"/staff/complaints/{case.id}/assign", data={"seen": seen(clerk, case), "handler": stranger.id})
    assert answer.status_code == 422
    db.session.refresh(case)
    assert case.handler_id is None


def test_steps_that_the_state_does_not_allow(clerk: FlaskClient, case: Complaint) -> None:
    address = f"/staff/complaints/{case.id}"
    data = {"seen": seen(clerk, case), "answer": "太早"}
    assert clerk.post(f"{address}/answer", data=data | {"go": "send"}).status_code == 409
    assert clerk.post(f"{address}/answer", data=data).status_code == 422
    case.state = ComplaintState.WITHDRAWN
    db.session.commit()
    assert clerk.post(f"{address}/accept", data={"seen": seen(clerk, case) or data["seen"]}).status_code == 409


def test_worklist_counts_filters_and_orders(sign_in: SignIn) -> None:
    organ = make_organ(name="虚构市甲局")
    with time_machine.travel(datetime(2026, 11, 2, 4, tzinfo=UTC), tick=False):
        late = make_complaint(organ_id=organ.id, facts="最早的一件")
    with time_machine.travel(datetime(2026, 11, 16, 4, tzinfo=UTC), tick=False):
        due = make_complaint(organ_id=organ.id)
    with time_machine.travel(datetime(2026, 11, 23, 4, tzinfo=UTC), tick=False):
        fresh = make_complaint(organ_id=organ.id)
        done = make_complaint(organ_id=organ.id, state=ComplaintState.ANSWERED)
        db.session.commit()
        clerk = sign_in(Role.CLERK, organ_id=organ.id)
        me = db.session.query(Staff).one()
        late.handler_id = me.id
        db.session.commit()
        counts = queries.count_views(me, clock.today())
        page = clerk.get("/staff/complaints/").text
        assert page.index(late.number) < page.index(due.number) < page.index(fresh.number) < page.index(done.number)
        assert counts == {"mine": 1, "today": 1, "late": 1, "unassigned": 2, "answered": 1, "all": 4}
        for query, expected in (
            ("view=late", {late}),
            ("view=today", {due}),
            ("view=mine", {late}),
            ("view=answered", {done}),
            ("state=answered", {done}),
            (f"q={fresh.number.lower()}", {fresh}),
            (f"organ={organ.id}", {late, due, fresh, done}),
            ("q=没有这样的字", set()),
            ("view=nonsense&state=nonsense&organ=x&page=-1", {late, due, fresh, done}),
        ):
            found = clerk.get(f"/staff/complaints/?{query}")
            assert found.status_code == 200
            links = {str(tag["href"]) for tag in BeautifulSoup(found.text, "html.parser").select("td a")}
            assert links == {f"/staff/complaints/{row.id}" for row in expected}, query


def test_worklist_is_paged(sign_in: SignIn) -> None:
    organ = make_organ()
    for _ in range(3):
        make_complaint(organ_id=organ.id)
    numbers = [row.id for row in db.session.query(Complaint)]
    template = db.session.get(Complaint, numbers[0])
    assert template is not None
    for extra in range(20):
        db.session.add(
            Complaint(
                number=f"TS2020010{1 + extra // 9}{1000 + extra}",
                code_hash="x",
                kind=ComplaintKind.REPORT,
                state=ComplaintState.SUBMITTED,
                facts="x",
                handler_organ_id=organ.id,
                clock_from_on=clock.today(),
                accept_due_on=clock.today() + timedelta(days=9),
                answer_due_on=clock.today() + timedelta(days=20),
            )
        )
    db.session.commit()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    second = BeautifulSoup(clerk.get("/staff/complaints/?page=2").text, "html.parser")
    assert len(second.select("tbody tr")) == 3
