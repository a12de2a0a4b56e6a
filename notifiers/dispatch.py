"""Sends what is due: claims are committed before anything leaves, and no transaction is open while it does.

Sending and the database work side by side: an event loop keeps up to 256 hand-overs in flight while one thread
records the last results and claims the next batch. A larger batch would be faster by little, and widen what a crash
leaves unknown; and until a provider has answered, few are in flight, because each may stay unknown too.
"""

import asyncio
import gc
import logging
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from flask import current_app

from notifiers.claims import STOPPED
from notifiers.desk import PROVIDER_DOWN, Desk, Handover, Result
from notifiers.gates import BREAKS_AT
from notifiers.providers import Outgoing, Provider, Rejected, Status, Unknown, Unreachable
from notifiers.providers.registry import get_callback, get_provider
from notifiers.runs import BEAT_EVERY, LATE_AFTER
from portal import clock
from portal.cli import current_settings
from portal.messages.models import MessageState, Outcome
from portal.messages.rules import extension_code
from portal.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_IN_FLIGHT, IN_FLIGHT = 16, 256
BATCH = 500
REFILL_AT = 400
RECORD_AT = 500
# A provider that answered so many seconds ago need not be felt out again.
REMEMBERED = 60.0
STOP_WITHIN = 3.0
LOOK_EVERY = 0.5
# Counts on while the machine sleeps, where the system has such a clock.
SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

STATES = {
    Status.ACCEPTED: MessageState.ACCEPTED,
    Status.DELIVERED: MessageState.DELIVERED,
    Status.FAILED: MessageState.FAILED,
}


@dataclass
class Sent:
    """How a run went, in messages; `held` are due and stay in the queue."""

    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    held: int = 0
    unreachable: set[int] = field(default_factory=set, repr=False)

    def as_dict(self) -> dict[str, int]:
        """Return the counts as the command prints them."""
        return {"accepted": self.accepted, "rejected": self.rejected, "unknown": self.unknown, "held": self.held}


class Pace:
    """How many hand-overs may be in flight: few at first, one more for each that is answered, few again on failure."""

    def __init__(self) -> None:
        self.window = FIRST_IN_FLIGHT
        self.answered_at = 0.0

    def begin(self) -> None:
        """Start a run as the last one ended, if that was just now."""
        if time.monotonic() - self.answered_at > REMEMBERED:
            self.window = FIRST_IN_FLIGHT

    def answered(self) -> bool:
        """Let one more fly, and tell whether there was room for it."""
        self.answered_at = time.monotonic()
        if self.window >= IN_FLIGHT:
            return False
        self.window += 1
        return True

    def failed(self) -> None:
        """Begin anew: a provider does not answer."""
        self.window = FIRST_IN_FLIGHT


PACE = Pace()


class Pulse:
    """When a run was last seen, by the machine's clock and by the calendar's: either may stand still."""

    def __init__(self) -> None:
        self.seen = (time.clock_gettime(SINCE_BOOT), clock.now())

    def is_older(self, age: timedelta) -> bool:
        """Whether more time has passed since, by either clock; a calendar that was set back tells too."""
        elapsed = time.clock_gettime(SINCE_BOOT) - self.seen[0]
        return elapsed > age.total_seconds() or abs(clock.now() - self.seen[1]) > age


