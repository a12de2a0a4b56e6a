"""Days on which nobody planned are caught up, or recorded as missed; nobody is silently forgotten."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.account import take_account
from notifiers.dispatch import dispatch
from notifiers.plan.due import plan_due
from notifiers.plan.permits import plan_permits
from notifiers.providers import ReplyEvent
from notifiers.replies import record_replies
from portal import clock
from portal.calls.models import Call
from portal.contacts import service as contacts
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message
from portal.permits.models import Permit
from tests.factories.messages import make_contact
from tests.factories.parties import make_party
from tests.factories.permits import make_permit

TODAY = date(2026, 3, 2)
LAST = TODAY + timedelta(days=40)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def frozen() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-02T12:00:00+08:00", tick=False) as traveller:
        yield traveller


def known(**values: Any) -> Permit:
    """A permit that is known from today, with reminders in 10, 33 and 37 days."""
    permit = make_permit(valid_to=LAST + timedelta(days=30), **values)
    permit.last_apply_on, permit.window_opens_on = LAST, None
    permit.next_reminder_on = LAST - timedelta(days=30)
    db.session.commit()
    return permit


def before_last(days: int) -> datetime:
    return clock.start_of(LAST - timedelta(days=days)) + timedelta(hours=9)


def rows() -> list[tuple[str, str, str]]:
    found = db.session.execute(
        sa.select(Message.values, Message.state, Message.reason).order_by(Message.due_at, Message.id)
    )
    listed = [(values["label"], state.value, reason) for values, state, reason in found]
    db.session.commit()
    return listed


def calls() -> list[tuple[str, str]]:
    found = db.session.execute(sa.select(Call.subject, Call.reason).order_by(Call.id))
    listed = [(subject, reason) for subject, reason in found]
    db.session.commit()
    return listed


def plan() -> None:
    plan_due(clock.today())


def test_only_the_latest_is_sent_and_the_missed_are_told(app: Flask, frozen: time_machine.Traveller) -> None:
    permit = known()
    frozen.move_to(before_last(2))
    for _ in range(2):
        plan()
        assert rows() == [("30", "void", "missed"), ("7", "void", "missed"), ("3", "queued", "")]
    assert calls() == []
    db.session.refresh(permit)
    assert permit.next_reminder_on is None
    assert take_account(TODAY, LAST)["due"] == 3


def test_what_was_planned_in_time_is_not_missed(app: Flask, frozen: time_machine.Traveller) -> None:
    known()
    for days in (30, 7, 3):
        frozen.move_to(before_last(days))
        plan()
        db.session.commit()
        dispatch()
    assert rows() == [(label, "accepted", "") for label in ("30", "7", "3")]


def test_a_short_pause_skips_only_what_fell_into_it(app: Flask, frozen: time_machine.Traveller) -> None:
    known()
    frozen.move_to(before_last(30))
    plan()
    dispatch()
    frozen.move_to(before_last(2))
    plan()
    assert rows() == [("30", "accepted", ""), ("7", "void", "missed"), ("3", "queued", "")]


def test_what_fell_before_the_permit_was_known_was_not_missed(app: Flask, frozen: time_machine.Traveller) -> None:
    frozen.move_to(before_last(6))
    known()
    frozen.move_to(before_last(2))
    plan()
    assert rows() == [("3", "queued", "")]


def test_whose_last_day_passed_meanwhile_is_called_once(app: Flask, frozen: time_machine.Traveller) -> None:
    permit = known()
    frozen.move_to(before_last(-1))
    for _ in range(2):
        plan()
        permit.next_reminder_on = LAST
        db.session.commit()
    assert rows() == [("30", "void", "missed"), ("7", "void", "missed"), ("3", "person", "missed")]
    assert calls() == [(f"permit:{permit.id}", "missed")]


def test_a_register_of_old_permits_calls_nobody(app: Flask, frozen: time_machine.Traveller) -> None:
    frozen.move_to(before_last(-1))
    permit = known()
    plan()
    assert (rows(), calls()) == ([], [])
    db.session.refresh(permit)
    assert permit.next_reminder_on is None


def test_whose_last_reminder_was_told_is_not_called(app: Flask, frozen: time_machine.Traveller) -> None:
    permit = known()
    frozen.move_to(before_last(3))
    plan()
    dispatch()
    frozen.move_to(before_last(-1))
    permit.next_reminder_on = LAST - timedelta(days=3)
    db.session.commit()
    plan()
    assert rows() == [("30", "void", "missed"), ("7", "void", "missed"), ("3", "accepted", "")]
    assert calls() == []


def test_planning_ahead_misses_nothing(app: Flask) -> None:
    known()
    plan_permits(LAST - 2 * DAY)
    assert sorted(rows()) == [("3", "queued", ""), ("30", "void", "superseded"), ("7", "void", "superseded")]


def opted_out() -> dict[str, Any]:
    party = make_party()
    contacts.opt_out(db.session.get_one(Contact, party.contact_id))
    return {"party": party}


@pytest.mark.parametrize(
    ("make", "reason"), [(opted_out, "opted_out"), (lambda: {"party": make_party(phone=None)}, "no_contact")]
)
def test_whom_no_text_may_reach_is_called_once_for_each_last_day(
    app: Flask, frozen: time_machine.Traveller, make: Callable[[], dict[str, Any]], reason: str
) -> None:
    permit = known(**make())
    for days in (30, 7, 3):
        frozen.move_to(before_last(days))
        plan()
    assert [state for _, state, _ in rows()] == ["suppressed"] * 3
    call = (f"permit:{permit.id}", reason)
    assert calls() == [call]
    permit.last_apply_on, permit.next_reminder_on = LAST + 365 * DAY, LAST + 335 * DAY
    db.session.commit()
    frozen.shift(timedelta(days=340))
    plan()
    assert calls() == [call, call]


def test_whose_reminder_is_suppressed_when_it_is_sent_is_called_too(app: Flask, frozen: time_machine.Traveller) -> None:
    permit = known()
    permit.contact_id = make_contact().id
    frozen.move_to(before_last(7))
    plan()
    db.session.get_one(Contact, permit.contact_id).opted_out_at = clock.now()
    db.session.commit()
    dispatch()
    assert calls() == [(f"permit:{permit.id}", "opted_out")]
    frozen.move_to(before_last(3))
    plan()
    assert len(calls()) == 1


def test_who_stops_texts_before_a_reminder_is_called(app: Flask, frozen: time_machine.Traveller) -> None:
    permit = known()
    contact = make_contact()
    permit.contact_id = contact.id
    frozen.move_to(before_last(7))
    plan()
    record_replies("sandbox", [ReplyEvent(contact.phone, "T", "IN1")])
    db.session.commit()
    assert calls() == [(f"permit:{permit.id}", "opted_out")]
