"""A number gets no more than its share of texts in a day; what is beyond waits for the next one, and says so."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from notifiers.dispatch import dispatch
from portal import clock
from portal.calendar.models import CalendarDay, DayKind
from portal.contacts.models import Contact
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.settings import Settings
from tests.conftest import make_settings
from tests.factories.messages import make_contact, make_message

MONDAY = date(2026, 3, 2)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    quiet = Settings.sms_quiet_hours
    return make_settings(
        settings.data_dir, settings.database_url, sms_daily_cap=2, sms_quiet_hours=quiet, sms_hold_days="holidays"
    )


@pytest.fixture(autouse=True)
def frozen() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(f"{MONDAY}T10:00:00+08:00", tick=False) as traveller:
        yield traveller


def at(day: date, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}+08:00")


def queue(contact: Contact, count: int = 1, **values: Any) -> list[Message]:
    return [make_message(contact=contact, **values) for _ in range(count)]


def send() -> None:
    db.session.commit()
    dispatch()
    db.session.expire_all()


def test_what_is_beyond_the_cap_waits_for_the_next_morning(app: Flask, frozen: time_machine.Traveller) -> None:
    contact = make_contact()
    messages, other = queue(contact, 5), queue(make_contact(), 2)
    send()
    assert [item.state for item in messages + other] == ["accepted"] * 2 + ["queued"] * 3 + ["accepted"] * 2
    tomorrow = MONDAY + timedelta(days=1)
    assert {(item.reason, item.due_at) for item in messages[2:]} == {("daily_cap", at(tomorrow, "08:30"))}
    frozen.move_to(at(tomorrow, "08:29"))
    send()
    assert messages[2].state is MessageState.QUEUED
    frozen.move_to(at(tomorrow, "08:30"))
    send()
    assert [item.state for item in messages[2:]] == ["accepted", "accepted", "queued"]
    assert messages[2].reason == ""


def test_a_holiday_is_no_next_day(app: Flask) -> None:
    db.session.merge(CalendarDay(day=MONDAY + timedelta(days=1), kind=DayKind.HOLIDAY, name="虚构节"))
    messages = queue(make_contact(), 3)
    send()
    assert messages[2].due_at == at(MONDAY + timedelta(days=2), "08:30")


@pytest.mark.parametrize("state", ["accepted", "delivered", "failed", "unknown", "sending"])
def test_what_may_have_arrived_counts(app: Flask, state: str) -> None:
    contact = make_contact()
    had = queue(contact, 2, state=MessageState(state), claimed_by="somebody")
    for item in had:
        item.changed_at = clock.now()
        item.accepted_at = None if state in ("unknown", "sending") else clock.now()
    (message,) = queue(contact)
    send()
    assert (message.state, message.reason) == (MessageState.QUEUED, "daily_cap")


@pytest.mark.parametrize("state", ["rejected", "void", "suppressed", "person"])
def test_what_never_left_does_not_count(app: Flask, state: str) -> None:
    contact = make_contact()
    queue(contact, 3, state=MessageState(state))
    (message,) = queue(contact)
    send()
    assert message.state is MessageState.ACCEPTED


def test_what_was_sent_yesterday_does_not_count(app: Flask, frozen: time_machine.Traveller) -> None:
    contact = make_contact()
    queue(contact, 2)
    send()
    frozen.shift(timedelta(days=1))
    (message,) = queue(contact)
    send()
    assert message.state is MessageState.ACCEPTED


@pytest.mark.parametrize(
    "values",
    [
        {"urgent": True},
        {"priority": outbox.PRIORITY_ANSWER},
        {"expires_at": at(MONDAY + timedelta(days=1), "08:30")},
    ],
)
def test_what_cannot_wait_is_sent_and_counts(app: Flask, values: dict[str, Any]) -> None:
    contact = make_contact()
    pressing = queue(contact, 3, **values)
    send()
    assert {item.state for item in pressing} == {MessageState.ACCEPTED}
    (waits,) = queue(contact)
    send()
    assert waits.reason == "daily_cap"


def test_what_can_still_be_told_tomorrow_waits(app: Flask) -> None:
    messages = queue(make_contact(), 3, expires_at=at(MONDAY + timedelta(days=1), "08:31"))
    send()
    assert messages[2].reason == "daily_cap"