class Drain:
    """One run: sends until nothing is due that may be sent now, or until it is told to stop."""

    def __init__(self, desk: Desk, settings: Settings, stop: threading.Event, pace: Pace) -> None:
        self.desk = desk
        self.settings = settings
        self.stop = stop
        self.pace = pace
        self.sent = Sent()
        self.providers: dict[str, Provider] = {}
        self.callbacks = {name: get_callback(name, settings) for name in settings.sms_providers}
        self.queue: deque[Handover] = deque()
        self.wake = asyncio.Event()
        self.workers: set[asyncio.Task[None]] = set()
        self.results: list[Result] = []
        self.pulse = Pulse()
        self.flying = 0
        # Hand-overs in a row that failed, by provider: the breaker in the database hears of them only now and then.
        self.failures: Counter[str] = Counter()
        self.exhausted = False
        self.rests_until = 0.0
        self.ending = False

    async def run(self) -> Sent:
        """Send, and return how it went."""
        with ThreadPoolExecutor(1, thread_name_prefix="desk") as thread:
            try:
                await self._feed(thread)
            finally:
                await self._finish(thread)
        return self.sent

    async def _feed(self, thread: ThreadPoolExecutor) -> None:
        while not self.stop.is_set():
            want = BATCH if self._wants_more() else 0
            if want or self.results or self.pulse.is_older(BEAT_EVERY):
                await self._exchange(thread, want)
            elif self.exhausted and not self.flying and not self.queue:
                return
            if not self._is_ready():
                self.wake.clear()
                rest = self.rests_until - time.monotonic()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), rest if 0 < rest < LOOK_EVERY else LOOK_EVERY)

    async def _exchange(self, thread: ThreadPoolExecutor, want: int) -> None:
        results, self.results = self.results, []
        loop, pulse = asyncio.get_running_loop(), Pulse()
        try:
            turn = await loop.run_in_executor(thread, self.desk.exchange, results, want)
        except BaseException:
            self.results = [*results, *self.results]
            raise
        self._count(results)
        self.sent.unreachable |= turn.waits
        # What was put back is due again.
        back = any(result.unsent for result in results)
        self.exhausted = turn.empty or (self.exhausted and not back)
        if want:
            self.rests_until = time.monotonic() + turn.pause
        late = not turn.alive or self.pulse.is_older(LATE_AFTER)
        self._put_back(lambda handover: late or handover.provider in turn.down)
        self.pulse = pulse
        for name in {handover.provider for handover in turn.handovers}:
            # The breaker lets it through, be it as a probe.
            self.failures[name] %= BREAKS_AT
        self.queue.extend(turn.handovers)
        self._hire()
        # Let them take what they can, or the queue would seem fuller than it is and the next claim come late.
        await asyncio.sleep(0)

    def _hire(self) -> None:
        if self.ending:
            return
        for _ in range(min(self.pace.window - len(self.workers), len(self.queue))):
            self.workers.add(asyncio.create_task(self._work()))

    def _put_back(self, which: Callable[[Handover], bool]) -> None:
        self.results += [_unsent(handover) for handover in self.queue if which(handover)]
        self.queue = deque(handover for handover in self.queue if not which(handover))

    def _wants_more(self) -> bool:
        return not self.exhausted and len(self.queue) < REFILL_AT and time.monotonic() >= self.rests_until

    def _is_ready(self) -> bool:
        """Whether the database has something to do."""
        if len(self.results) >= RECORD_AT or self._wants_more():
            return True
        return self.exhausted and not self.flying and not self.queue

    async def _work(self) -> None:
        """Hand over one after another, until nothing is left to do or too many do it."""
        task = asyncio.current_task()
        assert task is not None
        while self.queue and len(self.workers) <= self.pace.window:
            handover = self.queue.popleft()
            self.flying += 1
            try:
                result = await self._hand_over(handover)
            except asyncio.CancelledError:
                self.results.append(Result(handover, Outcome.UNKNOWN, MessageState.UNKNOWN, code=STOPPED))
                raise
            finally:
                self.flying -= 1
            self.results.append(result)
            self._learn(result)
            if self._is_ready():
                self.wake.set()
        # At once: whoever hires next must not count this one.
        self.workers.discard(task)

    def _learn(self, result: Result) -> None:
        name = result.handover.provider
        if result.unsent:
            return
        if result.outcome in (Outcome.ACCEPTED, Outcome.REJECTED):
            self.failures[name] = 0
            if self.pace.answered():
                self._hire()
            return
        self.failures[name] += 1
        if self.failures[name] >= BREAKS_AT:
            self.pace.failed()
            self.wake.set()

    async def _hand_over(self, handover: Handover) -> Result:
        if self.pulse.is_older(LATE_AFTER):
            # The process stood still, or the database is away: others may have given this run up.
            return _unsent(handover)
        if self.failures[handover.provider] >= BREAKS_AT:
            return _unsent(handover, PROVIDER_DOWN)
        try:
            provider = self._provider(handover.provider)
            taken = await provider.send(self._outgoing(handover))
        except Unreachable as failure:
            return Result(handover, Outcome.UNREACHABLE, MessageState.QUEUED, code=failure.code)
        except Rejected as failure:
            return Result(handover, Outcome.REJECTED, MessageState.REJECTED, code=failure.code)
        except Unknown as failure:
            return Result(handover, Outcome.UNKNOWN, MessageState.UNKNOWN, code=failure.code)
        except Exception as problem:
            log.exception("message %d: the provider's adapter failed", handover.message_id)
            return Result(handover, Outcome.UNKNOWN, MessageState.UNKNOWN, code=type(problem).__name__)
        return Result(handover, Outcome.ACCEPTED, STATES[taken.status], reference=taken.reference)

    def _outgoing(self, handover: Handover) -> Outgoing:
        return Outgoing(
            handover.to,
            handover.shaped.text,
            self.callbacks[handover.provider],
            handover.valid_for,
            template_id=handover.shaped.template_id,
            parameters=handover.shaped.parameters,
            extension=extension_code(handover.message_id),
            reference=str(handover.message_id),
        )

    def _provider(self, name: str) -> Provider:
        if name not in self.providers:
            self.providers[name] = get_provider(name, self.settings)
        return self.providers[name]

    def _count(self, results: list[Result]) -> None:
        for result in results:
            if result.outcome is not Outcome.UNREACHABLE:
                self.sent.unreachable.discard(result.handover.message_id)
            if result.outcome is Outcome.ACCEPTED:
                self.sent.accepted += 1
            elif result.outcome is Outcome.REJECTED:
                self.sent.rejected += 1
            elif result.outcome is Outcome.UNKNOWN:
                self.sent.unknown += 1

    async def _finish(self, thread: ThreadPoolExecutor) -> None:
        """Put back what was not handed over, wait shortly for what was, and record everything."""
        self.ending = True
        self._put_back(lambda _: True)
        deadline = time.monotonic() + STOP_WITHIN
        while self.flying and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        workers = list(self.workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        try:
            while self.results:
                await self._exchange(thread, 0)
                # Not even to the next provider.
                self._put_back(lambda _: True)
        finally:
            for provider in self.providers.values():
                await provider.close()


def _unsent(handover: Handover, code: str = STOPPED) -> Result:
    return Result(handover, Outcome.UNREACHABLE, MessageState.QUEUED, code=code, unsent=True)


@contextmanager
def _tuned() -> Iterator[None]:
    """Look for garbage less often, for a run makes many small objects and few cycles; and let threads change quickly.

    SQLite's driver lets go of Python's lock at every row, and would wait long for the sending thread to give it back.
    """
    collecting, switching = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50_000, 20, 100)
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        gc.set_threshold(*collecting)
        sys.setswitchinterval(switching)


def run_fast(work: Coroutine[Any, Any, T]) -> T:
    """Run something in an event loop that costs a tenth less than Python's own, where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def dispatch(stop: threading.Event | None = None) -> dict[str, int]:
    """Send what is due and return how many messages were accepted, rejected, are unknown, and are held.

    The caller's own transaction must be over: the work is done in sessions of its own.
    """
    settings, stop = current_settings(), stop or threading.Event()
    desk = Desk(current_app.app_context().app, settings, stop)
    sent = Sent()
    if desk.has_work():
        desk.open()
        with _tuned():
            PACE.begin()
            sent = run_fast(Drain(desk, settings, stop, PACE).run())
        desk.close()
    sent.held = len(sent.unreachable) + desk.count_held()
    # What only waits for the morning would fill the log all night.
    if sent.accepted or sent.rejected or sent.unknown or sent.unreachable:
        log.info("dispatch: %s", sent.as_dict())
    return sent.as_dict()
