"""Answers and refusals are written from templates, read by a second person, and sent as they were read."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState
from portal.db import db
from portal.reply_drafts import queries, rules, service
from portal.reply_drafts.models import DraftState, ReplyDraft, ReplyPurpose, ReplyTemplate
from tests.factories.casework import Bench, last_staff, make_reply_template, write_and_approve
from tests.factories.complaints import errors, make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
GOOD = {"reply": "经查属实，已责令改正。", "finding": "founded"}


class Pair(NamedTuple):
    """Two clerks of one organ with the same case."""

    case: Complaint
    writer: Bench
    writer_staff: Staff
    reader: Bench
    reader_staff: Staff


@pytest.fixture
def pair(app: object, sign_in: SignIn) -> Pair:
    """A report that was accepted."""
    organ = make_organ(name="虚构市甲局")
    make_organ(supervises=True)
    case = make_complaint(organ_id=organ.id, phone="+8613800138000", state=ComplaintState.ACCEPTED)
    writer = Bench(sign_in(Role.CLERK, organ_id=organ.id), case)
    writer_staff = last_staff()
    reader = Bench(sign_in(Role.CLERK, organ_id=organ.id), case)
    return Pair(case, writer, writer_staff, reader, last_staff())


def draft_of(case: Complaint) -> ReplyDraft | None:
    """Return the draft of a case as it is stored."""
    db.session.expire_all()
    return db.session.get(ReplyDraft, case.id)


def test_nothing_goes_out_that_nobody_else_has_read(pair: Pair) -> None:
    case, writer, reader = pair.case, pair.writer, pair.reader
    assert writer.take("reply", **GOOD) == 302
    assert writer.take("send") == 409
    for nobody in ("", "999999", str(pair.writer_staff.id)):
        assert writer.take("reply", go="hand", reviewer=nobody, **GOOD) == 422
    assert writer.take("reply", go="hand", reviewer=pair.reader_staff.id, **GOOD) == 302
    assert writer.take("send") == 409
    assert not writer.offers("review")
    own = writer.send("review", verdict="approve")
    assert own.status_code == 403
    assert errors(own.text)
    assert reader.take("review", verdict="return") == 422
    assert reader.take("review", verdict="return", comment="请写明依据") == 302
    assert "请写明依据" in writer.page()
    assert writer.take("send") == 409
    write_and_approve(writer, reader, pair.reader_staff.id, **GOOD)
    # What was approved cannot change under way.
    assert writer.take("reply", reply="另一套说法", finding="unfounded") == 409
    assert writer.take("send") == 302
    db.session.refresh(case)
    assert (case.answer, case.state) == (GOOD["reply"], ComplaintState.ANSWERED)
    assert draft_of(case) is None
    entry = db.session.query(AuditEntry).filter_by(action="complaint.reply").one()
    assert entry.details["writer_id"] == pair.writer_staff.id
    assert entry.details["reviewer_id"] == pair.reader_staff.id


def test_whoever_wrote_a_word_reviews_none_of_it(pair: Pair, sign_in: SignIn) -> None:
    third = Bench(sign_in(Role.CLERK, organ_id=pair.case.handler_organ_id), pair.case)
    third_staff = last_staff()
    assert pair.writer.take("reply", **GOOD) == 302
    assert pair.reader.take("reply", **GOOD) == 302
    assert third.take("reply", go="hand", reviewer=pair.writer_staff.id, **GOOD) == 422
    assert third.take("reply", **GOOD) == 302
    for staff in (pair.writer_staff, pair.reader_staff, third_staff):
        assert pair.writer.take("reply", go="hand", reviewer=staff.id, **GOOD) == 422
    # Even one who got it for review by other ways.
    draft = draft_of(pair.case)
    assert draft is not None
    draft.state, draft.reviewer_id = DraftState.WAITING, pair.reader_staff.id
    db.session.commit()
    assert not pair.reader.offers("review")
    assert pair.reader.take("review", verdict="approve") == 403
    draft.state = DraftState.APPROVED
    db.session.commit()
    assert pair.writer.take("send") == 403


def test_only_the_person_it_was_handed_to_reviews_and_a_taken_back_one_is_not_approved(
    pair: Pair, sign_in: SignIn
) -> None:
    chief = Bench(sign_in(Role.SUPERVISOR), pair.case)
    assert pair.writer.take("reply", go="hand", reviewer=pair.reader_staff.id, **GOOD) == 302
    assert chief.take("review", verdict="approve") == 403
    assert pair.reader.take("review", verdict="approve") == 302
    assert pair.writer.take("take-back") == 302
    assert pair.writer.take("send") == 409
    assert pair.writer.take("reply", reply="改过的话", finding="partly") == 302


def test_a_delicate_case_is_reviewed_by_whom_it_may_be_seen(app: object, sign_in: SignIn) -> None:
    accused = make_organ()
    make_organ(supervises=True)
    case = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=accused.id, state=ComplaintState.ACCEPTED)
    writer = Bench(sign_in(Role.SUPERVISOR), case)
    for role, organ_id, allowed in (
        (Role.CLERK, accused.id, False), (Role.SUPERVISOR, accused.id, False), (Role.SUPERVISOR, None, True),
    ):  # fmt: skip
        sign_in(role, organ_id=organ_id)
        status = writer.take("reply", go="hand", reviewer=last_staff().id, **GOOD)
        assert status == (302 if allowed else 422), (role, organ_id)


def test_an_answer_says_what_was_found_where_there_was_something_to_find(pair: Pair) -> None:
    hand: dict[str, Any] = {"go": "hand", "reviewer": pair.reader_staff.id}
    assert pair.writer.take("reply", reply="没写结论", **hand) == 422
    assert pair.writer.take("reply", reply="没写结论", finding="x") == 422
    assert pair.writer.take("reply", reply="", finding="founded", **hand) == 422
    pair.case.kind = ComplaintKind.QUESTION
    db.session.commit()
    assert pair.writer.take("reply", reply="这样办理", **hand) == 302


def test_a_refusal_needs_a_ground_with_its_article_and_a_second_person(pair: Pair) -> None:
    case, hand = pair.case, {"go": "hand", "reviewer": pair.reader_staff.id}
    case.state = ComplaintState.SUBMITTED
    db.session.commit()
    assert pair.writer.take("reply", reply="不归我们管", **hand) == 422
    assert pair.writer.take("reply", reply="不归我们管", ground="market-late", **hand) == 422
    open_end = pair.writer.send("reply", reply="不归我们管", ground="remit", **hand)
    assert open_end.status_code == 422
    # Said where it has to be mended.
    field = BeautifulSoup(open_end.text, "html.parser").select_one("#elsewhere")
    assert field is not None
    assert field["aria-invalid"] == "true"
    assert pair.writer.take("reply", reply="不归我们管", ground="remit", elsewhere="市水利局", **hand) == 302
    assert pair.writer.take("send") == 409
    assert pair.reader.take("review", verdict="approve") == 302
    assert "《信访工作条例》第二十三条" in pair.writer.client.get(f"{pair.writer.address}/reply").text
    assert pair.writer.take("send") == 302
    db.session.refresh(case)
    assert case.state is ComplaintState.REFUSED
    for words in ("不归我们管", "市水利局", "《信访工作条例》第二十三条"):
        assert words in case.refusal_reason
    assert case.closed_at is not None


def test_a_refusal_begun_is_no_answer_after_it_was_accepted(pair: Pair) -> None:
    pair.case.state = ComplaintState.SUBMITTED
    db.session.commit()
    reply = {"reply": "不归我们管", "ground": "remit", "elsewhere": "市水利局"}
    write_and_approve(pair.writer, pair.reader, pair.reader_staff.id, **reply)
    assert pair.writer.take("accept") == 302
    assert pair.writer.take("send") == 409
    assert "不归我们管" not in pair.writer.page()
    assert pair.writer.take("reply", **GOOD) == 302
    draft = draft_of(pair.case)
    assert draft is not None
    assert (draft.purpose, draft.ground) == (ReplyPurpose.ANSWER, "")


def test_drafts_are_sealed(pair: Pair) -> None:
    assert pair.writer.take("reply", **GOOD) == 302
    stored = db.session.execute(sa.text("SELECT texts_sealed FROM reply_draft")).scalar_one()
    assert "责令".encode() not in bytes(stored)
    draft = draft_of(pair.case)
    assert draft is not None
    assert draft.text == GOOD["reply"]


def test_sending_an_answer_ends_the_wait_for_the_sender(pair: Pair) -> None:
    assert pair.writer.take("ask", ask="请补充") == 302
    write_and_approve(pair.writer, pair.reader, pair.reader_staff.id, **GOOD)
    assert pair.writer.take("send") == 302
    db.session.refresh(pair.case)
    assert (pair.case.paused_on, pair.case.pauses[0].until is None) == (None, False)


def test_templates_fit_and_are_filled_on_the_server(pair: Pair) -> None:
    fitting = make_reply_template(kind="report", category="card", body="您的来信{number}由{handler}办理")
    other = make_reply_template(name="另一类", kind="question")
    unused = make_reply_template(name="停用", active=False)
    refusal = make_reply_template(name="不予受理", purpose=ReplyPurpose.REFUSAL)
    page = pair.writer.page()
    assert f'value="{fitting.id}"' in page
    filled = pair.writer.send("reply", go="fill", template=fitting.id).text
    assert f"您的来信{pair.case.number}由虚构市甲局办理" in filled
    for template in (other, unused, refusal):
        assert template.body not in pair.writer.send("reply", go="fill", template=template.id, reply="原话").text
    assert "王虚构" not in filled
    assert draft_of(pair.case) is None


def test_keeping_templates(app: object, sign_in: SignIn) -> None:
    chief, address = sign_in(Role.SUPERVISOR), "/staff/replies/templates/new"
    typed = {
        "purpose": "answer",
        "name": "收费投诉",
        "kind": "",
        "category": "fee",
        "organ": "",
        "body": "{number}",
        "active": "y",
    }
    for change in (
        {"body": "{sender_name}"},
        {"name": ""},
        {"kind": "x"},
        {"organ": "999"},
        {"purpose": "x"},
        {"body": "长" * 4001},
    ):
        assert chief.post(address, data=typed | change).status_code == 422, change
    assert chief.post(address, data=typed).status_code == 303
    template = db.session.query(ReplyTemplate).filter_by(name="收费投诉").one()
    assert (
        chief.post(f"/staff/replies/templates/{template.id}", data=typed | {"body": "改了", "active": ""}).status_code
        == 303
    )
    db.session.refresh(template)
    assert (template.body, template.active) == ("改了", False)
    assert chief.get("/staff/replies/templates/999").status_code == 404
    page = sign_in(Role.CLERK, organ_id=make_organ().id).get("/staff/replies/").text
    assert "收费投诉" in page
    assert "/templates/new" not in page
    assert [row.action for row in db.session.query(AuditEntry).filter(AuditEntry.action.like("reply-%"))] == [
        "reply-template.save"
    ] * 2


def test_what_waits_for_a_reader_is_listed_for_them_alone(pair: Pair) -> None:
    assert pair.writer.take("reply", go="hand", reviewer=pair.reader_staff.id, **GOOD) == 302
    assert pair.case.number in pair.reader.client.get("/staff/replies/").text
    assert pair.case.number not in pair.writer.client.get("/staff/replies/").text


def test_templates_that_ship_can_be_filled_and_leave_nothing_open(pair: Pair) -> None:
    shipped = db.session.query(ReplyTemplate).all()
    assert {(template.purpose.value, template.kind) for template in shipped} == {
        ("answer", "conduct"), ("answer", "report"), ("answer", "question"), ("refusal", ""),
    }  # fmt: skip
    assert all(rules.find_unknown(template.body) == [] and rules.BLANK in template.body for template in shipped)
    fitting = next(template for template in shipped if template.kind == "report")
    filled = queries.fill_template(fitting, pair.case)
    assert "{" not in filled
    assert pair.case.number in filled
    hand = {"go": "hand", "reviewer": pair.reader_staff.id, "finding": "founded"}
    assert pair.writer.take("reply", reply=filled, **hand) == 422
    assert pair.writer.take("reply", reply=filled.replace("____", "已核查"), **hand) == 302
    # A city's own list stays as it is when the portal is brought up to date.
    for template in shipped[1:]:
        db.session.delete(template)
    shipped[0].active = False
    service.load_facts()
    assert [(template.id, template.active) for template in queries.list_templates()] == [(shipped[0].id, False)]
