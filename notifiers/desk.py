"""The database side of sending: what to hand over next, and how the last hand-overs went, in one transaction each."""

import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from flask import Flask

from notifiers import claims, digests, runs
from notifiers.claims import STOPPED, Claim, Ending, Waiting
from notifiers.compose import Composed, Uncomposable, compose_many
from notifiers.gates import Gates
from notifiers.holds import Holds
from notifiers.people import ask_for_suppressed, call_about_expired, end_expired, hand_to_person
from notifiers.receipts import match_receipts
from notifiers.routes import Routes
from notifiers.shape import Shaped, Unshapable
from notifiers.unreached import call_about
from portal import clock
from portal.db import db, reading
from portal.messages.models import Message, MessageState, Outcome
from portal.messages.outbox import PRIORITY_ANSWER
from portal.messages.rules import backoff_seconds
from portal.settings import Settings

log = logging.getLogger(__name__)

# How long a database that is away is waited for, a little longer each time; a run that is to end waits less.
PAUSES = (0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0, 3.0, 5.0, 5.0, 5.0)
PAUSES_AT_END = 3
# What no provider can send yet, because its template is not approved, is looked at again after that.
SHAPE_AGAIN = timedelta(minutes=10)
# What only a provider that is down could take makes way for so long, or it would hold up what others take.
DOWN_AGAIN = timedelta(seconds=20)
PROVIDER_DOWN = "provider_down"
UNHEARD = (MessageState.REJECTED, MessageState.FAILED)


@dataclass(slots=True)
class Handover:
    """One message on its way to one provider; its attempt is opened and committed before it leaves."""

    message_id: int
    provider: str
    to: str
    composed: Composed
    shaped: Shaped
    attempts_made: int
    valid_for: int | None
    carried_ids: tuple[int, ...] = ()
    attempt_id: int = 0


