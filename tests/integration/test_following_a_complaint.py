"""The sender adds to a complaint, withdraws it, reads the answer and rates it once."""

from flask.testing import FlaskClient

from portal import clock
from portal.case_steps import service as casework
from portal.complaints import service
from portal.complaints.models import Complaint, ComplaintState
from portal.db import db
from tests.factories.accounts import make_staff
from tests.factories.complaints import code_of, errors, make_complaint

GOOD = {"grade": "2", "solved": "no", "comment": "还没有解决"}


def open_case(client: FlaskClient, state: ComplaintState = ComplaintState.SUBMITTED) -> Complaint:
    """Return a complaint at a state that is open in the browser."""
    complaint = make_complaint(state=state)
    if state is ComplaintState.ANSWERED:
        complaint.answer, complaint.answered_at = "经查，情况属实。", clock.now()
    db.session.commit()
    answer = client.post("/complaints/track", data={"number": complaint.number, "code": code_of(complaint)})
    assert answer.status_code == 302
    return complaint


def test_addition_shows_in_the_timeline(client: FlaskClient) -> None:
    complaint = open_case(client)
    assert client.post("/complaints/case/supplement", data={"text": "还有一件事"}).status_code == 302
    assert "还有一件事" in client.get("/complaints/case").text
    assert complaint.events[-1].public
    for text in ("", "长" * 2001):
        answer = client.post("/complaints/case/supplement", data={"text": text})
        assert answer.status_code == 422
        assert errors(answer.text)
    assert "长" * 2001 in answer.text


def test_rating_counts_once(client: FlaskClient) -> None:
    complaint = open_case(client, ComplaintState.ANSWERED)
    page = client.get("/complaints/case").text
    assert "经查，情况属实。" in page
    assert client.post("/complaints/case/rate", data={"comment": "只写了字"}).status_code == 422
    assert client.post("/complaints/case/rate", data=GOOD).status_code == 302
    again = client.post("/complaints/case/rate", data=GOOD | {"grade": "5"})
    assert again.status_code == 409
    db.session.refresh(complaint)
    assert (complaint.grade, complaint.solved, complaint.grade_comment) == (2, False, "还没有解决")
    assert 'name="grade"' not in client.get("/complaints/case").text


def test_only_five_grades(client: FlaskClient) -> None:
    open_case(client, ComplaintState.ANSWERED)
    for grade in ("0", "6", "x", ""):
        answer = client.post("/complaints/case/rate", data=GOOD | {"grade": grade})
        assert answer.status_code == 422
        assert "还没有解决" in answer.text


def test_withdrawn_before_the_answer_only(client: FlaskClient) -> None:
    complaint = open_case(client)
    assert client.post("/complaints/case/withdraw").status_code == 302
    db.session.refresh(complaint)
    assert complaint.state is ComplaintState.WITHDRAWN
    assert client.post("/complaints/case/withdraw").status_code == 409
    open_case(client, ComplaintState.ANSWERED)
    assert client.post("/complaints/case/withdraw").status_code == 409


def test_nothing_is_added_to_a_finished_case_and_the_text_is_kept(client: FlaskClient) -> None:
    for state in (ComplaintState.ANSWERED, ComplaintState.REFUSED, ComplaintState.WITHDRAWN):
        open_case(client, state)
        answer = client.post("/complaints/case/supplement", data={"text": "太晚的补充"})
        assert answer.status_code == 409
        assert "太晚的补充" in answer.text


def test_staff_and_notes_never_show(client: FlaskClient) -> None:
    complaint = open_case(client, ComplaintState.ACCEPTED)
    staff = make_staff(name="赵经办")
    complaint.handler_id = staff.id
    casework.add_note(complaint=complaint, staff=staff, note="内部意见")
    complaint.handler_id = staff.id
    casework.show_identity(complaint=complaint, staff=staff, why="核实")
    service.answer_complaint(complaint=complaint, staff=staff, answer="已经处理")
    db.session.commit()
    page = client.get("/complaints/case").text
    assert "已经处理" in page
    for hidden in ("赵经办", "内部意见", "核实"):
        assert hidden not in page


def test_refusal_shows_its_reason(client: FlaskClient) -> None:
    complaint = open_case(client)
    service.refuse_complaint(complaint=complaint, staff=make_staff(), reason="不属于本单位职责，请找……")
    db.session.commit()
    assert "不属于本单位职责" in client.get("/complaints/case").text
