"""How fast reminders leave through the outbox, against a bare loop of the same HTTP client, and what each costs.

All talk to the same local server, in a process of its own, that takes 50 ms for an answer; all keep as many requests in
flight and send the same texts, which the outbox's side renders from the register. Rounds interleaved.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from notifiers.dispatch import dispatch, run_fast
from notifiers.plan.permits import plan_permits
from notifiers.wakeups import SECONDS
from portal import clock
from portal.contacts.models import Contact
from portal.db import db, reading
from portal.messages.models import Attempt, Message
from portal.settings import ROOT, TwilioSettings
from tests import databases
from tests.bench.bare import SENDER, post_all, without_sdk
from tests.bench.register import fill, forget
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN

LATENCY = 0.05
# One morning's batch.
MESSAGES = 10_000
ROUNDS = 4
OUTBOX_BOUND, SDK_BOUND = 0.90, 0.75
CPU_BOUND = 350.0
LATE_BOUND = 10.0
PERCENT = 95


class Spent(NamedTuple):
    """What a run took: seconds that passed, and seconds of CPU time; and when it began."""

    seconds: float
    cpu: float
    begun: datetime


@contextmanager
def server() -> Iterator[str]:
    """Run the server in a process of its own; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.twilio_server", "--latency", str(LATENCY)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def register(database_url: str, folder: Path, address: str) -> Iterator[None]:
    """Work with a register in a new database."""
    twilio = TwilioSettings(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender=SENDER, api_base=address)
    settings = make_settings(folder, database_url, sms_providers=("twilio",), twilio=twilio)
    prepare(settings)
    with make_app(settings).app_context():
        fill(MESSAGES)
        yield
        db.session.rollback()
        db.engine.dispose()


def spend(work: Callable[[], object]) -> Spent:
    """Return what some work takes."""
    moment, begun, used = clock.now(), time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - begun, time.process_time() - used, moment)


def send_due() -> Spent:
    """Plan everything anew, and return what dispatching it takes."""
    forget()
    assert plan_permits(clock.today()).planned == MESSAGES
    db.session.commit()
    counts: list[dict[str, int]] = []
    spent = spend(lambda: counts.append(dispatch()))
    assert counts[0]["accepted"] == MESSAGES, counts
    return spent


def send_bare(address: str) -> Spent:
    """Return what sending the same texts once more takes without an outbox."""
    with reading():
        rows = db.session.execute(sa.select(Contact.phone, Message.text).join(Message.contact)).all()
        db.session.rollback()
    texts = [(row.phone, row.text) for row in rows]
    return spend(lambda: run_fast(post_all(address, texts)))


def send_without_sdk() -> Spent:
    """Return what dispatching takes through a provider that is the HTTP client and nothing else."""
    with without_sdk():
        return send_due()


def lateness(begun: datetime) -> float:
    """Return the seconds within which 95 of 100 of the last run's messages were recorded as handed over.

    They may have become due a whole interval of the schedule before the dispatcher woke up.
    """
    with reading():
        ended = db.session.scalars(sa.select(Attempt.ended_at)).all()
        db.session.rollback()
    taken = sorted((moment - begun).total_seconds() for moment in ended if moment)
    assert len(taken) == MESSAGES
    return taken[MESSAGES * PERCENT // 100] + SECONDS["dispatch"]


def rate_row(name: str, bound: float | None, ours: Sequence[Spent], bare: Sequence[Spent]) -> Row:
    """Compare throughputs, round by round."""
    ratio = statistics.median(other.seconds / one.seconds for one, other in zip(ours, bare, strict=True))
    rates = [MESSAGES / statistics.median(spent.seconds for spent in side) for side in (ours, bare)]
    detail = f"{rates[0]:,.0f}/s against {rates[1]:,.0f}/s"
    return Row(f"dispatch {name} : bare loop of its HTTP client", ratio, bound, at_least=True, detail=detail)


def cpu_rows(ours: Sequence[Spent], bare: Sequence[Spent]) -> list[Row]:
    """Return what a message costs in CPU time, rendering included."""
    one, other = (statistics.median(spent.cpu for spent in side) / MESSAGES * 1e6 for side in (ours, bare))
    detail = f"{one:,.0f} µs against {other:,.0f} µs of CPU a message"
    return [
        Row("CPU of a message through the SDK, in µs", one, CPU_BOUND, detail="rendering and SQLite included"),
        Row("CPU of a message through the SDK : bare loop", one / other, detail=detail),
    ]


def on_sqlite(address: str) -> list[Row]:
    """Measure throughput, cost and lateness on SQLite."""
    sdk: list[Spent] = []
    outbox: list[Spent] = []
    bare: list[Spent] = []
    late: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with register(f"sqlite:///{folder / 'portal.db'}", folder, address):
            for _ in range(ROUNDS + 1):
                outbox.append(send_without_sdk())
                bare.append(send_bare(address))
                sdk.append(send_due())
                late.append(lateness(sdk[-1].begun))
    # The first round warms up.
    return [
        rate_row("on SQLite", OUTBOX_BOUND, outbox[1:], bare[1:]),
        rate_row("through the SDK", SDK_BOUND, sdk[1:], bare[1:]),
        *cpu_rows(sdk[1:], bare[1:]),
        Row(
            f"seconds from due to handed over, p{PERCENT} of {MESSAGES:,}",
            statistics.median(late[1:]),
            LATE_BOUND,
            detail=f"{LATENCY * 1000:.0f} ms at the provider, {SECONDS['dispatch']:.0f} s for the wake-up included",
        ),
    ]


def on_postgresql(address: str) -> list[Row]:
    """Measure throughput on PostgreSQL, or say why not; told, not judged: its server works on the same two cores."""
    outbox: list[Spent] = []
    bare: list[Spent] = []
    try:
        with databases.postgresql_server() as server_address, tempfile.TemporaryDirectory() as name:
            database = f"bench_{Path(name).name.lower()}"
            databases.run_on_server(server_address, f"CREATE DATABASE {database}")
            with register(databases.address_of(server_address, database), Path(name), address):
                for _ in range(ROUNDS + 1):
                    outbox.append(send_without_sdk())
                    bare.append(send_bare(address))
            databases.run_on_server(server_address, f"DROP DATABASE {database} WITH (FORCE)")
    except databases.NoServer as problem:
        print(f"  not measured here: dispatch on PostgreSQL ({problem})")
        return []
    return [rate_row("on PostgreSQL", None, outbox[1:], bare[1:])]


def run() -> list[Row]:
    """Return the figures of sending."""
    with server() as address:
        return [*on_sqlite(address), *on_postgresql(address)]
