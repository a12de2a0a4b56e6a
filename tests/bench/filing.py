"""What filing a complaint costs: its rate on a real server with every commit on disk, its page, and a code's check.

Both sides run as `flask serve` runs the portal, with as many processes and threads, and are asked by the same client.
"""

import asyncio
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from portal.complaints import service
from portal.complaints.models import Complaint
from portal.db import db
from portal.serve import THREADS
from portal.settings import ROOT
from tests.bench.cached import serving
from tests.bench.page import cost, hello, medians
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.databases import NoServer, Server, address_of, run_on_server
from tests.filers import ask, send_all, sign_drafts

ROUNDS = 5
FILINGS = 400
AT_ONCE = 32
WORKERS = min(2, os.cpu_count() or 1)
RATE, PAGE, P99, CHECK = 0.06, 12.0, 300.0, 70.0
KEY = "bench" * 8
BARE = """
from flask import Flask
app = Flask("bare")
app.add_url_rule("/", view_func=lambda: "hello")
"""


@dataclass
class Measured:
    """Rates of both sides by round, how long filings took, and how many were sent, refused, and lost."""

    rates: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    sent: int = 0
    refused: int = 0
    lost: int = 0

    @property
    def ratio(self) -> float:
        return statistics.median(self.rates) / statistics.median(self.bare)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98] * 1e3

    @property
    def detail(self) -> str:
        return f"{statistics.median(self.rates):,.0f}/s against {statistics.median(self.bare):,.0f}/s"


def bare_rate(port: int) -> float:
    """Return how many bare pages a second the same clients get, on as many connections."""

    async def reader(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            status, _head, _body = await ask(reader, writer, "GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n", b"")
            assert status == 200
        writer.close()

    async def run() -> float:
        begun = time.perf_counter()
        await asyncio.gather(*(reader(100) for _ in range(AT_ONCE)))
        return AT_ONCE * 100 / (time.perf_counter() - begun)

    return asyncio.run(run())


def measure(folder: Path, url: str) -> Measured:
    """File complaints into a database in rounds, each followed by one of bare pages; the first is not counted."""
    (folder / "bare.py").write_text(BARE)
    settings = make_settings(folder, url, secret_key=KEY)
    prepare(settings)
    app, found = make_app(settings), Measured()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "SECRET_KEY": KEY,
        "PUBLIC_URL": "http://portal.test",
        "TRUSTED_PROXIES": "1",
    }
    as_served = {"workers": WORKERS, "threads": THREADS}
    taken = 0
    ours, bare = (
        serving("wsgi:app", ROOT, environment, **as_served),
        serving("bare:app", folder, environment, **as_served),
    )
    with ours as (_pid, port), bare as (_bare_pid, bare_port):
        for turn in range(ROUNDS + 1):
            drafts = sign_drafts(app, [secrets.token_hex(16) for _ in range(FILINGS)])
            begun = time.perf_counter()
            outcome = send_all(port, drafts, at_once=AT_ONCE)
            rate = len(outcome.taken) / (time.perf_counter() - begun)
            least = bare_rate(bare_port)
            taken += len(outcome.taken)
            found.sent += FILINGS
            if turn:
                found.rates.append(rate)
                found.bare.append(least)
                found.seconds += outcome.seconds
    with app.app_context():
        found.lost = taken - (db.session.scalar(sa.select(sa.func.count()).select_from(Complaint)) or 0)
        db.engine.dispose()
    found.refused = found.sent - taken
    return found


@contextmanager
def durable_postgresql() -> Iterator[str]:
    """Run a PostgreSQL server whose commits are on disk, and yield the address of an empty database."""
    server = Server(durable=True)
    server.start()
    try:
        run_on_server(server.address, "CREATE DATABASE filing")
        yield address_of(server.address, "filing")
    finally:
        server.stop()
        server.remove()


def check_cost(folder: Path) -> float:
    """Return the CPU time of checking a query code, in milliseconds."""
    app = make_app(make_settings(folder, f"sqlite:///{folder}/portal.db"))
    with app.app_context():
        code = service.make_code()
        begun = time.process_time()
        for _ in range(200):
            assert service.code_fits(code.hash, code.code)
        return (time.process_time() - begun) / 200 * 1e3


def on_sqlite(folder: Path) -> list[Row]:
    """Measure filing on SQLite, the page of the form, and the check of a code."""
    url = f"sqlite:///{folder}/portal.db"
    found, app, bare = measure(folder, url), make_app(make_settings(folder, url)), hello()
    page, least = medians(lambda: cost(app, "/complaints/new"), lambda: cost(bare, "/"))
    told = f"goal 100; to the answer, commit on disk included, {WORKERS} processes of {THREADS} threads"
    return [
        Row("filing on SQLite : bare Flask", found.ratio, RATE, True, found.detail),
        Row("ms, p99 of a filing, 32 at once", found.p99, P99, detail=told),
        Row("filings refused or lost", found.refused + found.lost, 0, detail=f"of {found.sent:,}"),
        Row("page of the form : bare Flask", page / least, PAGE, detail=f"{page:,.0f} µs against {least:,.0f} µs"),
        Row("ms of CPU to check a query code", check_cost(folder), CHECK, detail="the same for an unknown number"),
    ]


def on_postgresql(folder: Path) -> list[Row]:
    """Measure filing on PostgreSQL, where it can be had; told without a bound but for what is lost."""
    try:
        with durable_postgresql() as url:
            found = measure(folder, url)
    except NoServer:
        return []
    lost = found.refused + found.lost
    return [
        Row("filing on PostgreSQL : bare Flask", found.ratio, detail=f"{found.detail}; p99 {found.p99:,.0f} ms"),
        Row("filings refused or lost on PostgreSQL", lost, 0, detail=f"of {found.sent:,}"),
    ]


def run() -> list[Row]:
    """Measure both databases, each in a folder of its own."""
    rows = []
    for side in (on_sqlite, on_postgresql):
        with tempfile.TemporaryDirectory() as name:
            rows += side(Path(name))
    return rows
