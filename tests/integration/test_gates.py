"""A provider gets no more segments a second than agreed, and nothing while it is down; nothing is lost over that."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers import dispatch as dispatching
from notifiers.compose import Composed
from notifiers.desk import Desk, Turn
from notifiers.dispatch import Pace, dispatch
from notifiers.gates import BREAKS_AT, PROBE_FOR, Gates
from notifiers.providers import Accepted, Outgoing, Rejected, Unknown, Unreachable
from notifiers.providers.sandbox import SandboxProvider
from notifiers.shape import Shaped, Shaper, Unshapable
from portal import clock
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Attempt, Gate, Message, MessageState
from tests.conftest import make_app
from tests.conftest import make_settings as base_settings
from tests.factories.messages import make_contact, make_message

NAME = "sandbox"
SECOND = timedelta(seconds=1)


class Line:
    """Stands in for the sandbox: does as told, and counts what it was handed, and how much of it at once."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.takes = 0.0
        self.handed: list[tuple[float, Outgoing]] = []
        self.flying = self.most = 0

    async def send(self, message: Outgoing) -> Accepted:
        self.handed.append((time.monotonic(), message))
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await asyncio.sleep(self.takes)
        finally:
            self.flying -= 1
        if self.failure is not None:
            raise self.failure
        return Accepted(f"SB{len(self.handed)}")


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line()
    monkeypatch.setattr(SandboxProvider, "send", lambda _self, message: line.send(message))
    monkeypatch.setattr(dispatching, "PACE", Pace())
    return line


@pytest.fixture
def frozen() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-03T10:00:00+08:00", tick=False) as traveller:
        yield traveller


def queue(count: int, **values: Any) -> None:
    for _ in range(count):
        make_message(contact=make_contact(), **values)
    db.session.commit()


def enter(app: Flask, **changes: Any) -> Any:
    """The application with other settings, on the same database."""
    settings = app.config["SETTINGS"]
    return make_app(base_settings(Path(settings.data_dir), settings.database_url, **changes)).app_context()


def states() -> Counter[str]:
    found: Counter[str] = Counter(db.session.scalars(sa.select(Message.state)))
    db.session.rollback()
    return found


def gates(**rates: float) -> Gates:
    return Gates([NAME], rates)


def test_a_bucket_holds_a_second_and_fills_with_time(app: Flask, frozen: time_machine.Traveller) -> None:
    assert gates(sandbox=20).room(100) == 20
    for _ in range(10):
        assert gates(sandbox=20).take(NAME, 2)
    empty = gates(sandbox=20)
    assert not empty.take(NAME, 2)
    assert empty.pause == pytest.approx(0.2)
    assert empty.room(100) == 0
    frozen.shift(SECOND / 2)
    assert gates(sandbox=20).room(100) == 10
    frozen.shift(-3600 * SECOND)
    assert gates(sandbox=20).room(100) == 10
    frozen.shift(SECOND)
    assert gates(sandbox=20).room(100) == 20


def test_a_slow_rate_still_lets_the_longest_text_through(app: Flask, frozen: time_machine.Traveller) -> None:
    assert gates(sandbox=0.5).take(NAME, 30)
    assert not gates(sandbox=0.5).take(NAME, 1)
    frozen.shift(2 * 21 * SECOND)
    assert gates(sandbox=0.5).take(NAME, 1)


def test_without_a_rate_everything_may_go(app: Flask) -> None:
    assert gates().room(500) == 500


def fail(times: int) -> Gates:
    found = gates()
    for _ in range(times):
        found.tell(NAME, well=False, code="timeout")
    db.session.flush()
    return found


def test_the_breaker_opens_longer_each_time_and_lets_one_probe_through(
    app: Flask, frozen: time_machine.Traveller
) -> None:
    fail(BREAKS_AT - 1)
    gates().tell(NAME, well=True)
    assert fail(BREAKS_AT - 1).list_down() == set()
    waits = [30, 60, 120, 240, 480, 600, 600]
    for wait in waits:
        assert fail(1).list_down() == {NAME}
        assert fail(30).room(10) == 0, "what was on its way changes nothing more"
        frozen.shift((wait - 1) * SECOND)
        assert gates().room(10) == 0
        frozen.shift(SECOND)
        assert gates().room(10) == 1
        assert gates().take(NAME, 1)
        probed = gates()
        assert (probed.room(10), probed.list_down(), probed.pause) == (0, set(), 0.2)
    gates().tell(NAME, well=True)
    assert gates().room(10) == 10
    assert db.session.get_one(Gate, NAME).openings == 0


