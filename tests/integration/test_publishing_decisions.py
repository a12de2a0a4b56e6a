"""Staff draft a decision, a second person publishes it or sends it back, and a withdrawal gives its reason."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.contacts.models import Contact
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.organs.models import Organ
from portal.parties.models import Party
from tests.factories.bases import article_of, make_basis
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

SignIn = Callable[..., FlaskClient]


def typed(organ: Organ, **changes: Any) -> dict[str, Any]:
    """Return what staff type into the form."""
    return {
        "organ": organ.id,
        "kind": "penalty",
        "document_number": "虚监罚〔2026〕1号",
        "decided_on": "2026-11-18",
        "title": "未按规定公示许可证：罚款1000元",
        "party_kind": "organisation",
        "party_name": "虚构食品有限公司",
        "credit_code": "",
        "phone": "138 0013 8000",
        "violation": "未按规定公示许可证",
        "facts": "检查时没有公示许可证。",
        "basis_text": "《测试条例》第三条",
        "basis": "0",
        "article": "",
        "measures": ["警告", "罚款"],
        "content": "警告，罚款1000元",
        "fine": "1000",
        "revisit_required": "y",
    } | changes


def the_decision() -> Decision:
    return db.session.scalars(sa.select(Decision)).one()


def test_draft_review_and_publication(sign_in: SignIn, client: FlaskClient, tmp_path: Path) -> None:
    with time_machine.travel("2026-11-20T02:00:00Z", tick=False):
        organ, basis = make_organ(), make_basis(tmp_path)
        clerk = sign_in(Role.CLERK, organ_id=organ.id)
        answer = clerk.post("/staff/decisions/new", data=typed(organ, basis=basis.id, article="3"))
        assert answer.status_code == 302
        decision = the_decision()
        assert (decision.state, decision.article_id) == (DecisionState.DRAFT, article_of(basis, 3).id)
        assert decision.measures == ["警告", "罚款"]
        assert decision.party.contact is not None
        assert decision.party.contact.phone == "+8613800138000"
        assert clerk.post(f"/staff/decisions/{decision.id}/submit").status_code == 302
        assert clerk.post(f"/staff/decisions/{decision.id}/publish", data={"no_personal_data": "y"}).status_code == 403
        reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
        assert reviewer.post(f"/staff/decisions/{decision.id}/publish", data={}).status_code == 422
        assert client.get(f"/decisions/{decision.id}").status_code == 404
        answer = reviewer.post(f"/staff/decisions/{decision.id}/publish", data={"no_personal_data": "y"})
        assert answer.status_code == 302
        decision = the_decision()
        assert decision.state is DecisionState.PUBLISHED
        assert decision.publish_until == date(2027, 11, 20)
        assert client.get(f"/decisions/{decision.id}").status_code == 200
        assert f"/decisions/{decision.id}" in client.get("/search?q=公示许可证").text
    actions = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == f"decision:{decision.id}"))
    assert list(actions) == ["decision.create", "decision.submit", "decision.publish"]


@pytest.mark.parametrize("step", ["publish", "send-back"])
@pytest.mark.parametrize("part", ["created_by_id", "edited_by_id"])
def test_nobody_reviews_their_own_decision(sign_in: SignIn, step: str, part: str) -> None:
    organ = make_organ()
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    staff_id = db.session.scalar(sa.text("SELECT max(id) FROM staff"))
    decision = make_decision(organ=organ, state=DecisionState.REVIEW, **{part: staff_id})
    data = {"no_personal_data": "y", "note": "请改。"}
    assert reviewer.post(f"/staff/decisions/{decision.id}/{step}", data=data).status_code == 403
    assert the_decision().state is DecisionState.REVIEW


def test_sent_back_decision_shows_the_note_and_can_be_changed(sign_in: SignIn) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, state=DecisionState.REVIEW)
    reviewer = sign_in(Role.SUPERVISOR)
    assert reviewer.post(f"/staff/decisions/{decision.id}/send-back", data={"note": " "}).status_code == 422
    reviewer.post(f"/staff/decisions/{decision.id}/send-back", data={"note": "请写明时间。"})
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    assert "请写明时间。" in clerk.get(f"/staff/decisions/{decision.id}/edit").text
    answer = clerk.post(f"/staff/decisions/{decision.id}/edit", data=typed(organ, facts="11月1日检查时没有公示。"))
    assert answer.status_code == 302
    assert the_decision().facts == "11月1日检查时没有公示。"
    clerk.post(f"/staff/decisions/{decision.id}/submit")
    assert the_decision().state is DecisionState.REVIEW
    assert the_decision().review_note == ""


@pytest.mark.parametrize("state", [DecisionState.REVIEW, DecisionState.PUBLISHED, DecisionState.WITHDRAWN])
def test_only_drafts_can_be_changed(sign_in: SignIn, state: DecisionState) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, state=state)
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    answer = clerk.post(f"/staff/decisions/{decision.id}/edit?lang=en", data=typed(organ, title="改了"))
    assert answer.status_code == 422
    assert "Only drafts" in answer.text
    assert the_decision().title == decision.title
    assert clerk.post(f"/staff/decisions/{decision.id}/submit").status_code == 409


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"facts": "身份证号11010519491231002X"}, "The text holds an identity number."),
        ({"content": "联系13800138000"}, "The text holds a mobile phone number."),
        ({"document_number": " "}, "Enter the document number"),
        ({"decided_on": "2026-13-01"}, "Not a valid date value"),
        ({"credit_code": "91110000600037341X"}, "This credit code cannot be right"),
        ({"phone": "0391-1234567"}, "Enter an 11-digit mobile number"),
        ({"title": "长" * 201}, "has 201 characters; at most 200 fit"),
        (
            {"party_kind": "person", "party_name": "张虚构", "facts": "张虚构没有公示。"},
            "the full name of a natural person",
        ),
        ({"basis": "none"}, "Invalid Choice"),
        ({"fine": "-1"}, "Enter the fine as a number"),
        ({"fine": "a lot"}, "1 thing needs fixing"),
        ({"fine": "NaN"}, "Enter the fine as a number"),
        ({"fine": "9" * 40}, "Enter the fine as a number"),
    ],
)
def test_bad_drafts_say_why_and_keep_what_was_typed(sign_in: SignIn, changes: dict[str, Any], words: str) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    answer = clerk.post("/staff/decisions/new?lang=en", data=typed(organ, violation="保留我", **changes))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'id="errors"' in answer.text
    assert "保留我" in answer.text
    assert db.session.scalars(sa.select(Decision)).all() == []
    assert db.session.scalars(sa.select(Contact)).all() == []


def test_marks_that_turn_text_around_are_left_out(sign_in: SignIn) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    odd = typed(organ, title="罚款\u202e1000\x07元", fine="1,000.50", facts="第一行\n第二行\x00")
    assert clerk.post("/staff/decisions/new", data=odd).status_code == 302
    decision = the_decision()
    assert (decision.title, str(decision.fine), decision.facts) == ("罚款1000元", "1000.50", "第一行\n第二行")


def test_unknown_article_is_refused_on_its_field(sign_in: SignIn, tmp_path: Path) -> None:
    organ, basis = make_organ(), make_basis(tmp_path)
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    answer = clerk.post("/staff/decisions/new?lang=en", data=typed(organ, basis=basis.id, article="99"))
    assert answer.status_code == 422
    assert '<a href="#article">This law has no such article.</a>' in answer.text


def test_number_is_unique_for_an_organ_only(sign_in: SignIn) -> None:
    organ, other = make_organ(), make_organ()
    make_decision(organ=organ, document_number="虚监罚〔2026〕1号")
    admin = sign_in(Role.ADMIN)
    answer = admin.post("/staff/decisions/new?lang=en", data=typed(organ))
    assert answer.status_code == 422
    assert '<a href="#document_number">This organ already has a decision' in answer.text
    assert admin.post("/staff/decisions/new", data=typed(other)).status_code == 302


def test_known_party_is_used_again_by_its_code(sign_in: SignIn) -> None:
    organ = make_organ()
    party = make_party(name="虚构食品有限公司", credit_code="91110000600037341L", phone=None)
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    clerk.post("/staff/decisions/new", data=typed(organ, credit_code="９１１１００００６０００３７３４１l"))
    assert the_decision().party_id == party.id
    wrong = typed(organ, credit_code="91110000600037341L", party_name="别的公司", document_number="另一号")
    answer = clerk.post("/staff/decisions/new?lang=en", data=wrong)
    assert answer.status_code == 422
    assert "This credit code belongs to 虚构食品有限公司" in answer.text


def test_people_of_one_name_stay_two_people(sign_in: SignIn) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    for number in ("1号", "2号"):
        data = typed(organ, party_kind="person", party_name="张虚构", document_number=number)
        assert clerk.post("/staff/decisions/new", data=data).status_code == 302
    assert len(db.session.scalars(sa.select(Party)).all()) == 2


def test_staff_see_their_own_organ_only(sign_in: SignIn) -> None:
    mine, other = make_organ(), make_organ()
    shown, hidden = make_decision(organ=mine), make_decision(organ=other)
    clerk = sign_in(Role.CLERK, organ_id=mine.id)
    page = clerk.get("/staff/decisions/").text
    assert shown.title in page
    assert hidden.title not in page
    assert clerk.get(f"/staff/decisions/{hidden.id}").status_code == 404
    assert clerk.post(f"/staff/decisions/{hidden.id}/submit").status_code == 404
    assert clerk.post("/staff/decisions/new", data=typed(other)).status_code == 422
    assert hidden.title in sign_in(Role.SUPERVISOR).get("/staff/decisions/").text


@pytest.mark.parametrize(
    ("decided_on", "words"),
    [("2026-11-20", "5 working days left"), ("2026-11-13", "Due today"), ("2026-11-12", "1 working day late")],
)
def test_clock_counts_seven_working_days(sign_in: SignIn, decided_on: str, words: str) -> None:
    with time_machine.travel("2026-11-24T02:00:00Z", tick=False):
        organ = make_organ()
        make_decision(organ=organ, state=DecisionState.DRAFT, decided_on=date.fromisoformat(decided_on))
        assert words in sign_in(Role.CLERK, organ_id=organ.id).get("/staff/decisions/?lang=en").text


def test_withdrawal_needs_a_reason_for_the_public(sign_in: SignIn, client: FlaskClient) -> None:
    decision = make_decision()
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    assert clerk.post(f"/staff/decisions/{decision.id}/withdraw", data={"reason": "错了"}).status_code == 403
    supervisor = sign_in(Role.SUPERVISOR)
    assert supervisor.post(f"/staff/decisions/{decision.id}/withdraw", data={"reason": ""}).status_code == 422
    assert client.get(f"/decisions/{decision.id}").status_code == 200
    supervisor.post(f"/staff/decisions/{decision.id}/withdraw", data={"reason": "经行政复议撤销。"})
    assert client.get(f"/decisions/{decision.id}").status_code == 410
    again = supervisor.post(f"/staff/decisions/{decision.id}/withdraw?lang=en", data={"reason": "再来"})
    assert again.status_code == 409
    assert the_decision().withdrawal_reason == "经行政复议撤销。"


@pytest.mark.parametrize("query", ["", "?state=review", "?state=nothing", "?q=没有", "?page=9"])
def test_worklist_has_no_dead_ends(sign_in: SignIn, query: str) -> None:
    assert sign_in(Role.SUPERVISOR).get(f"/staff/decisions/{query}").status_code == 200
