"""What filing a complaint costs: its rate on a real server with every commit on disk, its page, and a code's check."""

import asyncio
import os
import secrets
import statistics
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from portal.complaints import service
from portal.complaints.models import Complaint
from portal.db import db
from portal.settings import ROOT
from tests.bench.cached import serving
from tests.bench.page import cost, hello, medians
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.filers import ask, send_all, sign_drafts

ROUNDS = 5
FILINGS = 400
AT_ONCE = 32
RATE, PAGE, P99, CHECK = 0.06, 12.0, 300.0, 70.0
KEY = "bench" * 8
BARE = """
from flask import Flask
app = Flask("bare")
app.add_url_rule("/", view_func=lambda: "hello")
"""


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


def check_cost(folder: Path) -> float:
    """Return the CPU time of checking a query code, in milliseconds."""
    app = make_app(make_settings(folder, f"sqlite:///{folder}/portal.db"))
    with app.app_context():
        code = service.make_code()
        begun = time.process_time()
        for _ in range(200):
            assert service.code_fits(code.hash, code.code)
        return (time.process_time() - begun) / 200 * 1e3


def run() -> list[Row]:
    """Measure filing on SQLite, the form's page, and the check of a code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        settings = make_settings(folder, f"sqlite:///{folder}/portal.db", secret_key=KEY)
        prepare(settings)
        app = make_app(settings)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {
            "DATA_DIR": name,
            "SECRET_KEY": KEY,
            "PUBLIC_URL": "http://portal.test",
            "TRUSTED_PROXIES": "1",
        }
        rates, bare_rates, seconds, refused, taken = [], [], [], 0, 0
        with serving("wsgi:app", ROOT, environment) as ours, serving("bare:app", folder, environment) as bare:
            for turn in range(ROUNDS + 1):
                drafts = sign_drafts(app, [secrets.token_hex(16) for _ in range(FILINGS)])
                begun = time.perf_counter()
                outcome = send_all(ours[1], drafts, at_once=AT_ONCE)
                rate = len(outcome.taken) / (time.perf_counter() - begun)
                least = bare_rate(bare[1])
                taken += len(outcome.taken)
                refused += len(outcome.refused) + outcome.cut_off
                if turn:
                    rates.append(rate)
                    bare_rates.append(least)
                    seconds += outcome.seconds
        with app.app_context():
            lost = taken - (db.session.scalar(sa.select(sa.func.count()).select_from(Complaint)) or 0)
        page, hello_page = medians(lambda: cost(app, "/complaints/new"), lambda: cost(hello(), "/"))
        rate, least = statistics.median(rates), statistics.median(bare_rates)
        p99 = statistics.quantiles(seconds, n=100)[98] * 1e3
        return [
            Row("filing on SQLite : bare Flask", rate / least, RATE, True, f"{rate:,.0f}/s against {least:,.0f}/s"),
            Row("ms, p99 of a filing, 32 at once", p99, P99, detail="goal 100; to the answer, commit on disk included"),
            Row("filings refused or lost", refused + lost, 0, detail=f"of {taken:,}"),
            Row(
                "page of the form : bare Flask",
                page / hello_page,
                PAGE,
                detail=f"{page:,.0f} µs against {hello_page:,.0f} µs",
            ),
            Row("ms of CPU to check a query code", check_cost(folder), CHECK, detail="the same for an unknown number"),
        ]
