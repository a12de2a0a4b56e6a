"""A run that vanished is noticed within seconds, and one that was given up sends nothing it still holds."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers import claims, runs
from notifiers import dispatch as dispatching
from notifiers.claims import Claim, Ending
from notifiers.desk import Desk
from notifiers.dispatch import dispatch
from notifiers.providers import Accepted
from notifiers.reconcile import reconcile
from portal import clock
from portal.db import db
from portal.messages.models import Attempt, Dispatcher, Message, MessageState, Outcome
from tests.factories.messages import make_contact, make_message

pytestmark = pytest.mark.every_case_on_postgresql

SECOND = timedelta(seconds=1)
GIVEN_UP = runs.GIVEN_UP_AFTER + SECOND


@pytest.fixture
def frozen() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-03T10:00:00+08:00", tick=False) as traveller:
        yield traveller


def claim_one(**values: Any) -> tuple[Message, int, str]:
    """Return a message that a run is sending, its attempt and the run."""
    message = make_message(contact=make_contact(), **values)
    run_id = runs.open_run()
    (attempt_id,) = claims.claim([Claim(message.id, "sandbox", "【x】y", 1)], run_id=run_id)
    db.session.commit()
    db.session.expire_all()
    assert (message.state, message.claimed_by) == (MessageState.SENDING, run_id)
    return message, attempt_id, run_id


def end(message: Message, attempt_id: int, outcome: Outcome, state: MessageState, **more: Any) -> Ending:
    return Ending(message.id, attempt_id, outcome, state, **more)


def record(ending: Ending, run_id: str) -> None:
    claims.record([ending], run_id=run_id)
    db.session.commit()
    db.session.expire_all()


def test_a_run_that_is_seen_keeps_what_it_sends(app: Flask, frozen: time_machine.Traveller) -> None:
    message, _, run_id = claim_one()
    frozen.shift(GIVEN_UP)
    assert claims.has_work(clock.now())
    assert runs.beat(run_id)
    assert not claims.has_work(clock.now())
    assert runs.sweep(clock.now()) == 0
    db.session.refresh(message)
    assert message.state is MessageState.SENDING


@pytest.mark.parametrize("gone", ["dead", "closed", "clock set back"])
def test_what_a_run_that_vanished_was_sending_is_unknown(app: Flask, frozen: time_machine.Traveller, gone: str) -> None:
    message, _, run_id = claim_one()
    if gone == "closed":
        runs.close_run(run_id)
    else:
        frozen.shift(GIVEN_UP if gone == "dead" else -GIVEN_UP)
    assert runs.sweep(clock.now()) == 1
    db.session.refresh(message)
    assert (message.state, message.reason) == (MessageState.UNKNOWN, "cut_off")
    assert db.session.scalars(sa.select(Dispatcher.id)).all() == []
    assert not runs.beat(run_id)


def test_a_minute_after_a_restart_what_was_cut_off_has_been_asked_about(
    app: Flask, frozen: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def look_up(_self: object, *, text: str, **_: Any) -> None:
        asked.append(text)

    monkeypatch.setattr("notifiers.providers.sandbox.SandboxProvider.look_up", look_up)
    message, _, _ = claim_one()
    waits = make_message(contact=make_contact())
    db.session.commit()
    restarted = clock.now()
    while not asked:
        dispatch()
        reconcile()
        frozen.shift(2 * SECOND)
        assert clock.now() - restarted <= timedelta(seconds=62)
    db.session.expire_all()
    assert (message.state, waits.state, waits.attempts_made) == (MessageState.UNKNOWN, MessageState.ACCEPTED, 1)
    assert asked == ["【x】y"]


def test_what_stays_unknown_is_asked_about_less_and_less(app: Flask, frozen: time_machine.Traveller) -> None:
    message, _, run_id = claim_one()
    runs.close_run(run_id)
    started = clock.now()
    moments = []
    for _ in range(6):
        reconcile()
        db.session.expire_all()
        assert message.ask_at is not None
        moments.append((message.ask_at - started) / timedelta(minutes=1))
        frozen.move_to(message.ask_at)
    assert moments == [1, 2, 4, 8, 16, 32]


def test_a_late_answer_still_settles_what_was_given_up(app: Flask, frozen: time_machine.Traveller) -> None:
    message, attempt_id, run_id = claim_one()
    frozen.shift(GIVEN_UP)
    runs.sweep(clock.now())
    record(end(message, attempt_id, Outcome.ACCEPTED, MessageState.ACCEPTED, reference="SB1"), run_id)
    assert (message.state, message.provider_reference) == (MessageState.ACCEPTED, "SB1")
    attempt = db.session.get_one(Attempt, attempt_id)
    assert (attempt.outcome, attempt.provider_reference) == (Outcome.ACCEPTED, "SB1")


def put_back(message: Message, attempt_id: int) -> Ending:
    wait = timedelta()
    return end(message, attempt_id, Outcome.UNREACHABLE, MessageState.QUEUED, wait=wait, unsent=True)


@pytest.mark.parametrize("swept", [False, True])
def test_what_was_never_handed_over_goes_back_even_if_it_was_given_up(
    app: Flask, frozen: time_machine.Traveller, swept: bool
) -> None:
    message, attempt_id, run_id = claim_one()
    if swept:
        frozen.shift(GIVEN_UP)
        assert runs.sweep(clock.now()) == 1
    record(put_back(message, attempt_id), run_id)
    assert (message.state, message.attempts_made) == (MessageState.QUEUED, 0)


@pytest.mark.parametrize("state", [MessageState.PERSON, MessageState.DELIVERED, MessageState.VOID])
def test_what_somebody_else_has_settled_does_not_go_back(app: Flask, state: MessageState) -> None:
    message, attempt_id, run_id = claim_one()
    message.state = state
    record(put_back(message, attempt_id), run_id)
    assert (message.state, message.attempts_made) == (state, 1)


@pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.REJECTED, Outcome.UNKNOWN])
def test_only_the_run_that_claimed_it_last_may_say_that_it_failed(app: Flask, outcome: Outcome) -> None:
    message, attempt_id, _ = claim_one()
    record(end(message, attempt_id, outcome, MessageState.QUEUED), "another run")
    assert message.state is MessageState.SENDING


class SlowSandbox:
    """Stands in for the sandbox: counts what it gets, and does something while the first message is on its way."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile = meanwhile
        self.sent: list[str] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sandbox = self

        async def send(_provider: object, message: Any) -> Any:
            first = not sandbox.sent
            sandbox.sent.append(message.to)
            if first:
                sandbox.meanwhile()
            return Accepted(f"SB{len(sandbox.sent)}")

        monkeypatch.setattr("notifiers.providers.sandbox.SandboxProvider.send", send)


