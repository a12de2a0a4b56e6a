"""Pages of high-risk periods: who may do what, the two-person rule, conflicts, and what a preview tells."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from notifiers.plan.risk_periods import plan_risk_periods
from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.contacts import service as contacts
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message
from portal.organs.models import Organ
from portal.risk_periods import service
from portal.risk_periods.importer import load_facts
from portal.risk_periods.models import BatchState, RiskBatch, RiskPeriod
from portal.risk_periods.rules import Span
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
def organ(app: Flask) -> Organ:
    """The organ that clerks and reviewers act for."""
    return make_organ()


def batch_url(batch: RiskBatch, step: str = "") -> str:
    return f"/staff/risk-periods/batches/{batch.id}" + (f"/{step}" if step else "")


def fresh(batch: RiskBatch) -> RiskBatch:
    db.session.expire_all()
    return db.session.get_one(RiskBatch, batch.id)


def approval(batch: RiskBatch, **changes: str) -> dict[str, str]:
    return {"seen": service.stamp(batch)} | changes


def period_fields(**changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "name": "虚构防汛期", "name_en": "Invented floods", "basis": "虚构条例第一条", "first_day": "05-15",
        "last_day": "09-30", "table": "", "days_ahead": "7", "advice": "请清沟排水", "advice_en": "clear drains",
        "organ": "0",
    }  # fmt: skip
    return fields | changes


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
    assert clerk.post(period + "/edit", data=period_fields()).status_code == 403
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


def test_the_call_list_leads_to_the_batch(sign_in: SignIn) -> None:
    make_party(name="虚构没电话店", phone=None)
    make_party()
    batch = make_batch(urgent=True, urgent_reason="黄河来水")
    db.session.commit()
    plan_risk_periods(date(2026, 3, 2))
    page = sign_in(Role.SUPERVISOR).get("/staff/calls/").text
    assert "虚构没电话店" in page
    assert f'href="{batch_url(batch)}"' in page


def test_a_period_is_entered_and_changed(sign_in: SignIn) -> None:
    make_party(industry="餐饮", street="河阳街道")
    client = sign_in(Role.SUPERVISOR)
    answer = client.post(
        "/staff/risk-periods/new",
        data=period_fields(name="庙会期", first_day="", last_day="", table="2027-03-01 2027-03-05", trades=["餐饮"]),
    )
    assert answer.status_code == 302
    period = db.session.scalars(sa.select(RiskPeriod).where(RiskPeriod.name == "庙会期")).one()
    assert (period.active, period.trades) == (False, ["餐饮"])
    assert [(days.starts_on, days.ends_on) for days in period.days] == [(date(2027, 3, 1), date(2027, 3, 5))]
    fields = period_fields(first_day="", last_day="", table="2027-03-01 2027-03-06\n2028-02-18 2028-02-20")
    assert client.post(f"/staff/risk-periods/{period.id}/edit", data=fields).status_code == 302
    db.session.expire_all()
    assert [days.ends_on for days in period.days] == [date(2027, 3, 6), date(2028, 2, 20)]


WRONG: tuple[dict[str, object], ...] = (
    {"name": ""}, {"name": "一" * 13}, {"advice": "请" * 41}, {"first_day": "02-30"}, {"last_day": ""},
    {"first_day": "5月15日"}, {"table": "2027-02-06 2027-02-20"}, {"days_ahead": "61"}, {"days_ahead": "x"},
    {"first_day": "", "last_day": "", "table": "2027-02-20 2027-02-06"}, {"trades": ["名录里没有"]},
    {"first_day": "", "last_day": "", "table": "2027-02-06"}, {"organ": "999999"}, {"advice_en": "x" * 61},
    {"first_day": "", "last_day": "", "table": "2027-02-06 2027-02-20\n2027-02-06 2027-02-21"}, {"first_day": ""},
)  # fmt: skip


def test_what_cannot_be_is_refused_with_what_was_typed(sign_in: SignIn) -> None:
    period = make_period(name="原名")
    client = sign_in(Role.SUPERVISOR)
    for wrong in WRONG:
        answer = client.post(f"/staff/risk-periods/{period.id}/edit", data=period_fields(basis="打字留着") | wrong)
        assert (answer.status_code, "打字留着" in answer.text) == (422, True), wrong
    db.session.expire_all()
    assert period.name == "原名"


def test_hostile_text_stays_text(sign_in: SignIn) -> None:
    make_party(industry="<script>alert(1)</script>", street="'; DROP TABLE party; --")
    client = sign_in(Role.SUPERVISOR)
    fields = period_fields(
        name="<b>汛</b>\x07\u202e", trades=["<script>alert(1)</script>"], streets=["'; DROP TABLE party; --"]
    )
    assert client.post("/staff/risk-periods/new", data=fields).status_code == 302
    period = db.session.scalars(sa.select(RiskPeriod).order_by(RiskPeriod.id.desc()).limit(1)).one()
    assert period.name == "<b>汛</b>"
    batch = make_batch(period=period, state=BatchState.PREPARED)
    for page in (f"/staff/risk-periods/{period.id}", f"/staff/risk-periods/{period.id}/edit", batch_url(batch)):
        text = client.get(page).text
        assert "<script>alert" not in text
        assert "<b>汛" not in text
    assert "<strong>1</strong>" in client.get(batch_url(batch)).text


def test_a_name_that_somebody_answers_for_cannot_be_changed_behind_them(sign_in: SignIn) -> None:
    make_party()
    batch = make_batch(period=make_period(), state=BatchState.SUBMITTED)
    url = f"/staff/risk-periods/{batch.period_id}/edit?lang=en"
    client = sign_in(Role.SUPERVISOR)
    answer = client.post(url, data=period_fields(name="别名"))
    assert (answer.status_code, "Withdraw them first" in answer.text) == (409, True)
    # The advice may change: what was handed over keeps its own.
    assert client.post(url, data=period_fields(advice="请垫高货物")).status_code == 302
    assert (fresh(batch).advice, fresh(batch).period.advice) == ("请清沟排水", "请垫高货物")


def test_a_batch_whose_days_were_changed_ends_and_comes_back_with_them(sign_in: SignIn) -> None:
    period = make_period(first_day="03-20", last_day="03-31", name="虚构防汛期")
    client = sign_in(Role.SUPERVISOR)
    client.post(f"/staff/risk-periods/{period.id}/prepare")
    batch = db.session.scalars(sa.select(RiskBatch)).one()
    url = f"/staff/risk-periods/{period.id}/edit"
    client.post(url, data=period_fields(first_day="04-20", last_day="04-30"))
    assert (fresh(batch).state, fresh(batch).note) == (BatchState.EXPIRED, "days_changed")
    client.post(url, data=period_fields(first_day="03-20", last_day="03-31"))
    client.post(f"/staff/risk-periods/{period.id}/prepare")
    assert (fresh(batch).state, fresh(batch).note) == (BatchState.PREPARED, "")


def test_the_next_batch_can_be_prepared_early_but_not_without_days(sign_in: SignIn, organ: Organ) -> None:
    known, unknown = make_period(), make_period(table=[Span(date(2025, 1, 1), date(2025, 1, 5))])
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    answer = clerk.post(f"/staff/risk-periods/{known.id}/prepare")
    assert "/batches/" in answer.location
    assert clerk.post(f"/staff/risk-periods/{known.id}/prepare").location == answer.location
    clerk.post(f"/staff/risk-periods/{unknown.id}/prepare")
    assert "not entered yet" in clerk.get(f"/staff/risk-periods/{unknown.id}?lang=en").text
    assert db.session.scalar(sa.select(sa.func.count(RiskBatch.id))) == 1


def test_what_ships_never_undoes_what_staff_decided(app: Flask) -> None:
    period = db.session.scalars(sa.select(RiskPeriod).where(RiskPeriod.code == "fireworks")).one()
    period.advice, period.active = "自定提示", True
    period.days[0].ends_on = date(2026, 3, 1)
    db.session.delete(period.days.pop())
    db.session.commit()
    load_facts()
    db.session.commit()
    db.session.expire_all()
    assert (period.advice, period.active) == ("自定提示", True)
    assert [days.starts_on.year for days in period.days] == [2026, 2027, 2028]
    assert period.days[0].ends_on == date(2026, 3, 1)


def test_signed_out_readers_see_nothing(client: FlaskClient) -> None:
    batch = make_batch(state=BatchState.SUBMITTED)
    assert client.get(batch_url(batch)).status_code == 302
    assert client.post(batch_url(batch, "approve"), data=approval(batch)).status_code == 302
    assert fresh(batch).state is BatchState.SUBMITTED
    assert db.session.scalar(sa.select(sa.func.count(Staff.id))) == 1
