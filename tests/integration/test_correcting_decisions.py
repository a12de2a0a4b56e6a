"""A published decision is corrected: proposed, masked, and put before the public by a second person with a note."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.decisions.models import CorrectionState, Decision, DecisionCorrection, DecisionKind, DecisionState
from portal.decisions.queries import fingerprint, public_content
from portal.parties.models import PartyKind
from portal.transparency import rules as log_rules
from portal.transparency.models import LogAction
from portal.transparency.queries import list_for_subject
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

SignIn = Callable[..., FlaskClient]
SECRET = "13800138000"


def typed(decision: Decision, **changes: Any) -> dict[str, Any]:
    """Return the form as it is opened, with what staff change in it."""
    names = ("document_number", "title", "facts", "content", "measures", "violation", "basis_text")
    data: dict[str, Any] = {name: getattr(decision, name) for name in names}
    data |= {"decided_on": decision.decided_on.isoformat(), "basis": "0", "version": fingerprint(decision)}
    return data | {"public_note": "更正了违法事实。"} | changes


def again(decision: Decision) -> Decision:
    return db.session.get_one(Decision, decision.id, populate_existing=True)


def the_correction() -> DecisionCorrection:
    return db.session.scalars(sa.select(DecisionCorrection).order_by(DecisionCorrection.id.desc()).limit(1)).one()


def propose(clerk: FlaskClient, decision: Decision, **changes: Any) -> str:
    """Propose a correction; return its address."""
    answer = clerk.post(f"/staff/decisions/{decision.id}/correct", data=typed(decision, **changes))
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def apply(reviewer: FlaskClient, address: str, query: str = "") -> Any:
    """Put a correction before the public, as its page shows it."""
    page = reviewer.get(address).text
    found = re.findall(r'name="version" value="(\w+)"', page)
    return reviewer.post(f"{address}/apply{query}", data={"version": found[0] if found else ""})


def confirm(clerk: FlaskClient, address: str) -> None:
    """Confirm the masking as it is proposed."""
    page = clerk.get(f"{address}/masking").text
    hide = re.findall(r'name="hide" value="([^"]+)" checked', page)
    shown = re.findall(r'name="shown" value="(\w+)"', page)[0]
    answer = clerk.post(f"{address}/masking", data={"hide": hide, "shown": shown, "do": "confirm"})
    assert answer.status_code == 302, answer.text


def test_a_correction_goes_from_proposal_to_public_page(sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, fine=Decimal(1000))
    clerk, reviewer = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.REVIEWER, organ_id=organ.id)
    facts = f"11月1日检查时没有公示许可证，联系电话{SECRET}。"
    address = propose(clerk, decision, facts=facts, fine="900")
    assert the_correction().after == {"facts": facts, "fine": "900.00"}
    assert "11月1日" not in client.get(f"/decisions/{decision.id}").text
    assert clerk.post(f"{address}/apply").status_code == 403
    unmasked = reviewer.post(f"{address}/apply")
    assert unmasked.status_code == 409
    confirm(clerk, address)
    assert apply(reviewer, address).status_code == 302
    page = client.get(f"/decisions/{decision.id}").text
    assert "11月1日" in page and "更正了违法事实。" in page
    assert SECRET not in page
    decision = again(decision)
    assert decision.original is not None
    assert (decision.original.texts["facts"], decision.fine) == (facts, Decimal(900))
    assert (the_correction().state, the_correction().before["fine"]) == (CorrectionState.APPLIED, "1000.00")
    assert decision.corrected_at is not None
    assert f"/decisions/{decision.id}" in client.get("/search?q=11月1日检查").text
    entry = list_for_subject(f"decision:{decision.id}")[-1]
    assert entry.action is LogAction.CORRECT
    content = public_content(decision)
    assert entry.content_hash == log_rules.content_hash(entry.salt, log_rules.canonical(content))
    assert content["corrections"] == [{"on": clock.today().isoformat(), "note": "更正了违法事实。"}]
    assert SECRET not in str(content)
    assert reviewer.post(f"{address}/apply").status_code == 409, "once is enough"


def test_figures_need_no_masking_and_move_the_end(sign_in: SignIn) -> None:
    with time_machine.travel("2026-11-20T02:00:00Z", tick=False):
        organ = make_organ()
        decision = make_decision(
            organ=organ, measures=["警告"], decided_on=date(2026, 11, 16), publish_until=date(2027, 2, 16)
        )
        address = propose(sign_in(Role.CLERK, organ_id=organ.id), decision, measures=["警告", "没收违法所得"])
        assert apply(sign_in(Role.SUPERVISOR), address).status_code == 302
        assert (again(decision).measures, again(decision).publish_until) == (
            ["警告", "没收违法所得"],
            date(2027, 11, 16),
        )


def test_a_correction_that_needs_a_check_waits_for_it(sign_in: SignIn) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ, fine=Decimal(1000))
    address = propose(sign_in(Role.CLERK, organ_id=organ.id), decision, fine="100000")
    supervisor = sign_in(Role.SUPERVISOR)
    answer = apply(supervisor, address, "?lang=en")
    assert answer.status_code == 409
    assert "needs one on record that was passed: Risk assessment, Legal review" in answer.text
    assert (again(decision).fine, the_correction().state) == (Decimal(1000), CorrectionState.PROPOSED)


@pytest.mark.parametrize("part", ["proposed_by_id", "masked_by_id"])
@pytest.mark.parametrize("step", ["apply", "refuse"])
def test_nobody_decides_on_their_own_correction(sign_in: SignIn, part: str, step: str) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ)
    address = propose(sign_in(Role.CLERK, organ_id=organ.id), decision, industry="餐饮")
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    setattr(the_correction(), part, db.session.scalar(sa.text("SELECT max(id) FROM staff")))
    db.session.commit()
    assert reviewer.post(f"{address}/{step}", data={"answer": "不对。"}).status_code == 403
    assert the_correction().state is CorrectionState.PROPOSED


def test_a_refusal_gives_its_reason_and_makes_room(sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ)
    clerk, reviewer = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.REVIEWER, organ_id=organ.id)
    address = propose(clerk, decision, industry="餐饮")
    second = clerk.post(f"/staff/decisions/{decision.id}/correct?lang=en", data=typed(decision, industry="零售"))
    assert second.status_code == 409
    assert "Another correction of this decision waits" in second.text
    assert reviewer.post(f"{address}/refuse", data={"answer": " "}).status_code == 422
    assert reviewer.post(f"{address}/refuse", data={"answer": "原文无误。"}).status_code == 302
    assert "原文无误。" in clerk.get(address).text
    assert "原文无误。" not in client.get(f"/decisions/{decision.id}").text
    propose(clerk, again(decision), industry="零售")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Nothing was changed."),
        ({"facts": "别的", "public_note": ""}, "Write what was corrected"),
        ({"facts": "别的", "public_note": f"电话{SECRET}"}, "The text holds"),
        ({"facts": ""}, "Write what was found"),
        ({"objected_on": "2999-01-01", "facts": "别的"}, "This day is yet to come."),
        ({"facts": "别的", "version": "stale"}, "Somebody changed this decision after you opened it"),
        ({"facts": "长" * 5001}, "at most 5000 fit"),
    ],
)
def test_a_proposal_that_cannot_be_says_why(sign_in: SignIn, changes: dict[str, str], words: str) -> None:
    decision = make_decision()
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    answer = clerk.post(f"/staff/decisions/{decision.id}/correct?lang=en", data=typed(decision, **changes))
    assert answer.status_code in (400, 409, 422)
    assert words in answer.text
    assert db.session.scalar(sa.select(DecisionCorrection.id)) is None


def test_another_decisions_number_is_refused_whole(sign_in: SignIn) -> None:
    organ = make_organ()
    decision, other = make_decision(organ=organ), make_decision(organ=organ)
    before = public_content(decision)
    spelled = other.document_number.replace("〔", "(").replace("〕", ")")
    address = propose(sign_in(Role.CLERK, organ_id=organ.id), decision, document_number=spelled, confiscated="1")
    assert apply(sign_in(Role.SUPERVISOR), address).status_code == 409
    assert public_content(again(decision)) == before
    assert the_correction().state is CorrectionState.PROPOSED
    assert list_for_subject(f"decision:{decision.id}") == []


@pytest.mark.parametrize("state", [DecisionState.DRAFT, DecisionState.WITHDRAWN, DecisionState.EXPIRED])
def test_only_what_is_public_is_corrected(sign_in: SignIn, state: DecisionState) -> None:
    decision = make_decision(state=state)
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    answer = clerk.post(f"/staff/decisions/{decision.id}/correct", data=typed(decision, industry="零售"))
    assert answer.status_code == 409


def test_the_original_of_a_correction_stays_with_the_organ(sign_in: SignIn) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ)
    address = propose(sign_in(Role.CLERK, organ_id=organ.id), decision, facts=f"电话{SECRET}。")
    supervisor = sign_in(Role.SUPERVISOR, organ_id=make_organ().id)
    assert SECRET not in supervisor.get(address).text
    assert original_seen() == 0
    assert supervisor.get(f"{address}/masking").status_code == 403
    assert supervisor.get(f"/staff/decisions/{decision.id}/correct").status_code == 403
    assert supervisor.get(f"/staff/decisions/{make_decision().id}/corrections/{the_correction().id}").status_code == 404


def original_seen() -> int:
    """Count who was recorded to have looked at an original."""
    seen = sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.action == "decision.original")
    return db.session.scalars(seen).one()


def test_every_page_of_a_correction_that_shows_the_original_is_recorded(sign_in: SignIn) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ)
    address = propose(sign_in(Role.CLERK, organ_id=organ.id), decision, facts=f"电话{SECRET}。")
    for number, page in enumerate((address, f"{address}/masking", f"/staff/decisions/{decision.id}/correct"), 1):
        assert sign_in(Role.CLERK, organ_id=organ.id).get(page).status_code == 200
        assert original_seen() == number


def test_masking_confirms_only_what_was_on_the_screen(sign_in: SignIn) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    decision = make_decision(organ=organ, kind=DecisionKind.INSPECTION)
    address = propose(clerk, decision, facts=f"证人李四，电话{SECRET}，在红星大厦。")
    page = clerk.get(f"{address}/masking").text
    hide = re.findall(r'name="hide" value="([^"]+)" checked', page)
    shown = re.findall(r'name="shown" value="(\w+)"', page)[0]
    data: dict[str, Any] = {"hide": hide, "shown": shown, "do": "confirm", "more": "红星大厦"}
    other = clerk.post(f"{address}/masking?lang=en", data=data)
    assert "This is what the public would read now" in other.text
    assert the_correction().masked_at is None
    data["shown"] = re.findall(r'name="shown" value="(\w+)"', other.text)[0]
    # To leave something visible takes a reason.
    bare = clerk.post(f"{address}/masking?lang=en", data=data | {"hide": []})
    assert "Choose why the words that you do not hide may stay visible." in bare.text
    assert clerk.post(f"{address}/masking", data=data).status_code == 302
    masked = the_correction().masked["facts"]
    assert not any(words in masked for words in (SECRET, "李四", "红星大厦"))
    steps = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == f"decision:{decision.id}"))
    assert list(steps) == ["decision.propose_correction", "decision.original", "decision.mask_correction"]


def test_nobody_puts_before_the_public_what_they_did_not_see(sign_in: SignIn, client: FlaskClient) -> None:
    organ = make_organ()
    decision = make_decision(organ=organ)
    clerk, reviewer = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.REVIEWER, organ_id=organ.id)
    address = propose(clerk, decision, facts=f"证人李四，电话{SECRET}。")
    confirm(clerk, address)
    seen = re.findall(r'name="version" value="(\w+)"', reviewer.get(address).text)[0]
    # The one who proposed it takes the masks away while the other reads.
    shown = re.findall(
        r'name="shown" value="(\w+)"',
        clerk.post(f"{address}/masking", data={"why": "firm", "do": "show"}).text,
    )[0]
    bare = clerk.post(f"{address}/masking", data={"why": "firm", "do": "confirm", "shown": shown})
    assert (bare.status_code, SECRET in the_correction().masked["facts"]) == (302, True)
    answer = reviewer.post(f"{address}/apply?lang=en", data={"version": seen})
    assert answer.status_code == 409
    assert "changed after you opened it" in answer.text and SECRET in answer.text
    assert SECRET not in client.get(f"/decisions/{decision.id}").text
    assert apply(reviewer, address).status_code == 302


def test_a_correction_does_not_name_a_person_whom_the_city_masks(sign_in: SignIn) -> None:
    organ = make_organ()
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    decision = make_decision(organ=organ, party=make_party(kind=PartyKind.PERSON, name="张虚构"))
    address = propose(clerk, decision, facts="张虚构占道经营。")
    page = clerk.post(f"{address}/masking", data={"why": "word", "do": "show"}).text
    shown = re.findall(r'name="shown" value="(\w+)"', page)[0]
    answer = clerk.post(f"{address}/masking?lang=en", data={"why": "word", "do": "confirm", "shown": shown})
    assert answer.status_code == 400
    assert "cannot be shown here" in answer.text
    assert (the_correction().masked_at, the_correction().masked["facts"]) == (None, "张某某占道经营。")


def test_an_objection_runs_late_after_three_working_days(sign_in: SignIn) -> None:
    with time_machine.travel("2026-11-24T02:00:00Z", tick=False):
        organ = make_organ()
        decision = make_decision(organ=organ)
        clerk = sign_in(Role.CLERK, organ_id=organ.id)
        address = propose(clerk, decision, industry="零售", objected_on="2026-11-18")
        assert "1 working day late" in clerk.get(f"{address}?lang=en").text
        assert "Answer an objection" in clerk.get("/staff/decisions/late?lang=en").text
        sign_in(Role.SUPERVISOR).post(f"{address}/refuse", data={"answer": "原文无误。"})
        assert "Answer an objection" not in clerk.get("/staff/decisions/late?lang=en").text