def test_a_run_that_stood_still_sends_nothing_it_held_until_it_has_claimed_it_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process stands still over the first hand-over; others give the run up meanwhile."""
    contacts = [make_contact() for _ in range(40)]
    for contact in contacts:
        make_message(contact=contact)
    db.session.commit()
    monkeypatch.setattr(dispatching, "LATE_AFTER", SECOND)
    held_when_it_woke: list[int] = []

    def stand_still() -> None:
        time.sleep(1.1)
        with app.app_context():
            far = clock.now() + GIVEN_UP
            held_when_it_woke.append(runs.sweep(far))
            db.session.commit()

    sandbox = SlowSandbox(stand_still)
    sandbox.install(monkeypatch)
    assert dispatch() == {"accepted": 40, "rejected": 0, "unknown": 0, "held": 0}
    assert held_when_it_woke == [40]
    assert sorted(sandbox.sent) == sorted(contact.phone for contact in contacts)
    unsent = sa.select(sa.func.count()).where(Attempt.error_code == claims.STOPPED)
    assert (db.session.scalar(unsent) or 0) >= 39


def test_a_commit_that_was_made_but_not_heard_of_loses_and_doubles_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = [make_contact() for _ in range(30)]
    for contact in contacts:
        make_message(contact=contact)
    db.session.commit()
    sandbox = SlowSandbox(lambda: None)
    sandbox.install(monkeypatch)
    exchange, breaks = Desk._exchange, [True, False, True]

    def broken(self: Desk, *args: Any, **kwargs: Any) -> Any:
        turn = exchange(self, *args, **kwargs)
        if breaks and breaks.pop(0):
            self.held.difference_update(item.message_id for item in turn.handovers)
            raise sa.exc.OperationalError("COMMIT", {}, ConnectionError())
        return turn

    monkeypatch.setattr(Desk, "_exchange", broken)
    assert dispatch() == {"accepted": 30, "rejected": 0, "unknown": 0, "held": 0}
    assert sorted(sandbox.sent) == sorted(contact.phone for contact in contacts)
    assert set(db.session.scalars(sa.select(Message.attempts_made))) == {1}


def test_a_database_that_stays_away_ends_the_run_soon_when_it_is_told_to_stop(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("BEGIN", {}, ConnectionError())

    monkeypatch.setattr(Desk, "_exchange", away)
    stop = threading.Event()
    stop.set()
    begun = time.monotonic()
    with pytest.raises(sa.exc.OperationalError):
        Desk(app, app.config["SETTINGS"], stop).exchange([], 1)
    assert time.monotonic() - begun < 10


def test_runs_take_turns(app: Flask) -> None:
    runs.take_turn()
    runs.open_run()
    entered = threading.Event()

    def other() -> None:
        with app.app_context():
            runs.take_turn()
            runs.open_run()
            entered.set()
            db.session.rollback()

    thread = threading.Thread(target=other)
    thread.start()
    assert not entered.wait(0.3)
    db.session.commit()
    assert entered.wait(5)
    thread.join()
