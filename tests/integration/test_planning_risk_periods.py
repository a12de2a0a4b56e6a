"""Batches about high-risk periods: prepared in time, planned once, for whom they concern, and only when approved."""

import threading
from datetime import date, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.dispatch import dispatch
from notifiers.plan import risk_periods as planner
from notifiers.plan.due import plan_due
from notifiers.plan.result import Planned
from notifiers.plan.risk_periods import plan_risk_periods
from portal import clock
from portal.contacts.models import Contact
from portal.db import db
from portal.errors import TransitionError
from portal.messages import outbox
from portal.messages.models import MessageState
from portal.risk_batches import service as steps
from portal.risk_periods import queries, service
from portal.risk_periods.models import BatchState, RiskBatch
from portal.risk_periods.rules import Span
from portal.settings import Settings
from tests.conftest import make_settings
from tests.counting import counted_queries
from tests.factories.accounts import make_staff
from tests.factories.messages import ends, messages
from tests.factories.parties import make_party
from tests.factories.risk_periods import make_batch, make_period

TODAY = date(2026, 3, 2)
DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("noon_without_periods")


def batches() -> list[RiskBatch]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(RiskBatch).order_by(RiskBatch.id)))


def test_a_batch_is_prepared_a_month_before_its_texts_leave(app: Flask) -> None:
    make_period(first_day="05-15", last_day="09-30", trades=["餐饮"], streets=["河阳街道"], advice="请清沟")
    db.session.commit()
    plan_risk_periods(date(2026, 4, 7))
    assert batches() == []
    # The 15th of May less seven days is a Friday; 30 days before that is the 8th of April.
    plan_risk_periods(date(2026, 4, 8))
    (batch,) = batches()
    assert (batch.state, batch.starts_on, batch.ends_on) == (
        BatchState.PREPARED, date(2026, 5, 15), date(2026, 9, 30),
    )  # fmt: skip
    assert (batch.send_on, batch.trades, batch.streets, batch.advice) == (
        date(2026, 5, 8), ["餐饮"], ["河阳街道"], "请清沟",
    )  # fmt: skip
    plan_risk_periods(date(2026, 4, 9))
    assert len(batches()) == 1
    assert messages() == []


def test_texts_leave_on_the_working_day_before(app: Flask) -> None:
    make_period(first_day="03-15", last_day="03-31", days_ahead=7)  # The 8th of March is a Sunday.
    db.session.commit()
    plan_risk_periods(TODAY)
    assert batches()[0].send_on == date(2026, 3, 6)


def test_a_year_that_nobody_entered_prepares_nothing(app: Flask) -> None:
    make_period(table=[Span(date(2026, 3, 20), date(2026, 4, 1))])
    db.session.commit()
    plan_risk_periods(TODAY)
    plan_risk_periods(date(2027, 3, 1))
    assert [batch.starts_on for batch in batches()] == [date(2026, 3, 20)]


def test_a_prepared_batch_follows_its_period_until_it_is_handed_over(app: Flask) -> None:
    period = make_period(first_day="03-20", last_day="03-31")
    db.session.commit()
    plan_risk_periods(TODAY)
    period.advice = "请垫高货物"
    db.session.commit()
    plan_risk_periods(TODAY)
    (batch,) = batches()
    assert batch.advice == "请垫高货物"
    batch.state = BatchState.SUBMITTED
    period.advice = "别的"
    db.session.commit()
    plan_risk_periods(TODAY)
    assert batches()[0].advice == "请垫高货物"


@pytest.mark.parametrize("state", [BatchState.PREPARED, BatchState.SUBMITTED, BatchState.REFUSED])
def test_nothing_leaves_without_approval(app: Flask, state: BatchState) -> None:
    make_party()
    make_batch(state=state)
    db.session.commit()
    assert plan_risk_periods(TODAY) == Planned()
    assert messages() == []


def test_an_approved_batch_waits_for_its_day(app: Flask) -> None:
    make_party()
    make_batch(send_on=TODAY + DAY)
    db.session.commit()
    assert plan_due(TODAY)["planned"] == 0
    assert plan_due(TODAY + DAY) == {"planned": 1, "suppressed": 0, "void": 0}
    (message,) = messages()
    # What is planned ahead is due at once.
    assert message.due_at == clock.now()


def test_a_row_for_each_contact_that_says_what_it_is(app: Flask) -> None:
    party = make_party()
    batch = make_batch()
    db.session.commit()
    assert plan_risk_periods(TODAY).planned == 1
    (message,) = messages()
    assert message.key == f"risk:{batch.id}:{party.contact_id}"
    assert (message.template, message.subject) == ("risk_notice", f"risk_batch:{batch.id}")
    assert (message.priority, message.urgent, message.values) == (8, False, {"party_id": party.id})
    assert message.due_at == clock.start_of(TODAY)
    # The period begins on the 9th; three days into it the text is of no more use.
    assert message.expires_at == clock.start_of(date(2026, 3, 13))
    db.session.refresh(batch)
    assert (batch.state, batch.planned, batch.recipients, batch.segments) == (BatchState.PLANNED, 1, 1, 1)


