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
from portal.complaint_worklists import queries
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState, Finding
from portal.db import db
from portal.messages.models import Message
from tests.factories.accounts import make_staff
from tests.factories.casework import Bench, last_staff, write_and_approve
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


@pytest.fixture
def bench(clerk: FlaskClient, case: Complaint) -> Bench:
    """The case on that clerk's desk."""
    return Bench(clerk, case)


def test_from_taking_to_rating(bench: Bench, case: Complaint, client: FlaskClient, sign_in: SignIn) -> None:
    me = last_staff()
    second = Bench(sign_in(Role.CLERK, organ_id=case.handler_organ_id), case)
    assert bench.take("assign", handler=me.id) == 302
    assert bench.take("accept") == 302
    words = "经查，情况属实。\n已要求改正。"
    write_and_approve(bench, second, last_staff().id, reply=words, finding="founded")
    preview = bench.client.get(f"{bench.address}/reply").text
    assert "经查，情况属实。" in preview
    assert "【孟州执法】" in preview
    assert db.session.query(Complaint).one().state is ComplaintState.ACCEPTED
    assert bench.take("send") == 302
    db.session.refresh(case)
    assert (case.state, case.handler_id, case.answer) == (ComplaintState.ANSWERED, me.id, words)
    assert case.finding is Finding.FOUNDED
    templates = [row.template for row in db.session.query(Message).order_by(Message.id)]
    assert templates == ["complaint_received", "complaint_accepted", "complaint_answered"]
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    assert "已要求改正。" in client.get("/complaints/case").text
    client.post("/complaints/case/rate", data={"grade": "5", "solved": "yes"})
    assert "非常满意" in bench.page() or "Very satisfied" in bench.page()
    actions = {row.action for row in db.session.query(AuditEntry)}
    assert {"complaint.assign", "complaint.accept", "complaint.answer", "complaint.reply"} <= actions


def test_two_people_at_once(bench: Bench, case: Complaint, sign_in: SignIn) -> None:
    other = Bench(sign_in(Role.CLERK, organ_id=case.handler_organ_id), case)
    old = bench.seen()
    assert other.take("accept") == 302
    late = bench.client.post(f"{bench.address}/message", data={"seen": old, "message": "我写的话"})
    assert late.status_code == 409
    assert "李测试" in errors(late.text)
    assert "我写的话" in late.text
    assert [event.action for event in case.events] == ["submit", "accept"]


def test_an_addition_of_the_sender_is_read_before_the_answer(
    bench: Bench, case: Complaint, client: FlaskClient, sign_in: SignIn
) -> None:
    bench.take("accept")
    second = Bench(sign_in(Role.CLERK, organ_id=case.handler_organ_id), case)
    write_and_approve(bench, second, last_staff().id, reply="答复草稿", finding="unfounded")
    old = bench.seen()
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    client.post("/complaints/case/supplement", data={"text": "新的情况"})
    late = bench.client.post(f"{bench.address}/send", data={"seen": old})
    assert late.status_code == 409
    assert "答复草稿" in late.text
    assert "新的情况" in late.text
    db.session.refresh(case)
    assert case.state is ComplaintState.ACCEPTED


def test_identity_is_hidden_until_a_reason_is_recorded(bench: Bench, case: Complaint, sign_in: SignIn) -> None:
    clerk, address = bench.client, f"/staff/complaints/{case.id}"
    assert not bench.offers("identity")
    assert clerk.post(f"{address}/identity", data={"why": "只是想看"}).status_code == 403
    bench.take("assign", handler=last_staff().id)
    page = clerk.get(address).text
    assert "王虚构" not in page
    assert "13800138000" not in page
    assert clerk.post(f"{address}/identity", data={"why": ""}).status_code == 422
    assert db.session.query(AuditEntry).filter_by(action="complaint.identity").count() == 0
    shown = clerk.post(f"{address}/identity", data={"why": "需要电话核实地点"})
    assert "王虚构" in shown.text
    assert PHONE in shown.text
    assert "王虚构" not in clerk.get(address).text
    entry = db.session.query(AuditEntry).filter_by(action="complaint.identity").one()
    assert entry.details == {"why": "需要电话核实地点"}
    assert entry.subject == f"complaint:{case.id}"
    assert Bench(sign_in(Role.SUPERVISOR), case).offers("identity")
    assert not Bench(sign_in(Role.CLERK, organ_id=case.handler_organ_id), case).offers("identity")


def test_notes_are_for_staff_and_never_conflict(bench: Bench, case: Complaint) -> None:
    for note in ("先看监控", "再问一次"):
        data = {"note": note, "seen": "0"}
        assert bench.client.post(f"{bench.address}/note", data=data).status_code == 302
    assert "先看监控" in bench.page()
    assert not any(event.public for event in case.events if event.action == "note")


def test_only_who_may_handle_it_can_be_chosen(clerk: FlaskClient, case: Complaint) -> None:
    stranger = make_staff(role=Role.CLERK, organ_id=make_organ().id)
    db.session.commit()
    answer = clerk.post(
        f"/staff/complaints/{case.id}/assign", data={"seen": Bench(clerk, case).seen(), "handler": stranger.id}
    )
    assert answer.status_code == 422
    db.session.refresh(case)
    assert case.handler_id is None


STEPS: tuple[tuple[str, dict[str, object]], ...] = (
    ("assign", {"handler": 1}),
    ("accept", {}),
    ("message", {"message": "太晚"}),
    ("ask", {"ask": "太晚"}),
    ("resume", {}),
    ("extend", {"extend_why": "太晚"}),
    ("decide-extension", {"extend_words": "太晚", "verdict": "grant"}),
    ("transfer", {"transfer_organ": 1, "transfer_why": "太晚"}),
    ("give-back", {"return_why": "太晚"}),
    ("join", {"joint_organs": [1]}),
    ("split", {"part_kind": "report", "part_category": "fee", "part_facts": "太晚"}),
    ("merge", {"lead": "TS202601010001"}),
    ("reply", {"reply": "太晚"}),
    ("take-back", {}),
    ("review", {"verdict": "approve"}),
    ("send", {}),
)


def test_nothing_is_done_about_a_case_that_is_over(case: Complaint, sign_in: SignIn) -> None:
    case.state = ComplaintState.WITHDRAWN
    db.session.commit()
    bench = Bench(sign_in(Role.SUPERVISOR), case)
    for step, data in STEPS:
        assert bench.take(step, **data) in (409, 422), step
        assert not bench.offers(step), step
    assert [event.action for event in case.events] == ["submit"]


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
        some = {"mine": 1, "today": 1, "late": 1, "unassigned": 2, "answered": 1, "all": 4}
        assert counts == some | {"waiting": 0, "told": 0}
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
    for extra in range(50):
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
