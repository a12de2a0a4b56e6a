"""What is due is sent, held, or settled without being sent."""

import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers import claims, runs
from notifiers import dispatch as dispatching
from notifiers.dispatch import dispatch
from notifiers.people import hand_to_person
from notifiers.reconcile import reconcile
from portal import clock
from portal.calendar.models import CalendarDay, DayKind
from portal.calls.models import Call
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Attempt, Message, MessageState, Outcome
from portal.settings import Settings
from tests.conftest import make_app
from tests.conftest import make_settings as base_settings
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit

NIGHT = "2026-03-02T23:00:00+08:00"
MORNING = "2026-03-03T08:30:00+08:00"
HOLIDAY = date(2026, 10, 1)


def enter(app: Flask, **changes: Any) -> Any:
    """An application with other settings on the same database; what was written so far is committed."""
    db.session.commit()
    settings: Settings = app.config["SETTINGS"]
    other = make_app(base_settings(Path(settings.data_dir), settings.database_url, **changes))
    return other.app_context()


def send(**counts: int) -> None:
    """Dispatch, and say how it must have gone."""
    db.session.commit()
    assert dispatch() == {"accepted": 0, "rejected": 0, "unknown": 0, "held": 0} | counts
    db.session.expire_all()


def attempts() -> list[Attempt]:
    return list(db.session.scalars(sa.select(Attempt).order_by(Attempt.id)))


def test_what_is_due_is_sent_once(app: Flask) -> None:
    message = make_message(contact=make_contact())
    send(accepted=1)
    assert message.state is MessageState.ACCEPTED
    assert message.provider == "sandbox"
    assert (message.provider_reference or "").startswith("SB")
    assert message.text.startswith("【孟州执法】")
    assert message.segments == 1
    assert message.accepted_at is not None
    assert message.ask_at == message.accepted_at + timedelta(hours=1)
    assert message.attempts_made == 1
    (attempt,) = attempts()
    assert attempt.outcome is Outcome.ACCEPTED
    assert attempt.provider_reference == message.provider_reference
    send()


def test_what_is_not_due_waits(app: Flask) -> None:
    make_message(contact=make_contact(), due_at=clock.now() + timedelta(hours=1))
    send()
    assert attempts() == []


@pytest.mark.parametrize(
    ("ending", "counts", "state", "outcome", "reason"),
    [
        ("0404", {"rejected": 1}, MessageState.REJECTED, Outcome.REJECTED, "no_such_number"),
        ("0500", {"unknown": 1}, MessageState.UNKNOWN, Outcome.UNKNOWN, "no_answer"),
        ("0503", {"held": 1}, MessageState.QUEUED, Outcome.UNREACHABLE, "out_of_service"),
    ],
)
def test_each_failure_says_what_is_known(
    app: Flask, ending: str, counts: dict[str, int], state: MessageState, outcome: Outcome, reason: str
) -> None:
    message = make_message(contact=make_contact(ending=ending))
    send(**counts)
    assert (message.state, message.reason) == (state, reason)
    assert [(attempt.outcome, attempt.error_code) for attempt in attempts()] == [(outcome, reason)]


def test_an_unknown_message_is_never_sent_again(app: Flask) -> None:
    make_message(contact=make_contact(ending="0500"))
    send(unknown=1)
    with time_machine.travel(clock.now() + timedelta(days=2)):
        send()
    assert len(attempts()) == 1


def test_an_unreachable_message_waits_longer_each_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    message = make_message(contact=make_contact(ending="0503"))
    start = clock.now()
    monkeypatch.setattr("random.random", lambda: 0.5)
    with time_machine.travel(start, tick=False):
        send(held=1)
        assert message.due_at == start + timedelta(seconds=30)
        send()
    with time_machine.travel(start + timedelta(seconds=30), tick=False):
        send(held=1)
        assert message.due_at == start + timedelta(seconds=90)
    assert message.attempts_made == 2


def test_a_rejected_reminder_goes_on_the_call_list(app: Flask) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60))
    make_message(contact=make_contact(ending="0404"), subject=f"permit:{permit.id}", template="permit_renewal")
    send(rejected=1)
    assert db.session.scalars(sa.select(Call.subject)).all() == [f"permit:{permit.id}"]


def test_a_permit_that_is_gone_keeps_nothing_else_from_being_recorded(app: Flask) -> None:
    reminder: dict[str, Any] = {"template": "permit_renewal", "subject": "permit:999999"}
    message = make_message(contact=make_contact(), **reminder, state=MessageState.SENDING, claimed_by="r")
    hand_to_person(message)
    make_message(**reminder)
    send()
    assert set(db.session.scalars(sa.select(Message.state))) == {MessageState.UNKNOWN, MessageState.SUPPRESSED}


def test_quiet_hours_hold_all_but_the_urgent(app: Flask) -> None:
    quiet = app.config["SETTINGS"].__class__.sms_quiet_hours
    with enter(app, sms_quiet_hours=quiet):
        with time_machine.travel(NIGHT, tick=False):
            waits = make_message(contact=make_contact(), priority=outbox.PRIORITY_ANSWER)
            rings = make_message(contact=make_contact(), urgent=True)
            send(accepted=1, held=1)
            assert (waits.state, rings.state) == (MessageState.QUEUED, MessageState.ACCEPTED)
        with time_machine.travel(MORNING, tick=False):
            send(accepted=1)


