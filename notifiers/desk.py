"""The database side of sending: what to hand over next, and how the last hand-overs went, in one transaction each."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

import sqlalchemy as sa
from flask import Flask

from notifiers import claims, runs
from notifiers.claims import Claim, Ending, Waiting
from notifiers.compose import Composed, Uncomposable, compose_many
from notifiers.people import hand_to_person
from notifiers.receipts import match_receipts
from portal import clock
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.db import db, reading
from portal.messages import outbox
from portal.messages.models import Message, MessageState, Outcome
from portal.messages.outbox import PRIORITY_ANSWER
from portal.messages.rules import backoff_seconds, is_quiet, seconds_until
from portal.settings import Settings

log = logging.getLogger(__name__)

# How long a database that is away is waited for, a little longer each time; a run that is to end waits less.
PAUSES = (0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0, 3.0, 5.0, 5.0, 5.0)
PAUSES_AT_END = 3
# Twilio's longest validity; and no text is given less time than a busy carrier needs.
VALID_AT_MOST, VALID_AT_LEAST = 36_000, 900
UNHEARD = (MessageState.REJECTED, MessageState.FAILED)


@dataclass(slots=True)
class Handover:
    """One message on its way to one provider; its attempt is opened and committed before it leaves."""

    message_id: int
    provider: str
    to: str
    text: str
    segments: int
    attempts_made: int
    valid_for: int | None
    attempt_id: int = 0


@dataclass(frozen=True, slots=True)
class Result:
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
    """

    handovers: Sequence[Handover]
    empty: bool
    alive: bool


