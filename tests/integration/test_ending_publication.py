"""A publication ends: withdrawn for a reason, ended early on credit repair, or over by its period."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from notifiers.expire import expire
from notifiers.worker import JOBS
from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.decision_endings import service
from portal.decisions.models import CreditRepair, Decision, DecisionKind, DecisionState, RepairState
from portal.parties.models import PartyKind
from portal.search.models import EntryKind, SearchEntry
from portal.transparency.models import LogAction
from portal.transparency.queries import list_for_subject
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

SignIn = Callable[..., FlaskClient]
NOON = "2026-11-20T04:00:00Z"


def again(decision: Decision) -> Decision:
    return db.session.get_one(Decision, decision.id, populate_existing=True)


def order(**changes: str) -> dict[str, str]:
    return {"ordered_on": clock.today().isoformat(), "order": "孟政复决〔2026〕1号（虚构）"} | changes


def assert_gone(client: FlaskClient, decision: Decision) -> None:
    """The decision is on no public page, and its log fixes at most why it was withdrawn."""
    assert client.get(f"/decisions/{decision.id}").status_code == 410
    assert decision.document_number not in client.get("/decisions").text
    assert decision.title not in client.get(f"/search?q={decision.title[:8]}").text
    entry = sa.select(SearchEntry.id).where(SearchEntry.kind == EntryKind.DECISION)
    assert db.session.scalar(entry.where(SearchEntry.record_id == decision.id)) is None
    newest = list_for_subject(f"decision:{decision.id}")[-1]
    assert bool(newest.content_hash) is (newest.action is LogAction.WITHDRAW)


def test_withdrawal_needs_an_order_and_a_reason_for_the_public(sign_in: SignIn, client: FlaskClient) -> None:
    decision = make_decision()
    address = f"/staff/decisions/{decision.id}"
    clerk, supervisor = sign_in(Role.CLERK, organ_id=decision.organ_id), sign_in(Role.SUPERVISOR)
    reason = {"reason": "经行政复议撤销。", "seen": "经行政复议撤销。"}
    assert clerk.post(f"{address}/withdraw", data=reason).status_code == 403
    first = supervisor.post(f"{address}/withdraw?lang=en", data=reason)
    assert first.status_code == 409
    assert "first who ordered" in first.text
    assert clerk.post(f"{address}/withdrawal-order", data=order(order=" ")).status_code == 422
    assert clerk.post(f"{address}/withdrawal-order", data=order(ordered_on="2999-01-01")).status_code == 422
    before = (decision.decided_on - timedelta(days=1)).isoformat()
    assert clerk.post(f"{address}/withdrawal-order", data=order(ordered_on=before)).status_code == 400
    assert clerk.post(f"{address}/withdrawal-order", data=order()).status_code == 302
    assert "3 working days left" in clerk.get(f"{address}?lang=en").text
    assert clerk.post(f"{address}/withdrawal-order", data=order(order="别的")).status_code == 409
    assert client.get(f"/decisions/{decision.id}").status_code == 200
    for bad in ({"reason": ""}, {"reason": "联系13800138000"}, {"reason": "长" * 1001}):
        assert supervisor.post(f"{address}/withdraw", data=bad).status_code == 422
    assert supervisor.post(f"{address}/withdraw", data=reason).status_code == 302
    assert_gone(client, decision)
    assert "经行政复议撤销。" in client.get(f"/decisions/{decision.id}").text
    assert "孟政复决" not in client.get(f"/decisions/{decision.id}").text
    assert list_for_subject(f"decision:{decision.id}")[-1].action is LogAction.WITHDRAW
    assert supervisor.post(f"{address}/withdraw", data={"reason": "再来"}).status_code == 409
    assert again(decision).withdrawal_reason == "经行政复议撤销。"
    archive = supervisor.get(address)
    assert archive.status_code == 200 and decision.facts in archive.text
    steps = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == f"decision:{decision.id}"))
    assert list(steps) == ["decision.order_withdrawal", "decision.withdraw"]


def test_who_withdraws_has_seen_the_reason_as_the_public_reads_it(sign_in: SignIn, client: FlaskClient) -> None:
    person = make_party(kind=PartyKind.PERSON, name="张虚构")
    decision = make_decision(party=person, withdrawal_ordered_on=clock.today(), withdrawal_order="孟政复决〔2026〕1号")
    address, supervisor = f"/staff/decisions/{decision.id}", sign_in(Role.SUPERVISOR)
    typed, shown = "对张虚构的处罚经复议\r\n撤销。", "对张某某的处罚经复议\n撤销。"
    assert supervisor.post(f"{address}/withdraw", data={"reason": typed}).status_code == 409
    preview = supervisor.post(f"{address}/withdrawal-notice?lang=en", data={"reason": typed})
    assert preview.status_code == 200
    page = BeautifulSoup(preview.text, "html.parser")
    assert page.select_one("#notice + p").text == shown  # type: ignore[union-attr]
    assert page.select_one("form[action$='/withdraw'] input[name=seen]")["value"] == shown  # type: ignore[index]
    other = {"reason": "对张虚构的处罚另案处理。", "seen": shown}
    refused = supervisor.post(f"{address}/withdraw?lang=en", data=other)
    assert refused.status_code == 409
    assert "对张某某的处罚另案处理。" in refused.text
    assert again(decision).state is DecisionState.PUBLISHED
    sent = {"reason": typed, "seen": shown.replace("\n", "\r\n")}
    assert supervisor.post(f"{address}/withdraw", data=sent).status_code == 302
    assert "张某某" in client.get(f"/decisions/{decision.id}").text


def test_a_notice_is_shown_only_of_what_can_be_withdrawn(sign_in: SignIn) -> None:
    decision = make_decision()
    address, data = f"/staff/decisions/{decision.id}/withdrawal-notice", {"reason": "经行政复议撤销。"}
    assert sign_in(Role.CLERK, organ_id=decision.organ_id).post(address, data=data).status_code == 403
    supervisor = sign_in(Role.SUPERVISOR)
    assert supervisor.post(address, data=data).status_code == 409
    decision.withdrawal_ordered_on = clock.today()
    assert supervisor.post(address, data={"reason": "联系13800138000"}).status_code == 422


def application(**changes: str) -> dict[str, str]:
    values = {"applied_on": clock.today().isoformat(), "corrected": "y", "promised": "y", "reason": "缴款凭证（虚构）"}
    return values | changes


def old_penalty(**values: Any) -> Decision:
    """Return a penalty that was decided four months ago, published then."""
    day = date(2026, 7, 20)
    defaults: dict[str, Any] = {
        "fine": Decimal(1000),
        "decided_on": day,
        "published_at": clock.start_of(day + timedelta(days=3)),
        "publish_until": date(2027, 7, 20),
    }
    return make_decision(**(defaults | values))


@time_machine.travel(NOON, tick=False)
def test_credit_repair_takes_two_people_and_hides_at_once(sign_in: SignIn, client: FlaskClient) -> None:
    decision = old_penalty()
    address = f"/staff/decisions/{decision.id}/repair"
    entering = sign_in(Role.REVIEWER, organ_id=decision.organ_id)
    for bad in ({"corrected": ""}, {"promised": ""}, {"reason": ""}, {"applied_on": "2999-01-01"}, {"applied_on": ""}):
        data = {name: value for name, value in application(**bad).items() if value}
        assert entering.post(address, data=data).status_code == 422
    assert entering.post(address, data=application()).status_code == 302
    repair = db.session.scalars(sa.select(CreditRepair)).one()
    assert entering.post(address, data=application()).status_code == 409
    answer = {"answer": "条件已具备。", "do": "grant"}
    assert entering.post(f"{address}/{repair.id}", data=answer).status_code == 403
    clerk, other = sign_in(Role.CLERK, organ_id=decision.organ_id), sign_in(Role.SUPERVISOR)
    assert clerk.post(f"{address}/{repair.id}", data=answer).status_code == 403
    assert other.post(f"{address}/{repair.id}", data=answer | {"answer": " "}).status_code == 422
    assert client.get(f"/decisions/{decision.id}").status_code == 200
    assert other.post(f"{address}/{repair.id}", data=answer).status_code == 302
    assert_gone(client, decision)
    assert decision.document_number not in client.get(f"/decisions/{decision.id}").text
    ended = again(decision)
    assert (ended.state, ended.early_stop_on, ended.early_stop_reason) == (
        DecisionState.EXPIRED,
        date(2026, 11, 20),
        "条件已具备。",
    )
    assert list_for_subject(f"decision:{decision.id}")[-1].action is LogAction.EXPIRE
    assert other.post(f"{address}/{repair.id}", data=answer).status_code == 409
    assert clerk.get(f"/staff/decisions/{decision.id}").status_code == 200


@time_machine.travel(NOON, tick=False)
def test_a_refused_application_leaves_the_decision_public(sign_in: SignIn, client: FlaskClient) -> None:
    decision = old_penalty()
    address = f"/staff/decisions/{decision.id}/repair"
    clerk, supervisor = sign_in(Role.CLERK, organ_id=decision.organ_id), sign_in(Role.SUPERVISOR)
    clerk.post(address, data=application())
    repair = db.session.scalars(sa.select(CreditRepair)).one()
    refused = supervisor.post(f"{address}/{repair.id}", data={"answer": "罚款未缴清。", "do": "refuse"})
    assert refused.status_code == 302
    assert client.get(f"/decisions/{decision.id}").status_code == 200
    assert db.session.scalars(sa.select(CreditRepair.state)).one() is RepairState.REFUSED
    assert "罚款未缴清。" in clerk.get(address).text
    assert clerk.post(address, data=application()).status_code == 302


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"decided_on": date(2026, 8, 21)}, "from 21 November 2026 on"),
        ({"measures": ["罚款", "吊销许可证件"]}, "stay public to the end"),
        ({"fine": Decimal(200_000)}, "from 20 July 2027 on"),
        ({"kind": DecisionKind.PERMIT}, "Only the publication of penalties"),
        ({"state": DecisionState.WITHDRAWN}, "taken this decision further"),
    ],
)
def test_credit_repair_has_its_conditions(sign_in: SignIn, values: dict[str, Any], words: str) -> None:
    decision = old_penalty(**values)
    clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
    answer = clerk.post(f"/staff/decisions/{decision.id}/repair?lang=en", data=application())
    assert answer.status_code in (409, 422)
    assert words in answer.text
    assert db.session.scalar(sa.select(CreditRepair.id)) is None


def test_an_application_runs_late_after_a_working_day(sign_in: SignIn) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        decision = old_penalty()
        clerk = sign_in(Role.CLERK, organ_id=decision.organ_id)
        clerk.post(f"/staff/decisions/{decision.id}/repair", data=application())
        assert "Decide on credit repair" not in clerk.get("/staff/decisions/late?lang=en").text
        traveller.move_to("2026-11-24T04:00:00Z")
        assert "Decide on credit repair" in sign_in(Role.SUPERVISOR).get("/staff/decisions/late?lang=en").text


def test_a_period_that_is_over_is_ended_by_the_daily_job(
    app: Flask, sign_in: SignIn, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    today = clock.today()
    organ = make_organ()
    over = [make_decision(organ=organ, publish_until=today - timedelta(days=1)) for _ in range(5)]
    stay = [make_decision(organ=organ, publish_until=today), make_decision(organ=organ, publish_until=None)]
    withdrawn = make_decision(organ=organ, state=DecisionState.WITHDRAWN, publish_until=today - timedelta(days=1))
    assert client.get(f"/decisions/{over[0].id}").status_code == 410, "the day hides it, not the job"
    db.session.commit()
    JOBS["expire"]()
    db.session.expire_all()
    assert [again(one).state for one in over] == [DecisionState.EXPIRED] * 5
    assert [again(one).state for one in stay] == [DecisionState.PUBLISHED] * 2
    assert again(withdrawn).state is DecisionState.WITHDRAWN
    for decision in over:
        assert_gone(client, decision)
        assert [entry.action for entry in list_for_subject(f"decision:{decision.id}")] == [LogAction.EXPIRE]
    archive = sign_in(Role.CLERK, organ_id=organ.id).get(f"/staff/decisions/{over[0].id}")
    assert archive.status_code == 200 and over[0].facts in archive.text
    entries = sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.action == "decision.expire")
    assert expire() == 0
    assert db.session.scalar(entries) == 5