def test_a_probe_that_is_never_heard_of_makes_way(app: Flask, frozen: time_machine.Traveller) -> None:
    fail(BREAKS_AT)
    frozen.shift(30 * SECOND)
    assert gates().take(NAME, 1)
    frozen.shift(PROBE_FOR)
    assert gates().room(10) == 1


def test_a_rate_is_kept_over_a_whole_run_in_segments(app: Flask, line: Line) -> None:
    queue(30)
    with enter(app, sms_rates={NAME: 20.0}):
        begun = time.monotonic()
        assert dispatch()["accepted"] == 30
        took = time.monotonic() - begun
    # Twenty at once, the other ten as the bucket fills.
    assert took > 0.4
    assert len(line.handed) == 30
    for number, (moment, _) in enumerate(line.handed, start=1):
        assert number <= 20 + 20 * (moment - begun)


def test_a_run_that_waits_for_its_rate_stops_when_told(app: Flask, line: Line) -> None:
    queue(40)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with enter(app, sms_rates={NAME: 1.0}):
        begun = time.monotonic()
        sent = dispatch(stop)
        # Ten at once: the other thirty would take half a minute.
        assert time.monotonic() - begun < 10
    assert sent["accepted"] + sent["held"] == 40
    assert states() == Counter({MessageState.ACCEPTED: sent["accepted"], MessageState.QUEUED: sent["held"]})


@pytest.mark.parametrize("failure", [Unreachable("503"), Unknown("timeout"), RuntimeError("broken")])
def test_a_provider_that_fails_is_left_alone_soon(app: Flask, line: Line, failure: Exception) -> None:
    queue(200)
    line.failure, line.takes = failure, 0.05
    dispatch()
    tried = len(line.handed)
    assert BREAKS_AT <= tried <= 3 * 16
    lost = tried if not isinstance(failure, Unreachable) else 0
    assert states() == Counter({MessageState.UNKNOWN: lost, MessageState.QUEUED: 200 - lost}) - Counter()
    dispatch()
    assert len(line.handed) == tried
    untouched = sa.select(sa.func.count()).where(Message.state == "queued", Message.attempts_made == 0)
    assert db.session.scalar(untouched) == 200 - tried


def test_a_provider_that_comes_back_gets_one_probe_then_everything(app: Flask, line: Line) -> None:
    queue(60)
    line.failure = Unknown("timeout")
    assert dispatch()["held"] >= 30
    line.failure = None
    tried = len(line.handed)
    with time_machine.travel(clock.now() + 31 * SECOND):
        line.takes = 0.2
        assert dispatch() == {"accepted": 60 - tried, "rejected": 0, "unknown": 0, "held": 0}
    probe, *rest = [moment for moment, _ in line.handed[tried:]]
    assert min(rest) - probe >= 0.2
    assert max(Counter(message.reference for _, message in line.handed).values()) == 1


def test_a_refused_message_says_that_the_provider_is_there(app: Flask, line: Line) -> None:
    queue(40)
    line.failure = Rejected("21211")
    assert dispatch()["rejected"] == 40


def test_few_are_in_flight_until_a_provider_has_answered(app: Flask, line: Line) -> None:
    queue(400)
    line.takes = 0.05
    moments = []
    send = line.send

    async def watch(message: Outgoing) -> Accepted:
        moments.append(line.flying)
        return await send(message)

    line.send = watch  # type: ignore[method-assign]
    assert dispatch()["accepted"] == 400
    assert max(moments[:16]) <= 16
    assert 100 < line.most <= 256
    assert dispatching.PACE.window == 256


