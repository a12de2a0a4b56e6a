"""Side by side: a person decides what is masked, and nobody's confirmation covers what they did not see."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.audit.service import first_broken
from portal.db import db
from portal.decision_masking.queries import get_sheet
from portal.decisions.models import Decision, DecisionState
from portal.decisions.service import PartyDetails, keep_texts, original_texts
from portal.organs.models import Organ
from portal.parties.models import PartyKind
from tests.factories.accounts import make_staff
from tests.factories.decisions import make_decision
from tests.factories.drafts import FACTS, OWN, PERSONAL, make_draft
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
PLAIN: dict[str, Any] = {
    "title": "未公示许可证",
    "violation": "",
    "facts": "检查时没有公示许可证。",
    "content": "警告",
    "place": "",
    "note": "",
}
FIRM = PartyDetails(kind=PartyKind.ORGANISATION, name="虚构食品有限公司")


@pytest.fixture
def organ(app: Flask) -> Organ:
    return make_organ()


@pytest.fixture
def draft(organ: Organ) -> Decision:
    return make_draft(organ, make_staff(organ_id=organ.id))


@pytest.fixture
def desk(sign_in: SignIn, organ: Organ) -> FlaskClient:
    return sign_in(Role.CLERK, organ_id=organ.id)


def page_of(decision: Decision) -> str:
    return f"/staff/decision-masking/{decision.id}"


def opened(desk: FlaskClient, decision: Decision) -> str:
    """Open the original and return the page."""
    assert desk.post(f"{page_of(decision)}/open").status_code == 303
    return desk.get(page_of(decision)).text


def number_of(decision: Decision, passage: str) -> int:
    return next(group.number for group in get_sheet(decision).groups if group.passage == passage)


def seen(decision: Decision) -> str:
    return get_sheet(decision).seen


def steps(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action)))


def test_draft_shows_the_machines_proposal_and_keeps_the_original_apart(draft: Decision) -> None:
    public = " ".join([draft.title, draft.violation, draft.facts, draft.content, draft.place, draft.note])
    assert {name for name, datum in PERSONAL.items() if datum in public or datum.replace("-", "") in public} == set()
    assert all(datum in public for datum in OWN.values())
    assert draft.original is not None and draft.original.texts["facts"] == FACTS
    assert draft.masked_at is None


def test_original_is_only_shown_to_whoever_opens_it_and_that_is_recorded(desk: FlaskClient, draft: Decision) -> None:
    before = desk.get(page_of(draft)).text
    assert "410883199001011234" not in before
    assert "张虚构" not in before
    assert steps("decision.original") == []
    after = opened(desk, draft)
    assert "410883199001011234" in after
    assert [entry.subject for entry in steps("decision.original")] == [f"decision:{draft.id}"]


def test_whoever_opens_the_form_of_a_draft_is_recorded_once_in_a_while(
    sign_in: SignIn, organ: Organ, draft: Decision
) -> None:
    desk, address = sign_in(Role.CLERK, organ_id=organ.id), f"/staff/decisions/{draft.id}/edit"
    with time_machine.travel(clock.now(), tick=False) as traveller:
        assert "410883199001011234" in desk.get(address).text
        desk.get(address)
        (entry,) = steps("decision.original")
        assert (entry.subject, entry.staff_id is not None) == (f"decision:{draft.id}", True)
        traveller.shift(timedelta(minutes=31))
        desk.get(address)
        assert len(steps("decision.original")) == 2
    other = sign_in(Role.CLERK, organ_id=organ.id)
    other.get(f"/staff/decisions/{draft.id}")
    assert len(steps("decision.original")) == 2
    other.get(address)
    assert len(steps("decision.original")) == 3


def test_original_closes_again(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    with time_machine.travel(clock.now() + timedelta(minutes=31)):
        assert "410883199001011234" not in desk.get(page_of(draft)).text
        refused = desk.post(f"{page_of(draft)}/confirm", data={"seen": seen(draft)})
    assert refused.status_code == 303
    assert db.session.get_one(Decision, draft.id).masked_at is None


def test_only_the_organ_and_administrators_reach_the_page(sign_in: SignIn, organ: Organ, draft: Decision) -> None:
    other = make_organ()
    readers = [
        (Role.CLERK, organ.id, 200), (Role.REVIEWER, organ.id, 200), (Role.ADMIN, None, 200),
        (Role.SUPERVISOR, None, 403), (Role.CLERK, other.id, 404), (Role.REVIEWER, other.id, 404),
    ]  # fmt: skip
    for role, organ_id, status in readers:
        client = sign_in(role, organ_id=organ_id)
        assert client.get(page_of(draft)).status_code == status
        assert client.post(f"{page_of(draft)}/open").status_code == (303 if status == 200 else status)
    assert len(steps("decision.original")) == 3


def test_confirming_writes_the_public_words_and_is_recorded_without_them(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    answer = desk.post(f"{page_of(draft)}/confirm", data={"seen": seen(draft)})
    assert answer.status_code == 303
    assert answer.location.endswith(f"/staff/decisions/{draft.id}")
    decision = db.session.get_one(Decision, draft.id)
    assert decision.masked_at is not None and decision.masked_by_id is not None
    assert decision.original is not None
    kinds = {mark["kind"] for mark in decision.original.marks["facts"]}
    assert {"name", "identity_number", "phone", "address", "plate", "bank_card", "online"} <= kinds
    entry = steps("decision.mask")[0]
    assert entry.details["found"]["name"] >= 3
    words = str(entry.details)
    assert not any(datum in words for datum in PERSONAL.values())
    assert first_broken() is None


def test_a_wrong_mark_is_taken_away_with_a_reason_and_can_come_back(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    number = number_of(draft, "豫H12345")
    bare = desk.post(f"{page_of(draft)}/leave", data={"seen": seen(draft), "number": number})
    assert bare.status_code == 422
    assert "豫H12345" not in db.session.get_one(Decision, draft.id).facts
    desk.post(f"{page_of(draft)}/leave", data={"seen": seen(draft), "number": number, "why": "authority"})
    assert "豫H12345" in db.session.get_one(Decision, draft.id).facts
    assert [entry.details for entry in steps("decision.leave_visible")] == [{"kind": "plate", "why": "authority"}]
    desk.post(f"{page_of(draft)}/confirm", data={"seen": seen(draft)})
    assert "豫H12345" in db.session.get_one(Decision, draft.id).facts
    number = number_of(draft, "豫H12345")
    desk.post(f"{page_of(draft)}/hide-again", data={"seen": seen(draft), "number": number})
    decision = db.session.get_one(Decision, draft.id)
    assert "豫H12345" not in decision.facts
    assert decision.masked_at is None, "what was confirmed before is a proposal again"


def test_the_partys_own_name_cannot_be_left_visible(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    data = {"seen": seen(draft), "number": number_of(draft, "张虚构"), "why": "word"}
    assert desk.post(f"{page_of(draft)}/leave", data=data).status_code == 422
    assert "张虚构" not in db.session.get_one(Decision, draft.id).facts


def test_a_passage_is_hidden_wherever_it_stands(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    answer = desk.post(f"{page_of(draft)}/hide", data={"seen": seen(draft), "passage": "占 道", "kind": "other"})
    assert answer.status_code == 303
    decision = db.session.get_one(Decision, draft.id)
    assert "占道" not in decision.title + decision.violation + decision.facts
    taken_back = {"seen": seen(draft), "number": number_of(draft, "占道"), "why": "word"}
    desk.post(f"{page_of(draft)}/leave", data=taken_back)
    assert "占道" in db.session.get_one(Decision, draft.id).title


def test_a_passage_that_stands_nowhere_is_refused_and_kept(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    for passage in ("", "构", "不在文中的话", "x" * 201):
        answer = desk.post(f"{page_of(draft)}/hide", data={"seen": seen(draft), "passage": passage, "kind": "other"})
        assert answer.status_code == 422
        assert f'value="{passage}"' in answer.text


def test_choices_outlive_an_edit_but_the_confirmation_does_not(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    data = {"seen": seen(draft), "number": number_of(draft, "豫H12345"), "why": "authority"}
    desk.post(f"{page_of(draft)}/leave", data=data)
    desk.post(f"{page_of(draft)}/confirm", data={"seen": seen(draft)})
    decision = db.session.get_one(Decision, draft.id)
    texts = original_texts(decision)
    keep_texts(decision=decision, texts=texts | {"facts": texts["facts"] + "另有证人钱七证明。"})
    assert decision.masked_at is None
    assert "豫H12345" in decision.facts
    assert "钱七" not in decision.facts


def test_nobody_confirms_what_somebody_else_has_changed(sign_in: SignIn, organ: Organ, draft: Decision) -> None:
    one, other = (sign_in(Role.CLERK, organ_id=organ.id) for _number in range(2))
    opened(one, draft)
    opened(other, draft)
    on_screen = seen(draft)
    data = {"seen": on_screen, "number": number_of(draft, "豫H12345"), "why": "authority"}
    assert one.post(f"{page_of(draft)}/leave", data=data).status_code == 303
    late = other.post(f"{page_of(draft)}/confirm", data={"seen": on_screen})
    assert late.status_code == 409
    assert 'role="alert"' in late.text
    assert db.session.get_one(Decision, draft.id).masked_at is None
    now_seen = re.search(r'name="seen" value="(\w+)"', late.text)
    assert now_seen
    assert other.post(f"{page_of(draft)}/confirm", data={"seen": now_seen[1]}).status_code == 303
    twice = one.post(f"{page_of(draft)}/confirm", data={"seen": now_seen[1]})
    assert twice.status_code == 409
    assert len(steps("decision.mask")) == 1


def test_a_decision_under_review_is_not_masked_any_more(desk: FlaskClient, draft: Decision) -> None:
    opened(desk, draft)
    draft.state = DecisionState.REVIEW
    db.session.flush()
    assert desk.post(f"{page_of(draft)}/confirm", data={"seen": seen(draft)}).status_code == 409


def test_a_decision_about_a_minor_is_held_back(desk: FlaskClient, organ: Organ) -> None:
    minor = make_draft(organ, make_staff(), number=2, facts="当事人张虚构，男，16周岁，学生。")
    opened(desk, minor)
    answer = desk.post(f"{page_of(minor)}/confirm", data={"seen": seen(minor)})
    assert answer.status_code == 422
    assert db.session.get_one(Decision, minor.id).masked_at is None
    data = {"seen": seen(minor), "number": number_of(minor, "16"), "why": "age"}
    assert desk.post(f"{page_of(minor)}/leave", data=data).status_code == 303
    assert desk.post(f"{page_of(minor)}/confirm", data={"seen": seen(minor)}).status_code == 303


def test_decisions_without_a_finding_are_confirmed_together(desk: FlaskClient, organ: Organ, draft: Decision) -> None:
    clerk = make_staff(organ_id=organ.id)
    plain = [make_draft(organ, clerk, number=number, party=FIRM, **PLAIN) for number in (11, 12, 13)]
    page = desk.get("/staff/decision-masking/").text
    boxes = re.findall(r'name="chosen" value="(\d+):\w+"', page)
    assert boxes == [str(decision.id) for decision in plain]
    assert "张虚构" not in page
    values = re.findall(r'name="chosen" value="([^"]+)"', page)[:2]
    stale = f"{plain[2].id}:{'0' * 32}"
    forged = f"{draft.id}:{seen(draft)}"
    answer = desk.post("/staff/decision-masking/", data={"chosen": [*values, stale, forged]})
    assert answer.status_code == 303
    db.session.expire_all()
    assert [decision.masked_at is not None for decision in (*plain, draft)] == [True, True, False, False]


def test_batch_of_nothing_and_nonsense(desk: FlaskClient) -> None:
    assert desk.post("/staff/decision-masking/", data={}).status_code == 303
    assert desk.post("/staff/decision-masking/", data={"chosen": "x"}).status_code == 404
    assert desk.get("/staff/decision-masking/?page=nonsense").status_code == 200


def test_another_organs_decision_is_not_confirmed_in_a_batch(desk: FlaskClient) -> None:
    foreign = make_draft(make_organ(), make_staff(), party=FIRM, **PLAIN)
    answer = desk.post("/staff/decision-masking/", data={"chosen": f"{foreign.id}:{seen(foreign)}"})
    assert answer.status_code == 404
    assert db.session.get_one(Decision, foreign.id).masked_at is None


def test_older_decisions_without_an_original_can_be_masked(desk: FlaskClient, organ: Organ) -> None:
    old = make_decision(organ=organ, state=DecisionState.DRAFT, facts="证人王五证实，检查时没有公示许可证。")
    opened(desk, old)
    assert desk.post(f"{page_of(old)}/confirm", data={"seen": seen(old)}).status_code == 303
    decision = db.session.get_one(Decision, old.id)
    assert decision.facts == "证人王某某证实，检查时没有公示许可证。"
    assert decision.original is not None and "王五" in decision.original.texts["facts"]


def test_the_citys_settings_say_how_persons_are_named_and_which_accounts_stay(app: Flask, organ: Organ) -> None:
    facts = "张虚构把钱转入6222021234567890123，又转入6222021234567890999。"
    changes = {"person_names": "surname-star", "payment_accounts": ("6222021234567890999",)}
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], **changes)
    decision = make_draft(organ, make_staff(), facts=facts)
    assert decision.facts == "张*把钱转入***，又转入6222021234567890999。"
    decision.state, decision.published_at = DecisionState.PUBLISHED, clock.now()
    page = app.test_client().get(f"/decisions/{decision.id}").text
    assert "张*" in page
    assert "张某某" not in page
