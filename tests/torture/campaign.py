"""Rounds of dispatching with deaths in between, the settling of what is left, and the count at the end.

Time passes by minutes from round to round for everybody, the provider included, so that the dead are noticed. What
counts is what the provider received: every message has a reader and a text that no other one has.
"""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from notifiers.providers import ReceiptEvent, Status
from notifiers.receipts import record_receipts
from portal import clock
from portal.contacts.models import Contact
from portal.db import batched, db, reading
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.organs.models import Organ
from portal.parties.models import Party
from portal.settings import Settings
from tests.conftest import make_app
from tests.factories.organs import make_organ
from tests.factories.parties import make_party
from tests.factories.permits import make_permit, make_permit_type
from tests.torture.dispatcher import Orders, Process, start
from tests.torture.provider import Remote
from tests.torture.steps import Step

MINUTES = 60.0
BETWEEN_ROUNDS = 5 * MINUTES
PATIENCE = 60.0
# So many rounds without progress end the settling.
STUCK = 8
DAY, LAST_DAY = date(2026, 1, 1), date(2099, 12, 31)
# Of so many readers one has two messages.
PAIRED = 10
# Each message is known by its reader.
PHONE = "+86137{:06d}20"
# Steps that come once for each message; all others come once for a few hundred.
PER_MESSAGE = {Step.BEFORE_FIRST_BYTE, Step.HALF_SENT, Step.REQUEST_SENT, Step.ANSWER_READ}
ANY_MOMENT = "ANY_MOMENT"
SETTLED = {MessageState.DELIVERED, MessageState.PERSON}
# Of so many messages one is delivered without a word.
SILENT = 7


@dataclass(frozen=True)
class Doomed:
    """How one process of a round dies: at a step, or (without one) whenever the parent kills it, or (`lives`) not."""

    command: str = "dispatch"
    step: Step | None = None
    after: int = 1
    killed_after: float | None = None


@dataclass
class Verdict:
    """What a campaign came to; texts are known by their readers' numbers, which are invented."""

    messages: int
    received: Counter[str] = field(default_factory=Counter)
    states: Counter[MessageState] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    person_unsent: int = 0
    person_sent: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def twice(self) -> list[str]:
        """The readers for whom the provider received more than one text."""
        return [phone for phone, times in self.received.items() if times > 1]

    def add(self, phone: str, state: MessageState, same_text: bool) -> None:
        """Count one message by the state it ended in; `phone` is its reader's."""
        self.states[state] += 1
        if not same_text:
            self.altered.append(phone)
        if state not in SETTLED:
            self.unsettled.append(phone)
        elif state is MessageState.PERSON:
            self.person_sent += phone in self.received
            self.person_unsent += phone not in self.received
        elif phone not in self.received:
            self.lost.append(phone)

    def breaches(self) -> list[str]:
        """Return every promise that was not kept, in words."""
        named = {
            "received twice": self.twice,
            "lost": self.lost,
            "not settled": self.unsettled,
            "received but never queued": self.strangers,
            "received with another text than was recorded": self.altered,
        }
        found = [f"{len(phones)} {what}: {sorted(phones)[:5]}" for what, phones in named.items() if phones]
        missing = [] if sum(self.states.values()) == self.messages else ["messages are missing from the outbox"]
        return found + missing + self.failures