class Desk:
    """Claims and records for one run; used from one thread, with an application context of its own each time."""

    def __init__(self, app: Flask, settings: Settings, stop: threading.Event) -> None:
        self.app = app
        self.settings = settings
        self.stop = stop
        self.providers = settings.sms_providers
        self.run_id = ""
        # What was claimed and is not recorded yet.
        self.held: set[int] = set()

    def has_work(self) -> bool:
        """Whether anything is due or was left behind, asked without making any writer wait."""
        with self.app.app_context(), reading():
            return claims.has_work(clock.now())

    def count_held(self) -> int:
        """Count what is due and had to stay."""
        with self.app.app_context(), reading():
            return claims.count_waiting(due_by=clock.now())

    def open(self) -> None:
        """Begin a run: void what came too late, and give up what a dispatcher that died was sending."""
        with self.app.app_context():
            runs.sweep(clock.now())
            outbox.void_expired(clock.now())
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
                log.warning("the database did not answer; %d results wait to be recorded", len(results))
                self.stop.wait(PAUSES[tried])
        raise AssertionError("unreachable")

    def _exchange(self, results: Sequence[Result], want: int, *, again: bool) -> Turn:
        with self.app.app_context():
            runs.take_turn()
            alive = runs.beat(self.run_id)
            if again:
                # The commit may have been made although nobody heard of it.
                claims.put_back_lost(self.run_id, keep=self.held)
            elsewhere = self._record(results)
            handovers, empty = self._claim(want) if want else ([], False)
            db.session.commit()
        handovers = [*elsewhere, *handovers]
        self.held.difference_update(result.handover.message_id for result in results)
        self.held.update(handover.message_id for handover in handovers)
        return Turn(handovers, empty, alive)

    def next_provider(self, result: Result) -> str | None:
        """Return where a message may go instead: only what is proven not accepted goes elsewhere."""
        if result.outcome is not Outcome.UNREACHABLE or result.unsent:
            return None
        position = self.providers.index(result.handover.provider) + 1
        return self.providers[position] if position < len(self.providers) else None

    def _record(self, results: Sequence[Result]) -> list[Handover]:
        claims.record([self._ending(result) for result in results], run_id=self.run_id)
        if any(result.reference for result in results):
            match_receipts()
        unheard = [result.handover.message_id for result in results if result.state in UNHEARD]
        for message in db.session.scalars(sa.select(Message).where(Message.id.in_(unheard))) if unheard else ():
            hand_to_person(message)
        elsewhere = [
            replace(result.handover, provider=provider)
            for result in results
            if (provider := self.next_provider(result))
        ]
        return self._open(self._keep_held(elsewhere))

    def _keep_held(self, handovers: list[Handover]) -> list[Handover]:
        """Return what may go elsewhere: somebody may have decided about it while it was tried here."""
        if not handovers:
            return []
        held = claims.list_still_held([item.message_id for item in handovers], run_id=self.run_id)
        return [item for item in handovers if item.message_id in held]

    def _ending(self, result: Result) -> Ending:
        handover, state, wait = result.handover, result.state, None
        if result.outcome is Outcome.UNREACHABLE:
            seconds = 0 if result.unsent else backoff_seconds(handover.attempts_made)
            wait = timedelta(seconds=seconds)
            state = MessageState.SENDING if self.next_provider(result) else MessageState.QUEUED
        return Ending(
            handover.message_id,
            handover.attempt_id,
            result.outcome,
            state,
            result.reference,
            result.code,
            wait,
            unsent=result.unsent,
        )

    def _open(self, handovers: list[Handover]) -> list[Handover]:
        """Claim messages and open their attempts."""
        taken = [Claim(item.message_id, item.provider, item.text, item.segments) for item in handovers]
        attempt_ids = claims.claim(taken, run_id=self.run_id)
        for item, attempt_id in zip(handovers, attempt_ids, strict=True):
            item.attempt_id = attempt_id
            item.attempts_made += 1
        return handovers

    def _claim(self, want: int) -> tuple[list[Handover], bool]:
        now = clock.now()
        waiting = claims.list_waiting(due_by=now, urgent_only=self._holds(now), limit=want)
        sendable = self._set_aside(waiting, now)
        texts = compose_many(sendable)
        until_quiet = self._until_quiet(now)
        handovers: list[Handover] = []
        gone: list[int] = []
        broken: list[int] = []
        for message in sendable:
            text = texts[message.id]
            if isinstance(text, Uncomposable):
                (gone if text.reason == "record_gone" else broken).append(message.id)
            else:
                handovers.append(self._handover(message, text, self._valid_for(message, now, until_quiet)))
        claims.settle_unsent(gone, state=MessageState.VOID, reason="record_gone")
        claims.settle_unsent(broken, state=MessageState.PERSON, reason="cannot_compose")
        for message_id in broken:
            log.error("message %d has no text: its template failed", message_id)
        return self._open(handovers), len(waiting) < want

    def _set_aside(self, waiting: Sequence[Waiting], now: datetime) -> list[Waiting]:
        """Settle what must not be sent; return the rest. Answers go to their reader in spite of an opt-out."""
        nobody = {message.id for message in waiting if message.phone is None}
        stopped = {
            message.id for message in waiting if message.opted_out and message.priority > PRIORITY_ANSWER
        } - nobody
        late = {message.id for message in waiting if message.expires_at is not None and message.expires_at <= now}
        claims.settle_unsent(nobody, state=MessageState.SUPPRESSED, reason="no_contact")
        claims.settle_unsent(stopped, state=MessageState.SUPPRESSED, reason="opted_out")
        claims.settle_unsent(late - nobody - stopped, state=MessageState.VOID, reason="expired")
        return [message for message in waiting if message.id not in nobody | stopped | late]

    def _handover(self, message: Waiting, text: Composed, valid_for: int | None) -> Handover:
        return Handover(
            message_id=message.id,
            provider=self.providers[0],
            to=message.phone or "",
            text=text.text,
            segments=text.segments,
            attempts_made=message.attempts_made,
            valid_for=valid_for,
        )

    def _valid_for(self, message: Waiting, now: datetime, until_quiet: int) -> int | None:
        """Return for how long a carrier may keep trying: no text shall ring at night, or after its day."""
        shortest = until_quiet
        if message.expires_at is not None:
            shortest = min(shortest, int((message.expires_at - now).total_seconds()))
        return None if shortest == VALID_AT_MOST else max(shortest, VALID_AT_LEAST)

    def _until_quiet(self, now: datetime) -> int:
        if self.settings.sms_quiet_hours is None:
            return VALID_AT_MOST
        return min(VALID_AT_MOST, seconds_until(clock.local(now).time(), self.settings.sms_quiet_hours[0]))

    @cached_property
    def _calendar(self) -> WorkingCalendar:
        return get_calendar()

    def _holds(self, now: datetime) -> bool:
        """Whether everything but the urgent waits: quiet hours, or a day on which the city does not text."""
        local = clock.local(now)
        return is_quiet(local.time(), self.settings.sms_quiet_hours) or self._is_hold_day(local.date())

    def _is_hold_day(self, day: date) -> bool:
        if self.settings.sms_hold_days == "holidays":
            return self._calendar.exceptions.get(day) is False
        return self.settings.sms_hold_days == "non-working" and not self._calendar.is_working_day(day)