def test_a_night_without_anything_urgent_opens_no_run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []
    open_run = runs.open_run

    def noted() -> str:
        opened.append(True)
        return open_run()

    monkeypatch.setattr(runs, "open_run", noted)
    with enter(app, sms_quiet_hours=app.config["SETTINGS"].__class__.sms_quiet_hours):
        with time_machine.travel(NIGHT, tick=False):
            waits = make_message(contact=make_contact())
            send(held=1)
            assert opened == []
            # What a dispatcher left behind, and what comes too late, is settled at night as well.
            left = make_message(contact=make_contact(), state=MessageState.SENDING, claimed_by="gone")
            send(held=1)
            assert (left.state, len(opened)) == (MessageState.UNKNOWN, 1)
            late = make_message(contact=make_contact(), expires_at=clock.now())
            send(held=1)
            assert (late.state, len(opened)) == (MessageState.VOID, 2)
            send(held=1)
            assert len(opened) == 2
        with time_machine.travel(MORNING, tick=False):
            send(accepted=1)
            assert waits.state is MessageState.ACCEPTED


@pytest.mark.parametrize(
    ("mode", "day", "held"),
    [
        ("none", HOLIDAY, 0),
        ("holidays", HOLIDAY, 1),
        ("non-working", HOLIDAY, 1),
        ("holidays", date(2026, 3, 7), 0),
        ("non-working", date(2026, 3, 7), 1),
        ("non-working", date(2026, 3, 9), 0),
    ],
)
def test_hold_days_follow_the_calendar(app: Flask, mode: str, day: date, held: int) -> None:
    db.session.merge(CalendarDay(day=HOLIDAY, kind=DayKind.HOLIDAY, name="国庆节"))
    with enter(app, sms_hold_days=mode), time_machine.travel(f"{day}T12:00:00+08:00", tick=False):
        make_message(contact=make_contact())
        send(**({"held": 1} if held else {"accepted": 1}))


def test_what_came_too_late_is_void(app: Flask) -> None:
    message = make_message(contact=make_contact(), expires_at=clock.now() - timedelta(seconds=1))
    send()
    assert (message.state, message.reason) == (MessageState.VOID, "expired")
    assert attempts() == []


def test_somebody_calls_whom_no_text_could_be_sent_in_time(app: Flask) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60))
    contact = make_contact()
    late = clock.now() - timedelta(seconds=1)
    message = make_message(contact=contact, subject=f"permit:{permit.id}", expires_at=late)
    send()
    # Whether or not anything else is ever due.
    assert reconcile() == reconcile() == {"accepted": 0, "person": 0, "open": 0}
    db.session.expire_all()
    tasks = db.session.scalars(sa.select(Call)).all()
    subject = f"permit:{permit.id}"
    assert [(task.subject, task.reason, task.done_at) for task in tasks] == [(subject, "undelivered", None)]
    assert (message.state, message.reason) == (MessageState.PERSON, "expired")


def test_whoever_opted_out_since_hears_only_answers(app: Flask) -> None:
    contact = make_contact(opted_out_at=clock.now())
    reminder = make_message(contact=contact)
    answer = make_message(contact=contact, priority=outbox.PRIORITY_ANSWER)
    send(accepted=1)
    assert (reminder.state, reminder.reason) == (MessageState.SUPPRESSED, "opted_out")
    assert answer.state is MessageState.ACCEPTED


def test_without_a_number_nothing_is_sent(app: Flask) -> None:
    message = make_message()
    send()
    assert (message.state, message.reason) == (MessageState.SUPPRESSED, "no_contact")


def test_a_message_about_nothing_is_void_and_a_broken_template_goes_to_a_person(app: Flask) -> None:
    gone = make_message(contact=make_contact(), template="permit_renewal", subject="permit:999999")
    broken = make_message(contact=make_contact(), template="no_such_template")
    send()
    assert (gone.state, gone.reason) == (MessageState.VOID, "record_gone")
    assert (broken.state, broken.reason) == (MessageState.PERSON, "cannot_compose")


def test_the_most_pressing_goes_first(app: Flask) -> None:
    late = make_message(contact=make_contact(), priority=outbox.PRIORITY_BATCH)
    first = make_message(contact=make_contact(), priority=outbox.PRIORITY_ANSWER)
    waiting = claims.list_waiting(due_by=clock.now(), urgent_only=False, limit=10)
    assert [message.id for message in waiting] == [first.id, late.id]


def test_many_batches_are_drained_in_one_run(app: Flask) -> None:
    contact = make_contact()
    db.session.flush()
    rows = [
        {"key": f"bulk:{n}", "template": "stopped", "subject": "test:0", "contact_id": contact.id, "values": {}}
        | {"due_at": clock.now()}
        for n in range(dispatching.BATCH * 3 + 7)
    ]
    assert outbox.enqueue_many(rows) == len(rows)
    send(accepted=len(rows))
    assert len(attempts()) == len(rows)


def test_a_run_that_is_stopped_puts_back_what_it_did_not_hand_over(app: Flask) -> None:
    message = make_message(contact=make_contact())
    db.session.commit()
    stop = threading.Event()
    stop.set()
    assert dispatch(stop)["held"] == 1
    db.session.expire_all()
    assert message.state is MessageState.QUEUED


def test_no_number_and_no_text_is_logged(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    contacts = [make_contact(ending=ending) for ending in ("0001", "0404", "0500", "0503")]
    for contact in contacts:
        make_message(contact=contact)
    make_message(contact=contacts[0], template="no_such_template")
    db.session.commit()
    dispatch()
    assert caplog.text
    assert "孟州执法" not in caplog.text
    assert not [contact for contact in contacts if contact.phone[-11:] in caplog.text]