def test_the_next_batch_is_claimed_while_the_first_is_on_its_way(
    app: Flask, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = make_contact()
    db.session.flush()
    alike = {"template": "stopped", "subject": "test:0", "contact_id": contact.id, "values": {}, "due_at": clock.now()}
    outbox.enqueue_many([alike | {"key": f"early:{number}"} for number in range(dispatching.BATCH + 1)])
    db.session.commit()
    line.takes = 0.5
    dispatching.PACE.window, dispatching.PACE.answered_at = dispatching.IN_FLIGHT, time.monotonic()
    claimed = []
    exchange = Desk.exchange

    def watch(desk: Desk, results: Any, want: int) -> Turn:
        begun, turn = time.monotonic(), exchange(desk, results, want)
        claimed.append((begun, len(turn.handovers)))
        return turn

    monkeypatch.setattr(Desk, "exchange", watch)
    assert dispatch()["accepted"] == dispatching.BATCH + 1
    assert [count for _, count in claimed[:2]] == [dispatching.BATCH, 1]
    assert claimed[1][0] < line.handed[0][0] + line.takes


def test_while_one_provider_is_down_the_next_one_sends(app: Flask, line: Line) -> None:
    """Twilio without an account cannot be reached: what it did not take goes to the sandbox, and soon all of it."""
    queue(100)
    with enter(app, sms_providers=("twilio", "sandbox")):
        assert dispatch() == {"accepted": 100, "rejected": 0, "unknown": 0, "held": 0}
    assert len(line.handed) == 100
    db.session.expire_all()
    tried = db.session.scalars(
        sa.select(Attempt.message_id).where(Attempt.provider == "twilio", Attempt.error_code == "not_configured")
    ).all()
    assert BREAKS_AT <= len(tried) <= 3 * 16
    assert db.session.get_one(Gate, "twilio").reason == "not_configured"
    assert set(db.session.scalars(sa.select(Message.provider))) == {"sandbox"}


def test_a_run_that_is_told_to_stop_hands_nothing_to_the_next_provider(app: Flask, line: Line) -> None:
    queue(3)
    stop = threading.Event()

    async def refuse(_self: object, _message: Outgoing) -> Accepted:
        stop.set()
        await asyncio.sleep(0.7)
        raise Unreachable("503")

    with pytest.MonkeyPatch.context() as patch, enter(app, sms_providers=("twilio", "sandbox")):
        patch.setattr("notifiers.providers.twilio.TwilioProvider.send", refuse)
        assert dispatch(stop)["accepted"] == 0
    assert line.handed == []
    assert states() == {MessageState.QUEUED: 3}


def test_what_goes_out_carries_our_reference_and_extension(app: Flask, line: Line) -> None:
    queue(1)
    dispatch()
    (number,) = db.session.scalars(sa.select(Message.id))
    ((_, message),) = line.handed
    assert (message.reference, message.extension) == (str(number), f"{number % 100:02d}")


def test_what_only_a_provider_that_is_down_could_take_makes_way(
    app: Flask, frozen: time_machine.Traveller, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = {"sandbox": "stopped", "twilio": "started"}

    def shape(_self: object, composed: Composed, provider: str) -> Shaped:
        if composed.wording != takes[provider]:
            raise Unshapable("no_template", passing=True)
        return Shaped(composed.text, composed.segments)

    monkeypatch.setattr(Shaper, "shape", shape)
    monkeypatch.setattr("notifiers.providers.twilio.TwilioProvider.send", lambda _self, message: line.send(message))
    monkeypatch.setattr(dispatching, "BATCH", 2)
    down = clock.now() + timedelta(seconds=30)
    values = {"failures": BREAKS_AT, "openings": 1, "filled_at": clock.now(), "tokens": 10.0}
    db.session.add(Gate(provider="sandbox", open_until=down, **values))
    queue(5, template="stopped")
    queue(1, template="started")
    with enter(app, sms_providers=("sandbox", "twilio")):
        assert dispatch()["accepted"] == 1
        waiting = db.session.scalars(sa.select(Message).where(Message.state == MessageState.QUEUED)).all()
        assert [(item.template, item.reason, item.planned_at) for item in waiting] == [
            ("stopped", "provider_down", clock.now())
        ] * 5
        db.session.commit()
        frozen.shift(timedelta(seconds=40))
        assert dispatch()["accepted"] + dispatch()["accepted"] == 5