def test_a_short_period_ends_its_texts_with_itself(app: Flask) -> None:
    make_party()
    make_batch(starts_on=TODAY + DAY, ends_on=TODAY + DAY)
    db.session.commit()
    plan_risk_periods(TODAY)
    assert messages()[0].expires_at == clock.start_of(TODAY + 2 * DAY)


def test_planning_again_adds_nothing(app: Flask) -> None:
    for _ in range(3):
        make_party()
    make_batch()
    db.session.commit()
    assert plan_due(TODAY)["planned"] == 3
    assert plan_due(TODAY) == {"planned": 0, "suppressed": 0, "void": 0}
    assert plan_due(TODAY + DAY) == {"planned": 0, "suppressed": 0, "void": 0}


def test_a_planner_cut_off_between_pages_goes_on_where_it_was(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    parties = [make_party() for _ in range(5)]
    batch = make_batch()
    db.session.commit()
    monkeypatch.setattr(planner, "PAGE", 2)
    real, calls = outbox.enqueue_many, []

    def breaks(rows: Any) -> int:
        calls.append(rows)
        # Every page asks twice: for texts and for what is suppressed.
        if len(calls) == 4:
            raise RuntimeError("cut off")
        return real(rows)

    monkeypatch.setattr(outbox, "enqueue_many", breaks)
    with pytest.raises(RuntimeError):
        plan_risk_periods(TODAY)
    db.session.rollback()
    db.session.refresh(batch)
    # The second page left no trace: neither rows nor a mark.
    assert (batch.planned_to, batch.planned, len(messages())) == (parties[1].id, 2, 2)
    assert batch.state is BatchState.APPROVED
    assert plan_risk_periods(TODAY).planned == 3
    assert [message.values["party_id"] for message in messages()] == [party.id for party in parties]
    assert (batch.planned, batch.state) == (5, BatchState.PLANNED)


def test_a_withdrawal_between_pages_stops_the_planner(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        make_party()
    batch = make_batch()
    staff = make_staff()
    db.session.commit()
    monkeypatch.setattr(planner, "PAGE", 2)
    real = planner._plan_page

    def withdraws(batch: RiskBatch, parties: Any) -> Planned:
        planned = real(batch, parties)
        db.session.commit()
        steps.withdraw(batch=batch, staff=staff, note="计划有变")
        db.session.commit()
        return planned

    monkeypatch.setattr(planner, "_plan_page", withdraws)
    assert plan_risk_periods(TODAY).planned == 2
    assert ends() == {("void", "withdrawn"): 2}
    assert (batch.state, batch.note) == (BatchState.REFUSED, "计划有变")


def test_a_withdrawal_in_the_midst_of_a_page_leaves_nothing_behind(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_party()
    batch, staff = make_batch(), make_staff()
    db.session.commit()
    real, threads = queries.list_addressed, []

    def withdraw() -> None:
        with app.app_context():
            steps.withdraw(batch=queries.get_batch(batch.id, scope=None, lock=True), staff=staff, note="计划有变")
            db.session.commit()

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.Thread(target=withdraw))
        threads[-1].start()
        threads[-1].join(0.3)
        return real(*args, **kwargs)

    monkeypatch.setattr(queries, "list_addressed", meanwhile)
    plan_risk_periods(TODAY)
    threads[0].join(30)
    assert ends() == {("void", "withdrawn"): 1}


def test_what_is_approved_again_comes_back_and_nobody_hears_twice(app: Flask) -> None:
    sent, unsent = make_party(), make_party()
    batch, staff = make_batch(), make_staff()
    db.session.commit()
    plan_risk_periods(TODAY)
    first = messages()[0]
    first.state, first.attempts_made = MessageState.DELIVERED, 1
    steps.withdraw(batch=batch, staff=staff, note="措辞有误")
    db.session.commit()
    assert ends() == {("delivered", ""): 1, ("void", "withdrawn"): 1}
    steps.submit(batch=batch, staff=staff)
    steps.approve(batch=batch, staff=make_staff(), seen=steps.stamp(batch), urgent=False, reason="")
    db.session.commit()
    assert plan_risk_periods(TODAY).planned == 1
    assert ends() == {("delivered", ""): 1, ("queued", ""): 1}
    assert {message.values["party_id"] for message in messages()} == {sent.id, unsent.id}


def test_a_period_that_is_switched_off_takes_its_texts_along(app: Flask) -> None:
    make_party()
    batch = make_batch()
    db.session.commit()
    plan_risk_periods(TODAY)
    assert service.switch_period(period=batch.period, staff=make_staff(), active=False) == 1
    db.session.commit()
    assert ends() == {("void", "switched_off"): 1}
    assert (batch.state, batch.note) == (BatchState.REFUSED, "switched_off")


def test_what_has_left_whole_can_neither_be_withdrawn_nor_switched_off(app: Flask) -> None:
    make_party()
    batch, staff = make_batch(), make_staff()
    db.session.commit()
    plan_risk_periods(TODAY)
    dispatch()
    db.session.expire_all()
    with pytest.raises(TransitionError):
        steps.withdraw(batch=batch, staff=staff, note="计划有变")
    db.session.rollback()
    assert service.switch_period(period=batch.period, staff=staff, active=False) == 0
    assert batch.state is BatchState.PLANNED


def test_cost_does_not_grow_with_every_party(app: Flask) -> None:
    asked = []
    for parties in (3, 40):
        for _ in range(parties):
            make_party()
        make_batch()
        db.session.commit()
        with counted_queries() as seen:
            plan_risk_periods(TODAY)
        asked.append(len(seen))
    assert asked[0] == asked[1]


def test_what_nobody_approved_in_time_is_not_sent_and_says_so(app: Flask) -> None:
    make_party()
    period = make_period()
    late = make_batch(period=period, state=BatchState.SUBMITTED, starts_on=TODAY)
    # Approved, but the notifier was down for too long.
    missed = make_batch(starts_on=TODAY - 4 * DAY, send_on=TODAY - 10 * DAY)
    # Three days into its period a text is still of use: what was missed is caught up.
    caught_up = make_batch(starts_on=TODAY - 3 * DAY, send_on=TODAY - 10 * DAY)
    refused = make_batch(state=BatchState.REFUSED, starts_on=TODAY, note="请改")
    db.session.commit()
    assert plan_risk_periods(TODAY).planned == 1
    assert [(batch.state, batch.note) for batch in (late, missed, refused)] == [
        (BatchState.EXPIRED, "not_approved"),
        (BatchState.EXPIRED, "too_late"),
        (BatchState.EXPIRED, "请改"),
    ]
    assert messages()[0].subject == f"risk_batch:{caught_up.id}"


def test_planning_far_ahead_ends_nothing(app: Flask) -> None:
    batch = make_batch(state=BatchState.SUBMITTED, starts_on=TODAY + DAY)
    db.session.commit()
    plan_risk_periods(date(9999, 12, 31))
    db.session.refresh(batch)
    assert batch.state is BatchState.SUBMITTED


def test_texts_are_what_the_preview_said(app: Flask) -> None:
    chinese, english = make_party(), make_party()
    db.session.get_one(Contact, english.contact_id).locale = "en"
    batch = make_batch()
    db.session.commit()
    promised = queries.write_texts(batch)
    plan_risk_periods(TODAY)
    dispatch()
    sent = {message.contact_id: (message.text, message.segments) for message in messages()}
    assert sent == {
        chinese.contact_id: (promised["zh_Hans"].text, promised["zh_Hans"].segments),
        english.contact_id: (promised["en"].text, promised["en"].segments),
    }
    assert "请清沟排水" in promised["zh_Hans"].text
    assert "clear drains" in promised["en"].text


def test_two_planners_at_once_take_turns(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "PAGE", 2)
    for _ in range(9):
        make_party()
    batch = make_batch()
    db.session.commit()
    totals: list[Planned] = []

    def plan() -> None:
        with app.app_context():
            totals.append(plan_risk_periods(TODAY))

    threads = [threading.Thread(target=plan) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(total.planned for total in totals) == 9
    assert len(totals) == 3
    assert len({message.contact_id for message in messages()}) == len(messages()) == 9
    assert (batch.state, batch.planned) == (BatchState.PLANNED, 9)


class TestAtNight:
    """Quiet hours hold everything but what was approved as urgent."""

    @pytest.fixture
    def settings(self, database_url: str, tmp_path: Any) -> Settings:
        """Settings with quiet hours."""
        return make_settings(tmp_path, database_url, sms_quiet_hours=(time(20), time(8, 30)))

    def test_an_urgent_batch_goes_out_while_others_wait(self, app: Flask) -> None:
        make_party()
        calm, urgent = make_batch(), make_batch(urgent=True, urgent_reason="黄河来水")
        db.session.commit()
        with time_machine.travel("2026-03-02T23:00:00+08:00", tick=False):
            plan_risk_periods(TODAY)
            sent = dispatch()
        assert (sent["accepted"], sent["held"]) == (1, 1)
        states = {message.subject: message.state.value for message in messages()}
        assert states[f"risk_batch:{calm.id}"] == "queued"
        assert states[f"risk_batch:{urgent.id}"] in ("accepted", "delivered")