class Campaign:
    """One database, one provider, and the processes that meet there."""

    def __init__(self, settings: Settings, remote: Remote, report: Path) -> None:
        self.settings = settings
        self.remote = remote
        self.report = report
        self.app = make_app(settings)
        self.queued = self.messages = 0
        self.party: Party | None = None
        self.organ: Organ | None = None
        self.shift = 0.0
        self.killed = self.told = 0
        self.failures: list[str] = []

    def close(self) -> None:
        """Give back what the parent itself used of the database."""
        with self.app.app_context():
            db.engine.dispose()

    def queue(self, count: int) -> None:
        """Put more messages into the outbox, due now, for so many readers; every tenth of them gets two in one text."""
        due_at = clock.now() + timedelta(seconds=self.shift)
        numbers = range(self.queued, self.queued + count)
        with self.app.app_context():
            contacts = {number: Contact(phone=PHONE.format(number), locale="zh_Hans") for number in numbers}
            db.session.add_all(contacts.values())
            db.session.flush()
            rows = [
                row | {"contact_id": contact.id, "due_at": due_at}
                for number, contact in contacts.items()
                for row in (self._pair(number) if number % PAIRED == 0 else [single(number)])
            ]
            outbox.enqueue_many(rows)
            db.session.commit()
        self.queued += count
        self.messages += len(rows)

    def _pair(self, number: int) -> list[dict[str, Any]]:
        """Return the reminders of two permits of one party, which go out in one text."""
        if self.party is None:
            self.party, self.organ = make_party(), make_organ()
        kind = make_permit_type(short_name=f"第{number}")
        permits = [make_permit(valid_to=LAST_DAY, kind=kind, party=self.party, organ=self.organ) for _ in range(2)]
        return [
            {"key": f"torture:{number}:{permit.id}", "template": "permit_renewal", "subject": f"permit:{permit.id}"}
            | {"values": {}}
            for permit in permits
        ]

    def round(self, *processes: Doomed) -> None:
        """Let processes run side by side until each has ended or died."""
        started = [(self._start(doomed), doomed) for doomed in processes]
        begun = time.monotonic()
        for process, doomed in sorted(started, key=lambda pair: pair[1].killed_after or PATIENCE):
            wait = PATIENCE if doomed.killed_after is None else doomed.killed_after
            process.join(max(0.0, begun + wait - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
                if doomed.killed_after is None:
                    self.failures.append(f"{doomed.command} hung for {PATIENCE:.0f} s")
                else:
                    self.killed += 1
            elif process.exitcode not in (0, -9):
                self.failures.append(f"{doomed.command} ended with {process.exitcode}: see {self.report / 'log'}")
        self._tell_receipts()
        self._pass_time(BETWEEN_ROUNDS)

    def _tell_receipts(self) -> None:
        """Tell what was delivered since the last time, as the provider would, whoever asked for it still lives or not.

        Of some nothing is ever told: these have to be asked about.
        """
        taken = self.remote.taken(since=self.told)
        self.told += len(taken)
        events = [
            ReceiptEvent(item.reference, Status.DELIVERED, "", f"{item.reference}:delivered")
            for item in taken
            if int(item.reference[-4:], 16) % SILENT
        ]
        with self.app.app_context():
            for some in batched(events):
                record_receipts("twilio", some)
                db.session.commit()

    def _start(self, doomed: Doomed) -> Process:
        return start(Orders(self.settings, self.report, doomed.command, self.shift, doomed.step, doomed.after))

    def _pass_time(self, seconds: float) -> None:
        self.shift += seconds
        self.remote.shift(self.shift)

    def settle(self) -> None:
        """Let time pass without faults or deaths until nothing is open, and a day more, after which people act."""
        self.remote.calm()
        self._go_on(Doomed(), Doomed("reconcile"), until_none={MessageState.QUEUED, MessageState.SENDING})
        self.round(Doomed("reconcile"))
        # After a day people act; what is found to be taken then is asked about in its turn.
        for hours, state in ((25, MessageState.UNKNOWN), (2, MessageState.ACCEPTED)):
            self._pass_time(hours * 60 * MINUTES)
            self._go_on(Doomed("reconcile"), until_none={state})

    def _go_on(self, *processes: Doomed, until_none: Collection[MessageState]) -> None:
        counts: list[int] = []
        while (left := self.count(*until_none)) and (len(counts) < STUCK or left < counts[-STUCK]):
            counts.append(left)
            self.round(*processes)

    def count(self, *states: MessageState) -> int:
        """Count the messages in some states."""
        with self.app.app_context(), reading():
            found = sa.select(sa.func.count()).select_from(Message).where(Message.state.in_(states))
            return db.session.scalar(found) or 0

    def judge(self) -> Verdict:
        """Count what the provider received, and compare with where the messages stand."""
        taken = self.remote.taken()
        verdict = Verdict(self.messages, Counter(item.phone for item in taken), faults=self.remote.faults())
        texts = {item.phone: item.text for item in taken}
        with self.app.app_context(), reading():
            chosen = sa.select(Contact.phone, Message.state, Message.text).join(Message.contact)
            rows = db.session.execute(chosen).all()
        for phone, state, text in rows:
            verdict.add(phone, state, texts.get(phone) in (None, text))
        verdict.strangers = sorted(set(texts) - {row.phone for row in rows})
        deaths = self.report / "deaths"
        verdict.deaths = Counter(deaths.read_text().split() if deaths.exists() else [])
        verdict.deaths[ANY_MOMENT] = self.killed
        verdict.failures = self.failures
        return verdict


def single(number: int) -> dict[str, Any]:
    """Return a message that names two days which no other message names."""
    days = [DAY + timedelta(days=days) for days in divmod(number, 365)]
    values = {"received_on": days[0].isoformat(), "answer_due_on": days[1].isoformat()}
    return {"key": f"torture:{number}", "template": "complaint_accepted", "subject": "torture:1", "values": values}
