"""Pages of high-risk periods: who may do what, the two-person rule, conflicts, and what a preview tells."""

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from notifiers.plan.risk_periods import plan_risk_periods
from portal import clock
from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.contacts import service as contacts
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.organs.models import Organ
from portal.risk_batches import service as steps
from portal.risk_periods.models import BatchState, RiskBatch
from portal.settings import Settings
from portal.wordings.models import Approval, ProviderTemplate
from tests.conftest import make_settings
from tests.factories.organs import make_organ
from tests.factories.parties import make_party
from tests.factories.risk_periods import make_batch, make_period

NOON = "2026-03-02T12:00:00+08:00"
SignIn = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def frozen(app: Flask) -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def settings(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings, changed as a test asks."""
    return make_settings(tmp_path, database_url, **getattr(request, "param", {}))


@pytest.fixture
def organ(app: Flask) -> Organ:
    """The organ that clerks and reviewers act for."""
    return make_organ()


def batch_url(batch: RiskBatch, step: str = "") -> str:
    return f"/staff/risk-periods/batches/{batch.id}" + (f"/{step}" if step else "")


def fresh(batch: RiskBatch) -> RiskBatch:
    db.session.expire_all()
    return db.session.get_one(RiskBatch, batch.id)


def approval(batch: RiskBatch, **changes: str) -> dict[str, str]:
    return {"seen": steps.stamp(batch)} | changes


def test_the_periods_that_ship_are_there(sign_in: SignIn) -> None:
    text = sign_in(Role.SUPERVISOR).get("/staff/risk-periods/?lang=en").text
    assert "Flood season" in text
    assert "05-15 to 09-30" in text
    assert "12-01 to end of February" in text
    assert "By practice, no law names the days" in text


def test_a_year_that_nobody_entered_is_said(sign_in: SignIn) -> None:
    with time_machine.travel("2028-11-01T12:00:00+08:00", tick=False):
        text = sign_in(Role.SUPERVISOR).get("/staff/risk-periods/?lang=en").text
    assert "The days of 2029 are not entered yet" in text


def test_nonsense_years_are_shown_as_some_year(sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    for year in ("", "0", "99999", "-5", "2026; DROP", "٢٠٢٦", "%00"):
        assert client.get(f"/staff/risk-periods/?year={year}&page=zz").status_code == 200, year


def test_two_people_take_a_batch_from_preparation_to_approval(sign_in: SignIn, organ: Organ) -> None:
    party = make_party(name="虚构河边饭店", industry="餐饮", street="河阳街道")
    batch = make_batch(state=BatchState.PREPARED)
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    preview = clerk.get(batch_url(batch) + "?lang=en").text
    assert "虚构河边饭店" in preview
    contact = db.session.get_one(Contact, party.contact_id)
    assert contact.phone.removeprefix("+86") not in preview
    assert "请清沟排水" in preview
    assert "clear drains" in preview
    assert clerk.post(batch_url(batch, "submit")).status_code == 302
    assert (fresh(batch).state, fresh(batch).recipients, fresh(batch).segments) == (BatchState.SUBMITTED, 1, 1)
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    assert "Approve these texts" in reviewer.get(batch_url(batch) + "?lang=en").text
    assert reviewer.post(batch_url(batch, "approve"), data=approval(fresh(batch))).status_code == 302
    assert fresh(batch).state is BatchState.APPROVED
    actions = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == f"risk_batch:{batch.id}"))
    assert list(actions) == ["risk_batch.submit", "risk_batch.approve"]


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
def test_whoever_handed_it_over_never_decides(sign_in: SignIn, role: Role) -> None:
    make_party()
    batch = make_batch(state=BatchState.PREPARED)
    client = sign_in(role)
    client.post(batch_url(batch, "submit"))
    assert "Approve these texts" not in client.get(batch_url(batch) + "?lang=en").text
    answer = client.post(batch_url(batch, "approve") + "?lang=en", data=approval(fresh(batch)))
    assert answer.status_code == 403
    assert "somebody else has to decide" in answer.text
    assert client.post(batch_url(batch, "refuse"), data={"refuse-note": "不行"}).status_code == 403
    assert fresh(batch).state is BatchState.SUBMITTED


def test_roles_that_may_not(sign_in: SignIn, organ: Organ) -> None:
    make_party()
    batch = make_batch(state=BatchState.SUBMITTED)
    clerk, reviewer = sign_in(Role.CLERK, organ_id=organ.id), sign_in(Role.REVIEWER, organ_id=organ.id)
    assert clerk.post(batch_url(batch, "approve"), data=approval(batch)).status_code == 403
    assert clerk.post(batch_url(batch, "refuse"), data={"refuse-note": "x"}).status_code == 403
    batch.state = BatchState.PREPARED
    assert reviewer.post(batch_url(batch, "submit")).status_code == 403
    period = f"/staff/risk-periods/{batch.period_id}"
    for path in ("/prepare", "/switch", "/edit"):
        assert reviewer.post(period + path).status_code == 403, path
    # A clerk changes the periods of the own organ alone.
    assert clerk.post(period + "/edit", data={"name": "别名"}).status_code == 403
    assert clerk.post(period + "/switch", data={"active": "no"}).status_code == 403
    assert fresh(batch).state is BatchState.PREPARED


def test_another_organs_periods_are_not_there(sign_in: SignIn, organ: Organ) -> None:
    other = make_batch(period=make_period(organ_id=make_organ().id, name="别家时段"), state=BatchState.SUBMITTED)
    own = make_batch(period=make_period(organ_id=organ.id, name="自家时段"), state=BatchState.SUBMITTED)
    reviewer = sign_in(Role.REVIEWER, organ_id=organ.id)
    assert reviewer.get(batch_url(other)).status_code == 404
    assert reviewer.post(batch_url(other, "approve"), data=approval(other)).status_code == 404
    assert reviewer.get(batch_url(own)).status_code == 200
    page = reviewer.get("/staff/risk-periods/").text
    assert "自家时段" in page
    assert "别家时段" not in page
    assert "<strong>1</strong> Batches to approve" in reviewer.get("/staff/?lang=en").text


def test_two_approvers_at_once(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch(state=BatchState.SUBMITTED)
    seen = approval(batch)
    assert sign_in(Role.SUPERVISOR).post(batch_url(batch, "approve"), data=seen).status_code == 302
    late = sign_in(Role.SUPERVISOR).post(batch_url(batch, "approve") + "?lang=en", data=seen)
    assert late.status_code == 409
    assert "present state" in late.text


def test_approving_what_was_taken_back_meanwhile(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch(period=make_period(first_day="03-09", last_day="03-31"), state=BatchState.PREPARED)
    preparer, approver = sign_in(Role.SUPERVISOR), sign_in(Role.SUPERVISOR)
    preparer.post(batch_url(batch, "submit"))
    seen = approval(fresh(batch))
    with time_machine.travel("2026-03-02T12:05:00+08:00", tick=False):
        preparer.post(batch_url(batch, "take-back"))
        assert approver.post(batch_url(batch, "approve"), data=seen).status_code == 409
        # Handed over again with other words: what was on the screen is not what would be sent.
        fresh(batch).period.advice = "请垫高货物"
        db.session.commit()
        preparer.post(batch_url(batch, "submit"))
        answer = approver.post(batch_url(batch, "approve") + "?lang=en", data=seen)
        assert (answer.status_code, "changed since you opened the page" in answer.text) == (409, True)
    assert (fresh(batch).state, fresh(batch).advice) == (BatchState.SUBMITTED, "请垫高货物")


def test_steps_out_of_order_are_conflicts(sign_in: SignIn) -> None:
    make_party()
    client = sign_in(Role.SUPERVISOR)
    for state, step, data in (
        (BatchState.APPROVED, "submit", {}),
        (BatchState.PLANNED, "take-back", {}),
        (BatchState.PREPARED, "refuse", {"refuse-note": "x"}),
        (BatchState.SUBMITTED, "withdraw", {"withdraw-note": "x"}),
        (BatchState.EXPIRED, "submit", {}),
    ):
        batch = make_batch(state=state)
        answer = client.post(batch_url(batch, step) + "?lang=en", data=data)
        assert (answer.status_code, "present state" in answer.text) == (409, True), step
        assert fresh(batch).state is state


def test_urgent_texts_need_a_reason_that_is_recorded(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch(state=BatchState.SUBMITTED)
    client = sign_in(Role.SUPERVISOR)
    answer = client.post(batch_url(batch, "approve") + "?lang=en", data=approval(batch, urgent="y"))
    assert answer.status_code == 422
    assert "Say why these texts may not wait" in answer.text
    assert fresh(batch).state is BatchState.SUBMITTED
    client.post(batch_url(batch, "approve"), data=approval(fresh(batch), urgent="y", urgent_reason="黄河来水"))
    assert (fresh(batch).urgent, fresh(batch).urgent_reason) == (True, "黄河来水")
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "risk_batch.approve")).one()
    assert entry.details == {"urgent": True, "reason": "黄河来水"}


def test_sending_back_needs_words(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch(state=BatchState.SUBMITTED)
    client = sign_in(Role.SUPERVISOR)
    assert client.post(batch_url(batch, "refuse"), data={"refuse-note": " "}).status_code == 422
    assert client.post(batch_url(batch, "refuse"), data={"refuse-note": "提示语<b>太长</b>"}).status_code == 302
    assert fresh(batch).state is BatchState.REFUSED
    assert "提示语&lt;b&gt;太长" in client.get(batch_url(batch)).text


def test_nothing_to_say_or_nobody_to_hear_cannot_be_handed_over(sign_in: SignIn) -> None:
    silent = make_batch(period=make_period(advice="", advice_en=""), state=BatchState.PREPARED)
    lonely = make_batch(period=make_period(trades=["没有人"]), state=BatchState.PREPARED)
    late = make_batch(state=BatchState.PREPARED, starts_on=date(2026, 3, 2))
    make_party()
    client = sign_in(Role.SUPERVISOR)
    for batch, words, status in (
        (silent, "There is no advice yet", 400),
        (lonely, "Nobody in the register would get this text", 400),
        (late, "The period has begun", 409),
    ):
        answer = client.post(batch_url(batch, "submit") + "?lang=en", data={})
        assert (answer.status_code, words in answer.text) == (status, True), words
        assert fresh(batch).state is BatchState.PREPARED


def test_an_approver_sees_both_numbers_when_the_register_moved(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch(state=BatchState.PREPARED)
    sign_in(Role.SUPERVISOR).post(batch_url(batch, "submit"))
    for _ in range(3):
        make_party()
    approver = sign_in(Role.SUPERVISOR)
    assert "The register has changed" not in approver.get(batch_url(batch) + "?lang=en").text
    for _ in range(3):
        make_party()
    page = approver.get(batch_url(batch) + "?lang=en").text
    assert "it had 1 recipients; now it has 7" in page


def test_a_preview_says_who_gets_no_text_and_why(sign_in: SignIn) -> None:
    first = make_party()
    make_party(phone=db.session.get_one(Contact, first.contact_id).phone)
    make_party(phone=None)
    contacts.opt_out(db.session.get_one(Contact, make_party().contact_id))
    batch = make_batch(state=BatchState.PREPARED)
    page = sign_in(Role.SUPERVISOR).get(batch_url(batch) + "?lang=en").text
    assert "<strong>3</strong> Parties without a text of their own" in page
    for words in ("Told by the text of another party", "No phone number", "Stopped by reader"):
        assert f"{words}" in page


@pytest.mark.parametrize(
    "settings", [{"sms_quiet_hours": (time(20), time(8, 30)), "sms_hold_days": "holidays"}], indirect=True
)
def test_a_preview_says_when_texts_may_leave(sign_in: SignIn) -> None:
    make_party()
    calm, urgent = make_batch(), make_batch(urgent=True, urgent_reason="黄河来水")
    client = sign_in(Role.SUPERVISOR)
    assert "08:30 to 20:00, not on statutory days off" in client.get(batch_url(calm) + "?lang=en").text
    assert "Any hour, days off too: 黄河来水" in client.get(batch_url(urgent) + "?lang=en").text


@pytest.mark.parametrize("settings", [{"sms_providers": ("tencent",)}], indirect=True)
def test_a_preview_warns_of_words_that_a_provider_does_not_take(sign_in: SignIn) -> None:
    make_party()
    brief = make_period(name="汛期", name_en="Floods", advice="清沟", advice_en="drain")
    long, short = (make_batch(state=BatchState.SUBMITTED, period=period) for period in (make_period(), brief))
    client = sign_in(Role.SUPERVISOR)
    words = "Tencent Cloud does not take a name or an advice of this length"
    assert words in client.get(batch_url(long) + "?lang=en").text
    assert words not in client.get(batch_url(short) + "?lang=en").text


@pytest.mark.parametrize("settings", [{"sms_providers": ("tencent", "sandbox")}], indirect=True)
def test_a_preview_warns_of_a_provider_that_has_approved_nothing(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch(state=BatchState.SUBMITTED)
    row = ProviderTemplate(provider="tencent", name="risk_notice", locale="zh_Hans", body="{name}{day}{advice}退订回T")
    row.status = Approval.SUBMITTED
    db.session.add(row)
    client = sign_in(Role.SUPERVISOR)
    words = "Tencent Cloud has approved no text for these notices yet"
    assert client.get(batch_url(batch) + "?lang=en").text.count("has approved no text") == 1
    assert words in client.get(batch_url(batch) + "?lang=en").text
    row.status = Approval.APPROVED
    assert words not in client.get(batch_url(batch) + "?lang=en").text


def test_progress_and_whom_no_text_reached(sign_in: SignIn) -> None:
    make_party()
    make_party(name="虚构没电话店", phone=None)
    batch = make_batch()
    db.session.commit()
    plan_risk_periods(date(2026, 3, 2))
    client = sign_in(Role.SUPERVISOR)
    page = client.get(batch_url(batch) + "?lang=en").text
    assert "1 of 1 texts are in the outbox" in page
    assert "虚构没电话店" in page
    assert "Withdraw the approval" in page
    client.post(batch_url(batch, "withdraw"), data={"withdraw-note": "计划有变"})
    states = set(db.session.scalars(sa.select(Message.state)))
    assert {state.value for state in states} == {"void", "suppressed"}
    assert fresh(batch).state is BatchState.REFUSED


def test_what_has_left_whole_offers_no_withdrawal(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch()
    db.session.commit()
    plan_risk_periods(date(2026, 3, 2))
    db.session.execute(sa.update(Message).values(state=MessageState.DELIVERED))
    client = sign_in(Role.SUPERVISOR)
    page = client.get(batch_url(batch) + "?lang=en").text
    assert "this batch is over" in page
    assert "Withdraw the approval" not in page
    assert client.post(batch_url(batch, "withdraw"), data={"withdraw-note": "x"}).status_code == 409


def test_the_call_list_leads_to_the_batch(sign_in: SignIn) -> None:
    make_party(name="虚构没电话店", phone=None)
    make_party()
    batch = make_batch(urgent=True, urgent_reason="黄河来水")
    db.session.commit()
    plan_risk_periods(date(2026, 3, 2))
    page = sign_in(Role.SUPERVISOR).get("/staff/calls/").text
    assert "虚构没电话店" in page
    assert f'href="{batch_url(batch)}"' in page


def test_signed_out_readers_see_nothing(client: FlaskClient) -> None:
    batch = make_batch(state=BatchState.SUBMITTED)
    assert client.get(batch_url(batch)).status_code == 302
    assert client.post(batch_url(batch, "approve"), data=approval(batch)).status_code == 302
    assert fresh(batch).state is BatchState.SUBMITTED
    assert db.session.scalar(sa.select(sa.func.count(Staff.id))) == 1


@pytest.mark.parametrize(
    ("role", "to_hand_over", "to_approve"),
    [(Role.CLERK, 2, None), (Role.SUPERVISOR, 2, 1), (Role.REVIEWER, None, 1)],
)
def test_the_first_page_says_what_waits(
    sign_in: SignIn, organ: Organ, role: Role, to_hand_over: int | None, to_approve: int | None
) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    for state in (BatchState.PREPARED, BatchState.REFUSED, BatchState.SUBMITTED, BatchState.APPROVED):
        make_batch(state=state, starts_on=tomorrow, period=make_period())
    make_batch(state=BatchState.PREPARED, starts_on=clock.today())
    make_batch(state=BatchState.PREPARED, period=make_period(active=False))
    client = sign_in(role, organ_id=organ.id)
    me = db.session.scalars(sa.select(Staff).order_by(Staff.id.desc())).first()
    assert me is not None
    make_batch(state=BatchState.SUBMITTED, submitted_by_id=me.id)
    page = client.get("/staff/?lang=en").text
    for words, count in (("Batches to hand over", to_hand_over), ("Batches to approve", to_approve)):
        found = re.search(rf"<strong>(\d+)</strong>\s*{words}", page)
        assert (int(found[1]) if found else None) == count, words
