"""How fast texts leave through the outbox and Twilio's SDK, against a bare loop of the same HTTP client.

Both talk to the same local server, in a process of its own, that takes 50 ms for an answer; both keep as many requests
in flight and send the same fields and headers. Throughput, rounds interleaved.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from flask import Flask

from notifiers.dispatch import IN_FLIGHT, dispatch
from portal import clock
from portal.db import db
from portal.messages import outbox
from portal.settings import ROOT, TwilioSettings
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.factories.messages import make_contact
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN

LATENCY = 0.05
MESSAGES = 4_000
CONTACTS = 500
ROUNDS = 5
BOUND = 0.75
SENDER = "+15005550006"
TEXT = "【孟州执法】已停发许可提醒。法律文书仍会依法送达。想恢复请拨0391-0000000"
CALLBACK = "http://portal.test/hooks/sms/twilio/receipts"
HEADERS = {
    "User-Agent": "twilio-python/9.0.0 (Linux x86_64) Python/3.11.0",
    "X-Twilio-Client": "python-9.0.0",
    "Accept-Charset": "utf-8",
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
}


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


async def send_bare(address: str) -> None:
    """Send everything with nothing but the HTTP client."""
    url = f"{address}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    numbers = iter(range(MESSAGES))
    headers = HEADERS | {"Authorization": f"Basic {b64encode(f'{ACCOUNT_SID}:{AUTH_TOKEN}'.encode()).decode()}"}

    async def work(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            form = {"To": f"+86138{number:06d}20", "StatusCallback": CALLBACK, "From": SENDER, "Body": TEXT}
            async with session.post(url, data=form, headers=headers) as answer:
                assert answer.status == 201
                await answer.json()

    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(IN_FLIGHT)))


def queue(contact_ids: list[int], name: int) -> None:
    """Put everything into the outbox."""
    for start in range(0, MESSAGES, 1000):
        outbox.enqueue_many(
            [
                {
                    "key": f"bench:{name}:{number}",
                    "template": "stopped",
                    "subject": "bench:1",
                    "contact_id": contact_ids[number % CONTACTS],
                    "values": {},
                    "due_at": clock.now(),
                }
                for number in range(start, start + 1000)
            ]
        )
    db.session.commit()


def rates(app: Flask, address: str) -> Iterator[tuple[float, float]]:
    """Yield messages a second through the outbox and bare, round by round; the first round warms up."""
    contact_ids = [make_contact().id for _ in range(CONTACTS)]
    for name in range(ROUNDS + 1):
        queue(contact_ids, name)
        begun = time.perf_counter()
        sent = dispatch()
        through_outbox = MESSAGES / (time.perf_counter() - begun)
        assert sent["accepted"] == MESSAGES, sent
        begun = time.perf_counter()
        asyncio.run(send_bare(address))
        bare = MESSAGES / (time.perf_counter() - begun)
        if name:
            yield through_outbox, bare


def run() -> list[Row]:
    """Return the throughput through the outbox as a share of the bare loop's."""
    with tempfile.TemporaryDirectory() as folder, server() as address:
        twilio = TwilioSettings(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender=SENDER, api_base=address)
        settings = make_settings(
            Path(folder), f"sqlite:///{folder}/portal.db", sms_providers=("twilio",), twilio=twilio
        )
        prepare(settings)
        app = make_app(settings)
        with app.app_context():
            found = list(rates(app, address))
    ours, bare = (statistics.median(values) for values in zip(*found, strict=True))
    return [
        Row(
            "dispatch through the SDK against a bare loop of its HTTP client",
            statistics.median(one / other for one, other in found),
            BOUND,
            detail=f"{ours:,.0f}/s against {bare:,.0f}/s",
            at_least=True,
        )
    ]