class Result(NamedTuple):
    """How a hand-over ended, and what the message becomes by it; one that was never begun is `unsent`."""

    handover: Handover
    outcome: Outcome
    state: MessageState
    reference: str | None = None
    code: str = ""
    unsent: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What the database had for a run: what to hand over, and whether nothing more is to be had.

    A run that is not `alive` had been given up: what it got before may be unknown by now, and is not to be sent.
    Nor is what it still holds for providers that are `down`. After `pause` seconds there will be more room.
    `waits` are the messages that reached nobody and are due again later.
    """

    handovers: Sequence[Handover]
    empty: bool
    alive: bool
    down: Collection[str]
    pause: float
    waits: set[int]


class Desk:
    """Claims and records for one run; used from one thread, with an application context of its own each time."""

    def __init__(
        self, app: Flask, settings: Settings, stop: threading.Event, chance: Callable[[], float] | None = None
    ) -> None:
        self.app = app
        self.settings = settings
        self.stop = stop
        self.chance = chance or random.random
        self.providers = settings.sms_providers
        self.holds = Holds(settings)
        self.run_id = ""
        # What was claimed and is not recorded yet.
        self.held: set[int] = set()

    def has_work(self) -> bool:
        """Whether there is anything to send or to settle now, asked without making any writer wait."""
        now = clock.now()
        with self.app.app_context(), reading():
            return claims.has_work(now, urgent_only=self.holds.apply(now))

    def count_held(self) -> int:
        """Count what is due and had to stay."""
        with self.app.app_context(), reading():
            return claims.count_waiting(due_by=clock.now())

    def open(self) -> None:
        """Begin a run: void what came too late, and give up what a dispatcher that died was sending."""
        with self.app.app_context():
            runs.sweep(clock.now())
            end_expired(clock.now())
            self.run_id = runs.open_run()
            db.session.commit()

    def close(self) -> None:
        """End the run."""
        with self.app.app_context():
            runs.close_run(self.run_id)
            db.session.commit()

    def exchange(self, results: Sequence[Result], want: int) -> Turn:
        """Record results, claim up to `want` messages, and show that the run lives.

        A database that is away for a while is asked again: results that are not recorded would stay unknown.
        """
        for tried in range(len(PAUSES) + 1):
            try:
                return self._exchange(results, want, again=tried > 0)
            except sa.exc.DBAPIError as problem:
                passes = isinstance(problem, sa.exc.OperationalError | sa.exc.InterfaceError)
                if not passes or tried >= (PAUSES_AT_END if self.stop.is_set() else len(PAUSES)):
                    raise
                why = type(problem.orig).__name__
                log.warning("the database did not answer (%s); %d results wait to be recorded", why, len(results))
                self.stop.wait(PAUSES[tried])
        raise AssertionError("unreachable")

    def _exchange(self, results: Sequence[Result], want: int, *, again: bool) -> Turn:
        with self.app.app_context():
            runs.take_turn()
            alive = runs.beat(self.run_id)
            if again:
                # The commit may have been made although nobody heard of it.
                claims.put_back_lost(self.run_id, keep=self.held)
            gates = Gates(self.providers, self.settings.sms_rates)
            routes = Routes(self.providers, gates)
            for result in results:
                _tell(gates, result)
            elsewhere, waits = self._record(results, routes)
            claimed, empty = self._claim(want, routes) if want else ([], False)
            db.session.commit()
        handovers = [*elsewhere, *claimed]
        self.held.difference_update(result.handover.message_id for result in results)
        self.held.update(handover.message_id for handover in handovers)
        return Turn(handovers, empty, alive, gates.list_down(), gates.pause, waits)

    def _record(self, results: Sequence[Result], routes: Routes) -> tuple[list[Handover], set[int]]:
        nobody = {result.handover.message_id for result in results if _reached_nobody(result)}
        # Somebody may have decided about it while it was tried.
        held = claims.keep_held(nobody, run_id=self.run_id)
        tried = [result for result in results if result.handover.message_id in held]
        elsewhere = [again for result in tried if (again := _send_on(result, routes))]
        going = {item.message_id for item in elsewhere}
        claims.record([self._ending(result, going) for result in results], run_id=self.run_id)
        if any(result.reference for result in results):
            match_receipts()
        self._hand_to_people([result.handover for result in results if result.state in UNHEARD])
        return self._open(elsewhere), nobody - going

    def _ending(self, result: Result, going: Collection[int]) -> Ending:
        handover, state, wait = result.handover, result.state, None
        if handover.message_id in going:
            state = MessageState.SENDING
        elif result.unsent:
            wait = timedelta()
        elif result.outcome is Outcome.UNREACHABLE:
            wait = timedelta(seconds=backoff_seconds(handover.attempts_made, self.chance()))
        return Ending(
            handover.message_id,
            handover.attempt_id,
            result.outcome,
            state,
            result.reference,
            result.code,
            wait,
            unsent=result.unsent,
            carries=bool(handover.carried_ids),
        )

    def _hand_to_people(self, handovers: Sequence[Handover]) -> None:
        ids = {number for item in handovers for number in (item.message_id, *item.carried_ids)}
        # Unless a receipt has settled it otherwise by now.
        ended = sa.select(Message).where(Message.id.in_(ids), Message.state.in_(UNHEARD))
        for message in db.session.scalars(ended) if ids else ():
            hand_to_person(message)

    def _open(self, handovers: list[Handover]) -> list[Handover]:
        """Claim messages and open their attempts."""
        taken = [
            Claim(item.message_id, item.provider, item.shaped.text, item.shaped.segments, item.carried_ids)
            for item in handovers
        ]
        for item, attempt_id in zip(handovers, claims.claim(taken, run_id=self.run_id), strict=True):
            item.attempt_id = attempt_id
            item.attempts_made += 1
        return handovers

    def _claim(self, want: int, routes: Routes) -> tuple[list[Handover], bool]:
        now = clock.now()
        limit = routes.gates.room(want)
        if not limit:
            return [], not routes.gates.pause
        urgent_only = self.holds.apply(now)
        waiting = claims.list_waiting(due_by=now, urgent_only=urgent_only, limit=limit)
        sendable = self._set_aside(waiting, now)
        others = digests.list_others(sendable, [message.id for message in waiting], now, urgent_only=urgent_only)
        sendable, held = self.holds.keep_to_cap(digests.bundle([*sendable, *self._set_aside(others, now)]), now)
        ids = [number for message in held for number in (message.id, *message.carried_ids)]
        claims.settle_unsent(ids, due_at=self.holds.next_sending(now), reason="daily_cap")
        handovers = self._open(self._shape(sendable, routes, now))
        if routes.turned_away:
            return handovers, not (handovers or routes.gates.pause)
        return handovers, len(waiting) < limit

    def _set_aside(self, waiting: Sequence[Waiting], now: datetime) -> list[Waiting]:
        """Settle what must not be sent; return the rest. Answers go to their reader in spite of an opt-out."""
        nobody = {message.id for message in waiting if message.phone is None}
        stopped = {
            message.id for message in waiting if message.opted_out and message.priority > PRIORITY_ANSWER
        } - nobody
        late = {message.id for message in waiting if message.expires_at is not None and message.expires_at <= now}
        claims.settle_unsent(nobody, state=MessageState.SUPPRESSED, reason="no_contact")
        claims.settle_unsent(stopped, state=MessageState.SUPPRESSED, reason="opted_out")
        call_about({message.subject for message in waiting if message.id in nobody | stopped})
        ask_for_suppressed(nobody | stopped)
        claims.settle_unsent(late - nobody - stopped, state=MessageState.VOID, reason="expired")
        call_about_expired(late - nobody - stopped)
        return [message for message in waiting if message.id not in nobody | stopped | late]

    def _shape(self, sendable: Sequence[Waiting], routes: Routes, now: datetime) -> list[Handover]:
        """Write the texts and find each its way out; settle what has no text, leave what has no way yet."""
        texts = compose_many(sendable)
        handovers: list[Handover] = []
        refused: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for message in sendable:
            text = texts[message.id]
            if isinstance(text, Uncomposable):
                refused[text.reason, False].append(message.id)
                continue
            try:
                way = routes.find(text)
            except Unshapable as refusal:
                refused[refusal.reason, refusal.passing].append(message.id)
                continue
            if way is not None:
                handovers.append(self._handover(message, text, way, now))
            elif routes.shut_out:
                refused[PROVIDER_DOWN, True] += [message.id, *message.carried_ids]
        for (reason, passing), message_ids in refused.items():
            _refuse(message_ids, reason, now, passing=passing)
        return handovers

    def _handover(self, message: Waiting, text: Composed, way: tuple[str, Shaped], now: datetime) -> Handover:
        return Handover(
            message_id=message.id,
            provider=way[0],
            to=message.phone or "",
            composed=text,
            shaped=way[1],
            attempts_made=message.attempts_made,
            valid_for=self.holds.valid_for(message, now),
            carried_ids=message.carried_ids,
        )


def _refuse(message_ids: Sequence[int], reason: str, now: datetime, *, passing: bool) -> None:
    """Settle messages that have no text, or none that any provider of the list can send."""
    if passing:
        wait = DOWN_AGAIN if reason == PROVIDER_DOWN else SHAPE_AGAIN
        claims.settle_unsent(message_ids, due_at=now + wait, reason=reason)
    elif reason == "record_gone":
        claims.settle_unsent(message_ids, state=MessageState.VOID, reason=reason)
    else:
        claims.settle_unsent(message_ids, state=MessageState.PERSON, reason=reason)
        for message in db.session.scalars(sa.select(Message).where(Message.id.in_(message_ids))):
            log.error("message %d cannot be sent (%s)", message.id, reason)
            hand_to_person(message)


def _reached_nobody(result: Result) -> bool:
    return result.outcome is Outcome.UNREACHABLE and not result.unsent


def _send_on(result: Result, routes: Routes) -> Handover | None:
    """Return the hand-over to the next provider: only what is proven not accepted goes elsewhere."""
    handover = result.handover
    if not _reached_nobody(result):
        return None
    try:
        way = routes.find(handover.composed, after=handover.provider)
    except Unshapable:
        return None
    return replace(handover, provider=way[0], shaped=way[1]) if way else None


def _tell(gates: Gates, result: Result) -> None:
    """Let the breaker know: whoever refuses a message is there, whoever does not answer is not."""
    if result.unsent or (result.outcome is Outcome.UNKNOWN and result.code == STOPPED):
        return
    well = result.outcome in (Outcome.ACCEPTED, Outcome.REJECTED)
    gates.tell(result.handover.provider, well=well, code=result.code)
