"""Staff draft a decision, a person confirms its masking, and a second one publishes it or sends it back."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.contacts.models import Contact
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.decisions.queries import fingerprint, public_content
from portal.organs.models import Organ
from portal.parties.models import Party
from portal.transparency import rules as log_rules
from portal.transparency.models import LogAction
from portal.transparency.queries import list_for_subject
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


def version(decision: Decision) -> dict[str, str]:
    """Return what a form sends of the state in which it was opened."""
    return {"version": fingerprint(decision)}


def confirm_masking(decision: Decision) -> None:
    """Do what the page of the masking does."""
    decision.masked_at = clock.now()
    db.session.commit()


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
        confirm_masking(decision)
        assert clerk.post(f"/staff/decisions/{decision.id}/submit", data=version(decision)).status_code == 302
        sent = version(the_decision()) | {"no_personal_data": "y"}
        assert clerk.post(f"/staff/decisions/{decision.id}/publish", data=sent).status_code == 403
        reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
        assert "no personal data of others" in reviewer.get(f"/staff/decisions/{decision.id}/review?lang=en").text
        assert reviewer.post(f"/staff/decisions/{decision.id}/publish", data={}).status_code == 422
        assert client.get(f"/decisions/{decision.id}").status_code == 404
        assert reviewer.post(f"/staff/decisions/{decision.id}/publish", data=sent).status_code == 302
        decision = the_decision()
        assert decision.state is DecisionState.PUBLISHED
        # Order 36 counts from the day of the decision.
        assert decision.publish_until == date(2027, 11, 18)
        assert client.get(f"/decisions/{decision.id}").status_code == 200
        assert f"/decisions/{decision.id}" in client.get("/search?q=公示许可证").text
    actions = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == f"decision:{decision.id}"))
    assert list(actions) == ["decision.create", "decision.submit", "decision.publish"]
    (entry,) = list_for_subject(f"decision:{decision.id}")
    assert entry.action is LogAction.PUBLISH
    assert entry.content_hash == log_rules.content_hash(entry.salt, log_rules.canonical(public_content(decision)))


def test_original_and_masked_words_are_kept_apart(sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    facts = "当事人张虚构，身份证号11010519491231002X，电话13800138000，没有公示许可证。"
    data = typed(organ, party_kind="person", party_name="张虚构", facts=facts, title="张虚构未公示许可证")
    assert clerk.post("/staff/decisions/new", data=data).status_code == 302
    decision = the_decision()
    assert decision.original is not None
    assert decision.original.texts["facts"] == facts
    public = f"{decision.title}{decision.facts}"
    assert "张某某" in public
    assert not any(secret in public for secret in ("张虚构", "11010519491231002X", "13800138000"))
    assert decision.masked_at is None
    refused = clerk.post(f"/staff/decisions/{decision.id}/submit?lang=en", data=version(decision))
    assert refused.status_code == 409
    assert "Nobody has confirmed yet what is masked" in refused.text
    confirm_masking(decision)
    assert facts in clerk.get(f"/staff/decisions/{decision.id}/edit").text
    same = data | version(decision)
    assert clerk.post(f"/staff/decisions/{decision.id}/edit", data=same | {"fine": "2000"}).status_code == 302
    assert the_decision().masked_at is not None, "a figure changed, no words"
    changed = data | version(the_decision()) | {"facts": facts + "再查仍未公示。"}
    assert clerk.post(f"/staff/decisions/{decision.id}/edit", data=changed).status_code == 302
    assert the_decision().masked_at is None


@pytest.mark.parametrize("changes", [{"party_name": "李虚构"}, {"party_kind": "organisation"}, {"title": "别的标题"}])
def test_masking_has_to_be_confirmed_anew_after_a_change(sign_in: SignIn, changes: dict[str, str]) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    data = typed(organ, party_kind="person", party_name="张虚构")
    clerk.post("/staff/decisions/new", data=data)
    decision = the_decision()
    confirm_masking(decision)
    clerk.post(f"/staff/decisions/{decision.id}/edit", data=data | version(decision) | changes)
    assert (the_decision().masked_at, the_decision().masked_by_id) == (None, None)


@pytest.mark.parametrize("page", ["", "/review", "/edit"])
def test_only_the_organ_itself_sees_the_original(sign_in: SignIn, page: str) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    clerk.post(
        "/staff/decisions/new", data=typed(organ, party_kind="person", party_name="张虚构", facts="张虚构没有公示。")
    )
    decision = the_decision()
    if page == "/review":
        decision.state = DecisionState.REVIEW
    address = f"/staff/decisions/{decision.id}{page}"
    supervisor = sign_in(Role.SUPERVISOR, organ_id=make_organ().id)
    answer = supervisor.get(address)
    assert answer.status_code == (403 if page == "/edit" else 200)
    assert "张虚构" not in answer.text
    assert "张虚构" not in supervisor.get("/staff/decisions/").text
    assert decision.document_number not in supervisor.get("/staff/decisions/?q=张虚构").text
    if not page:
        assert "张虚构" in clerk.get(address).text
        assert "张虚构" in sign_in(Role.ADMIN).get(address).text


def test_fields_are_asked_by_kind_and_typed_words_outlive_its_change(sign_in: SignIn) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    penalty = typed(organ, title="留着我", fine="1000", confiscated="20.5", certificate="虚构许可证1号")
    page = clerk.post("/staff/decisions/new", data=penalty | {"as": "permit"})
    assert page.status_code == 200
    assert "留着我" in page.text
    assert ('name="permit_number"' in page.text, 'name="fine"' in page.text) == (True, False)
    permit = penalty | {
        "kind": "permit",
        "permit_number": "虚构许1号",
        "permit_category": "普通",
        "valid_to": "2027-01-01",
    }
    del permit["facts"]
    assert clerk.post("/staff/decisions/new", data=permit).status_code == 302
    decision = the_decision()
    assert (decision.kind.value, decision.permit_number, decision.permit_category) == ("permit", "虚构许1号", "普通")
    assert (decision.fine, decision.measures, decision.facts) == (None, [], "")
    assert (
        clerk.post("/staff/decisions/new?kind=nonsense", data=penalty | {"document_number": "2号"}).status_code == 302
    )
    newest = db.session.scalars(sa.select(Decision).order_by(Decision.id.desc())).first()
    assert newest is not None
    assert (str(newest.confiscated), newest.certificate, newest.permit_number) == ("20.50", "虚构许可证1号", "")


def test_a_stale_form_keeps_its_words_and_writes_nothing(sign_in: SignIn) -> None:
    organ = make_organ()
    one, other = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.CLERK, organ_id=organ.id)
    one.post("/staff/decisions/new", data=typed(organ))
    decision = the_decision()
    opened = version(decision)
    assert (
        other.post(f"/staff/decisions/{decision.id}/edit", data=typed(organ, title="先写的") | opened).status_code
        == 302
    )
    late = one.post(f"/staff/decisions/{decision.id}/edit?lang=en", data=typed(organ, title="后写的") | opened)
    assert late.status_code == 409
    assert "Somebody changed this draft after you opened it" in late.text
    assert "后写的" in late.text
    assert the_decision().title == "先写的"
    again = typed(organ, title="后写的") | {"version": re.findall(r'name="version"[^>]*value="(\w+)"', late.text)[0]}
    assert one.post(f"/staff/decisions/{decision.id}/edit", data=again).status_code == 302
    assert the_decision().title == "后写的"


@pytest.mark.parametrize("step", ["publish", "send-back"])
@pytest.mark.parametrize("part", ["created_by_id", "edited_by_id", "masked_by_id"])
def test_nobody_reviews_their_own_decision(sign_in: SignIn, step: str, part: str) -> None:
    organ = make_organ()
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    staff_id = db.session.scalar(sa.text("SELECT max(id) FROM staff"))
    decision = make_decision(organ=organ, state=DecisionState.REVIEW, **{part: staff_id})
    data = version(decision) | {"no_personal_data": "y", "note": "请改。"}
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
    data = typed(organ, facts="11月1日检查时没有公示。") | version(the_decision())
    assert clerk.post(f"/staff/decisions/{decision.id}/edit", data=data).status_code == 302
    assert the_decision().facts == "11月1日检查时没有公示。"
    confirm_masking(the_decision())
    clerk.post(f"/staff/decisions/{decision.id}/submit", data=version(the_decision()))
    assert the_decision().state is DecisionState.REVIEW
    assert the_decision().review_note == ""


@pytest.mark.parametrize("state", [DecisionState.REVIEW, DecisionState.PUBLISHED, DecisionState.WITHDRAWN])
def test_only_drafts_can_be_changed(sign_in: SignIn, state: DecisionState) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, state=state)
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    data = typed(organ, title="改了") | version(decision)
    answer = clerk.post(f"/staff/decisions/{decision.id}/edit?lang=en", data=data)
    assert answer.status_code == 409
    assert "Only drafts" in answer.text
    assert the_decision().title == decision.title
    assert clerk.post(f"/staff/decisions/{decision.id}/submit", data=version(decision)).status_code == 409


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decided_on": "2999-01-01"}, "This day is yet to come."),
        ({"decided_on": "0026-11-18"}, "Check the year."),
        ({"valid_to": "2020-01-01"}, "This day is before the first one."),
        ({"confiscated": "Infinity"}, "Enter a sum in yuan"),
        ({"document_number": " "}, "Enter the document number"),
        ({"decided_on": "2026-13-01"}, "Not a valid date value"),
        ({"credit_code": "91110000600037341X"}, "This credit code cannot be right"),
        ({"phone": "0391-1234567"}, "Enter an 11-digit mobile number"),
        ({"title": "长" * 201}, "has 201 characters; at most 200 fit"),
        ({"basis": "none"}, "Invalid Choice"),
        ({"fine": "-1"}, "Enter a sum in yuan"),
        ({"fine": "a lot"}, "1 thing needs fixing"),
        ({"fine": "NaN"}, "Enter a sum in yuan"),
        ({"fine": "9" * 40}, "Enter a sum in yuan"),
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


@pytest.mark.parametrize("spelling", ["虚监罚〔2026〕1号", "虚监罚[2026] 1号", "虚监罚（２０２６）１号"])
def test_number_is_unique_for_an_organ_only(sign_in: SignIn, spelling: str) -> None:
    organ, other = make_organ(), make_organ()
    make_decision(organ=organ, document_number=spelling)
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


@pytest.mark.parametrize("query", ["", "?state=review", "?state=nothing", "?q=没有", "?page=9"])
def test_worklist_has_no_dead_ends(sign_in: SignIn, query: str) -> None:
    assert sign_in(Role.SUPERVISOR).get(f"/staff/decisions/{query}").status_code == 200
