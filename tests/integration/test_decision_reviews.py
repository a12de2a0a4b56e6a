"""The second person: checks on record, publication by one of two reviewers at once, several decisions in one go."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.decision_corrections.service import apply_correction, propose_correction
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.decisions.queries import fingerprint
from portal.errors import Conflict
from portal.organs.models import Organ
from portal.transparency.queries import list_for_subject
from tests.factories.accounts import make_staff
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

SignIn = Callable[..., FlaskClient]
GRAVE: dict[str, Any] = {"fine": Decimal(60_000), "measures": ["罚款"], "content": "罚款60000元"}


def sent(decision: Decision) -> dict[str, str]:
    """Return what the review form sends."""
    return {"version": fingerprint(decision), "no_personal_data": "y"}


def again(decision: Decision) -> Decision:
    return db.session.get_one(Decision, decision.id, populate_existing=True)


def check(kind: str = "legal_review", **changes: str) -> dict[str, str]:
    """Return what staff type of a check."""
    today = clock.today().isoformat()
    return {"kind": kind, "document_number": "虚法审〔2026〕1号", "concluded_on": today, "result": "passed"} | changes


def test_a_grave_penalty_needs_both_checks_that_passed(sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, state=DecisionState.SENT_BACK, **GRAVE)
    clerk, reviewer = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.REVIEWER, organ_id=organ.id)
    address = f"/staff/decisions/{decision.id}"
    refused = clerk.post(f"{address}/submit?lang=en", data={"version": fingerprint(decision)})
    assert refused.status_code == 409
    assert "needs one on record that was passed: Risk assessment, Legal review." in refused.text
    page = clerk.get(f"{address}/checks").text
    assert "孟政办〔2012〕105号" in page
    assert "省政府令第204号" in page
    assert clerk.post(f"{address}/checks", data=check("risk_assessment")).status_code == 302
    assert clerk.post(f"{address}/checks", data=check("legal_review", result="failed")).status_code == 302
    refused = clerk.post(f"{address}/submit?lang=en", data={"version": fingerprint(again(decision))})
    assert "that was passed: Legal review." in refused.text
    assert clerk.post(f"{address}/checks", data=check("legal_review")).status_code == 302
    assert clerk.post(f"{address}/submit", data={"version": fingerprint(again(decision))}).status_code == 302
    # What was on record when it was handed over may have been overtaken since.
    assert reviewer.post(f"{address}/checks", data=check("legal_review", result="failed")).status_code == 302
    assert reviewer.post(f"{address}/publish", data=sent(again(decision))).status_code == 409
    assert client.get(f"/decisions/{decision.id}").status_code == 404
    assert reviewer.post(f"{address}/checks", data=check("legal_review")).status_code == 302
    assert reviewer.post(f"{address}/publish", data=sent(again(decision))).status_code == 302
    assert client.get(f"/decisions/{decision.id}").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "rumour"},
        {"concluded_on": "2999-01-01"},
        {"document_number": " "},
        {"result": ""},
        {"note": "长" * 1001},
    ],
)
def test_a_check_is_recorded_whole_or_not_at_all(sign_in: SignIn, changes: dict[str, str]) -> None:
    decision = make_decision(state=DecisionState.DRAFT)
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    answer = clerk.post(f"/staff/decisions/{decision.id}/checks", data=check(**changes))
    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    assert "decision.check" not in db.session.scalars(sa.select(AuditEntry.action)).all()


@pytest.mark.parametrize("page", ["", "/checks", "/review", "/edit"])
def test_pages_of_other_organs_are_not_there(sign_in: SignIn, page: str) -> None:
    decision = make_decision(state=DecisionState.REVIEW)
    assert (
        sign_in(Role.REVIEWER, organ_id=make_organ().id).get(f"/staff/decisions/{decision.id}{page}").status_code == 404
    )


def test_nobody_publishes_what_was_changed_after_they_looked(sign_in: SignIn) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, state=DecisionState.REVIEW)
    seen = sent(decision)
    decision.content = "罚款9000元"
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    answer = reviewer.post(f"/staff/decisions/{decision.id}/publish?lang=en", data=seen)
    assert answer.status_code == 409
    assert "was changed after you opened it" in answer.text
    assert again(decision).state is DecisionState.REVIEW


def test_masking_must_be_confirmed_when_it_is_published(sign_in: SignIn) -> None:
    decision = make_decision(state=DecisionState.REVIEW, masked_at=None)
    reviewer = sign_in(Role.REVIEWER, organ_id=decision.organ_id)
    assert reviewer.post(f"/staff/decisions/{decision.id}/publish", data=sent(decision)).status_code == 409
    assert again(decision).state is DecisionState.REVIEW


@pytest.mark.parametrize(("measures", "minor"), [(["警告"], True), (["罚款"], False)])
def test_the_reviewer_learns_that_a_penalty_is_minor(sign_in: SignIn, measures: list[str], minor: bool) -> None:
    decision = make_decision(state=DecisionState.REVIEW, measures=measures)
    reviewer = sign_in(Role.REVIEWER, organ_id=decision.organ_id)
    page = reviewer.get(f"/staff/decisions/{decision.id}/review?lang=en").text
    assert ("This is a minor penalty." in page) is minor


def test_what_is_over_already_is_not_published(sign_in: SignIn) -> None:
    with time_machine.travel("2026-11-20T02:00:00Z", tick=False):
        decision = make_decision(state=DecisionState.REVIEW, measures=["警告"], decided_on=date(2026, 8, 19))
        reviewer = sign_in(Role.REVIEWER, organ_id=decision.organ_id)
        answer = reviewer.post(f"/staff/decisions/{decision.id}/publish?lang=en", data=sent(decision))
        assert answer.status_code == 409
        assert "period of this decision is over already" in answer.text
        decision.decided_on = date(2026, 8, 20)
        assert reviewer.post(f"/staff/decisions/{decision.id}/publish", data=sent(decision)).status_code == 302
        assert again(decision).publish_until == date(2026, 11, 20)


def test_two_reviewers_at_once_publish_once(app: Flask, sign_in: SignIn) -> None:
    decision = make_decision(state=DecisionState.REVIEW)
    data = sent(decision)
    reviewers = [sign_in(Role.REVIEWER, organ_id=decision.organ_id) for _ in range(2)]
    address = f"/staff/decisions/{decision.id}/publish"
    db.session.commit()

    def send(reviewer: FlaskClient) -> int:
        # The client's own `open` would end the session of the test that all share.
        return FlaskClient.open(reviewer, address, method="POST", data=data).status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, reviewers))
    db.session.expire_all()
    assert sorted(answers) == [302, 409]
    assert again(decision).state is DecisionState.PUBLISHED
    assert len(list_for_subject(f"decision:{decision.id}")) == 1


def test_handing_over_twice_changes_nothing_more(sign_in: SignIn) -> None:
    decision = make_decision(state=DecisionState.DRAFT, masked_at=clock.now())
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    data = {"version": fingerprint(decision)}
    codes = [clerk.post(f"/staff/decisions/{decision.id}/submit", data=data).status_code for _ in range(2)]
    assert codes == [302, 409]
    submitted = sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.action == "decision.submit")
    assert db.session.scalar(submitted) == 1


def batch(client: FlaskClient, decisions: list[Decision], **more: str) -> Any:
    rows = [f"{decision.id}.{fingerprint(decision)}" for decision in decisions]
    return client.post("/staff/decisions/batch?lang=en", data={"row": rows} | more)


def test_a_batch_publishes_what_can_be_and_says_what_cannot(sign_in: SignIn) -> None:
    organ = make_organ()
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    own_id = db.session.scalar(sa.text("SELECT max(id) FROM staff"))
    good = [make_decision(organ=organ, state=DecisionState.REVIEW) for _ in range(2)]
    own = make_decision(organ=organ, state=DecisionState.REVIEW, created_by_id=own_id)
    grave = make_decision(organ=organ, state=DecisionState.REVIEW, **GRAVE)
    other = make_decision(state=DecisionState.REVIEW)
    decisions = [*good, own, grave, other]
    page = reviewer.get("/staff/decisions/batch?lang=en&" + "&".join(f"id={one.id}" for one in decisions)).text
    assert "2 of them can go on." in page
    assert page.count('name="row"') == 2
    assert other.title not in page
    assert "somebody else has to review it" in page
    assert batch(reviewer, decisions).status_code == 422, "what everybody will read has to be confirmed"
    assert again(good[0]).state is DecisionState.REVIEW
    done = batch(reviewer, decisions, no_personal_data="y")
    assert done.status_code == 200
    assert (done.text.count(">Done<"), done.text.count(">Not done<")) == (2, 2)
    states = [again(decision).state for decision in decisions]
    assert states == [DecisionState.PUBLISHED] * 2 + [DecisionState.REVIEW] * 3
    assert batch(reviewer, good, no_personal_data="y").text.count(">Not done<") == 2


def test_a_batch_hands_over_drafts(sign_in: SignIn) -> None:
    organ = make_organ()
    ready = make_decision(organ=organ, state=DecisionState.DRAFT, masked_at=clock.now())
    unmasked = make_decision(organ=organ, state=DecisionState.DRAFT)
    done = batch(sign_in(Role.CLERK, organ_id=organ.id), [ready, unmasked])
    assert "Nobody has confirmed yet what is masked" in done.text
    assert (again(ready).state, again(unmasked).state) == (DecisionState.REVIEW, DecisionState.DRAFT)


def test_a_clerk_publishes_nothing_by_batch_either(sign_in: SignIn) -> None:
    decision = make_decision(state=DecisionState.REVIEW)
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    assert "A reviewer has to publish this decision." in batch(clerk, [decision], no_personal_data="y").text
    assert again(decision).state is DecisionState.REVIEW


def test_a_row_that_changed_since_it_was_shown_is_left_alone(sign_in: SignIn) -> None:
    decision = make_decision(state=DecisionState.REVIEW)
    reviewer = sign_in(Role.REVIEWER, organ_id=decision.organ_id)
    data = {"row": f"{decision.id}.{fingerprint(decision)}", "no_personal_data": "y"}
    decision.title = "别的标题"
    assert "was changed after you opened it" in reviewer.post("/staff/decisions/batch?lang=en", data=data).text
    assert again(decision).state is DecisionState.REVIEW


@pytest.mark.parametrize("query", ["", "id=", "id=x&id=²", "id=99999999999999999999", "id=-1"])
def test_odd_batches_do_nothing(sign_in: SignIn, query: str) -> None:
    supervisor = sign_in(Role.SUPERVISOR)
    assert supervisor.get(f"/staff/decisions/batch?{query}").status_code in (200, 302)
    assert supervisor.post("/staff/decisions/batch", data={"row": query}).status_code == 200


def test_the_red_list_counts_what_runs_late_by_organ(sign_in: SignIn) -> None:
    with time_machine.travel("2026-11-24T02:00:00Z", tick=False):
        mine, other = make_organ(), make_organ()
        late = make_decision(organ=mine, state=DecisionState.DRAFT, decided_on=date(2026, 11, 12))
        today = make_decision(organ=mine, state=DecisionState.REVIEW, decided_on=date(2026, 11, 13))
        make_decision(organ=mine, state=DecisionState.DRAFT, decided_on=date(2026, 11, 19))
        make_decision(organ=mine, decided_on=date(2026, 1, 5))
        ordered = make_decision(organ=other, withdrawal_ordered_on=date(2026, 11, 18))
        make_decision(organ=other, withdrawal_ordered_on=date(2026, 11, 23))
        clerk, supervisor = sign_in(Role.CLERK, organ_id=mine.id), sign_in(Role.SUPERVISOR)
        page = clerk.get("/staff/decisions/late?lang=en").text
        assert shown(page, [late, today, ordered]) == [late.id]
        assert "1 working day late" in page
        assert shown(clerk.get("/staff/decisions/late?view=soon").text, [late, today, ordered]) == [today.id]
        everything = supervisor.get("/staff/decisions/late?lang=en").text
        assert shown(everything, [late, today, ordered]) == [late.id, ordered.id]
        assert mine.name_en in everything and other.name_en in everything
        narrowed = supervisor.get(f"/staff/decisions/late?organ={other.id}").text
        assert shown(narrowed, [late, today, ordered]) == [ordered.id]
        # Another organ's number in the address opens nothing.
        assert shown(clerk.get(f"/staff/decisions/late?organ={other.id}").text, [late, ordered]) == [late.id]
        assert "<strong>2</strong> Decisions that run late" in supervisor.get("/staff/?lang=en").text
        assert "<strong>1</strong> Decisions that run late" in clerk.get("/staff/?lang=en").text


def shown(page: str, decisions: list[Decision]) -> list[int]:
    return [decision.id for decision in decisions if decision.document_number in page]


@pytest.mark.parametrize("query", ["view=x", "organ=x", "page=99", "organ=99999999999", "view=soon&page=0"])
def test_the_red_list_has_no_dead_ends(sign_in: SignIn, query: str) -> None:
    make_party()
    assert sign_in(Role.SUPERVISOR).get(f"/staff/decisions/late?{query}").status_code == 200


def test_hostile_and_long_words_are_only_words(sign_in: SignIn, client: FlaskClient) -> None:
    organ: Organ = make_organ()
    evil = "<script>alert(1)</script>{{ 7*7 }}' OR 1=1 --"
    decision = make_decision(
        organ=organ, state=DecisionState.REVIEW, title=evil, facts=(evil + "长") * 100, content=evil
    )
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    for page in ("", "/review", "/checks"):
        text = reviewer.get(f"/staff/decisions/{decision.id}{page}").text
        assert "<script>alert" not in text and "&lt;script&gt;" in text
    back = {"note": evil, "version": fingerprint(decision)}
    assert reviewer.post(f"/staff/decisions/{decision.id}/send-back", data=back).status_code == 302
    assert "<script>alert" not in sign_in(Role.CLERK, organ_id=organ.id).get(f"/staff/decisions/{decision.id}").text
    too_long = {"note": "长" * 1001}
    decision.state = DecisionState.REVIEW
    assert reviewer.post(f"/staff/decisions/{decision.id}/send-back", data=too_long).status_code == 422


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"measures": []}, "Enter the kinds of penalty"),
        ({"fine": None}, "Enter the sum of the fine"),
        ({"measures": ["警告"], "fine": Decimal(9)}, "not among the kinds of penalty"),
        ({"on_the_spot": True, "fine": Decimal(60_000)}, "cannot have been decided on the spot"),
    ],
)
def test_no_check_is_dodged_by_leaving_out_what_it_depends_on(
    sign_in: SignIn, client: FlaskClient, values: dict[str, Any], words: str
) -> None:
    organ = make_organ()
    draft = make_decision(organ=organ, state=DecisionState.SENT_BACK, **values)
    waiting = make_decision(organ=organ, state=DecisionState.REVIEW, **values)
    public = make_decision(organ=organ, measures=["罚款"], fine=Decimal(100))
    clerk, reviewer = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.REVIEWER, organ_id=organ.id)
    refused = clerk.post(f"/staff/decisions/{draft.id}/submit?lang=en", data={"version": fingerprint(draft)})
    assert (refused.status_code, words in refused.text) == (409, True)
    refused = reviewer.post(f"/staff/decisions/{waiting.id}/publish?lang=en", data=sent(waiting))
    assert (refused.status_code, words in refused.text) == (409, True)
    assert client.get(f"/decisions/{waiting.id}").status_code == 404
    correction = propose_correction(decision=public, staff=make_staff(), note="更正。", wanted=values)
    with pytest.raises(Conflict):
        apply_correction(decision=public, correction=correction, staff=make_staff())


def test_the_reviewer_is_told_of_penalties_that_only_the_text_names(sign_in: SignIn) -> None:
    organ = make_organ()
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    told = make_decision(organ=organ, state=DecisionState.REVIEW, content="罚款1000元，吊销许可证。")
    plain = make_decision(organ=organ, state=DecisionState.REVIEW)
    words = "The text speaks of kinds of penalty that are not entered"
    page = reviewer.get(f"/staff/decisions/{told.id}/review?lang=en").text
    assert words in page and "吊销许可证件" in page
    assert words not in reviewer.get(f"/staff/decisions/{plain.id}/review?lang=en").text


def test_a_kind_of_penalty_of_another_name_stays_on_the_form(sign_in: SignIn) -> None:
    decision = make_decision(state=DecisionState.DRAFT, measures=["其他-责令改正"], fine=None)
    page = sign_in(Role.CLERK, organ_id=decision.organ_id).get(f"/staff/decisions/{decision.id}/edit").text
    assert re.search(r'value="其他-责令改正"[^>]*checked|checked[^>]*value="其他-责令改正"', page)


def test_no_document_number_tells_an_identity_number(sign_in: SignIn) -> None:
    organ = make_organ()
    # A file of permits may give nothing but the number of a driver's licence.
    draft = make_decision(
        organ=organ,
        state=DecisionState.SENT_BACK,
        kind=DecisionKind.PERMIT,
        document_number="410883199001011234",
    )
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    refused = clerk.post(f"/staff/decisions/{draft.id}/submit?lang=en", data={"version": fingerprint(draft)})
    assert (refused.status_code, "number of an identity card" in refused.text) == (409, True)
    draft.document_number = "豫公交决字〔2026〕第4108831900123456号"
    db.session.commit()
    passed = clerk.post(f"/staff/decisions/{draft.id}/submit", data={"version": fingerprint(draft)})
    assert passed.status_code == 302
    public = make_decision(organ=organ)
    wanted = {"document_number": "虚监罚〔2026〕410883199001011234号"}
    correction = propose_correction(decision=public, staff=make_staff(), note="更正。", wanted=wanted)
    with pytest.raises(Conflict):
        apply_correction(decision=public, correction=correction, staff=make_staff())
