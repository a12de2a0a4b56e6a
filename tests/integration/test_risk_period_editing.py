"""Staff enter and change high-risk periods; what they type is checked, and batches follow or stay as they should."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.organs.models import Organ
from portal.risk_periods.importer import load_facts
from portal.risk_periods.models import BatchState, RiskBatch, RiskPeriod
from portal.risk_periods.rules import Span
from portal.wordings.queries import find_wording
from portal.wordings.service import seen_mark
from tests.factories.messages import make_message
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


def period_fields(**changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "name": "虚构防汛期", "name_en": "Invented floods", "basis": "虚构条例第一条", "first_day": "05-15",
        "last_day": "09-30", "table": "", "days_ahead": "7", "advice": "请清沟排水", "advice_en": "clear drains",
        "organ": "0",
    }  # fmt: skip
    return fields | changes


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


@pytest.mark.parametrize("line", ["9999-12-30 9999-12-31", "0001-01-01 0001-01-02", "2100-12-31 2101-01-01"])
def test_days_that_no_calendar_reaches_are_refused(sign_in: SignIn, line: str) -> None:
    fields = period_fields(first_day="", last_day="", table=line)
    answer = sign_in(Role.SUPERVISOR).post("/staff/risk-periods/new", data=fields)
    assert answer.status_code == 422
    assert db.session.scalar(sa.select(sa.func.count(RiskPeriod.id)).where(RiskPeriod.name == fields["name"])) == 0


WORDS = "/staff/wordings/risk_notice/zh_Hans"
BODY = "{name}{day}开始，{advice}。还有一句。退订回T"


@pytest.mark.parametrize(
    ("state", "queued", "bound"),
    [
        (BatchState.PREPARED, False, False),
        (BatchState.SUBMITTED, False, True),
        (BatchState.APPROVED, False, True),
        (BatchState.PLANNED, True, True),
        (BatchState.PLANNED, False, False),
        (BatchState.REFUSED, False, False),
    ],
)
def test_one_person_alone_changes_no_words_that_are_to_be_approved(
    sign_in: SignIn, state: BatchState, queued: bool, bound: bool
) -> None:
    batch = make_batch(state=state)
    if queued:
        make_message(subject=f"risk_batch:{batch.id}", template="risk_notice")
    client = sign_in(Role.SUPERVISOR)
    answer = client.post(WORDS, data={"go": "save", "body": BODY, "seen": ""})
    assert answer.status_code == (409 if bound else 303)
    assert (find_wording("risk_notice", "zh_Hans") is None) == bound
    if bound:
        assert BODY in answer.text
        batch.state = BatchState.REFUSED
        db.session.execute(sa.update(Message).values(state=MessageState.VOID))
        assert client.post(WORDS, data={"go": "save", "body": BODY, "seen": ""}).status_code == 303
        batch.state = BatchState.APPROVED
        wording = find_wording("risk_notice", "zh_Hans")
        client.post(f"{WORDS}/restore", data={"seen": seen_mark(wording)})
        assert find_wording("risk_notice", "zh_Hans") is not None


def test_words_of_other_texts_and_of_batches_that_are_over_are_free(sign_in: SignIn) -> None:
    over = date(2026, 2, 1)
    make_batch(starts_on=over, ends_on=date(2026, 5, 1))
    client = sign_in(Role.SUPERVISOR)
    assert client.post(WORDS, data={"go": "save", "body": BODY, "seen": ""}).status_code == 303
    make_batch()
    stopped = "/staff/wordings/stopped/zh_Hans"
    assert client.post(stopped, data={"go": "save", "body": "已停发。", "seen": ""}).status_code == 303
