"""A provider that lets one down: it takes and hangs up, refuses for a moment, dawdles, is away for a while.

It runs in a process of its own and alone knows what was received; `shift` moves its clock as the dispatchers' moves.
Run `python -m tests.torture.provider --seed 1`, which prints its port.
"""

import argparse
import asyncio
import json
import logging
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import time_machine
from aiohttp import web

from portal import clock
from portal.settings import ROOT
from tests.twilio_server import TwilioServer, running

# Out of a thousand requests; where "taken" is said the message counts as received.
FAULTS = {
    "taken, connection dropped": 20,
    "taken, garbage answered": 3,
    "taken, 500 answered": 3,
    "connection dropped": 2,
    "429": 15,
    "503": 15,
    "slow": 10,
}
OUTAGE_EVERY, OUTAGE_LASTS = 3_000, 80
SLOW = 0.4


@dataclass
class Unreliable(TwilioServer):
    """Twilio on a bad day; the same seed gives the same day to the same requests."""

    seed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    travel: Any = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.calm = False
        self.seen = 0
        self.by_reference: dict[str, dict[str, Any]] = {}
        self.by_phone: dict[str, list[dict[str, Any]]] = {}

    def application(self) -> web.Application:
        """Return the server's application, with what the count needs."""
        app = super().application()
        app.router.add_get("/taken", self.tell)
        app.router.add_post("/shift/{seconds}", self.shift)
        app.router.add_post("/calm", self.calm_down)
        return app

    async def tell(self, request: web.Request) -> web.Response:
        """Tell what was received, message by message, and which faults there were."""
        since = int(request.query.get("since", 0))
        taken = [(message["to"], message["body"], message["sid"]) for message in self.messages[since:]]
        return web.json_response({"taken": taken, "faults": dict(self.faults)})

    async def shift(self, request: web.Request) -> web.Response:
        """Show a later time from now on."""
        if self.travel is not None:
            self.travel.stop()
        seconds = float(request.match_info["seconds"])
        self.travel = time_machine.travel(clock.now() + timedelta(seconds=seconds))
        self.travel.start()
        return web.Response()

    async def calm_down(self, request: web.Request) -> web.Response:
        """Have no more faults: the day is over, what is left gets settled."""
        self.calm = True
        return web.Response()

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Create a message, or fail in one of the ways."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        fault = self._choose()
        if not fault:
            return await super().create(request)
        self.faults[fault] += 1
        if fault.startswith("taken"):
            self._keep(form)
        if fault == "slow":
            await asyncio.sleep(SLOW)
            return await super().create(request)
        if fault.endswith("dropped") and request.transport is not None:
            request.transport.close()
        if fault.endswith("garbage answered"):
            return web.Response(status=201, text="<html>", content_type="text/html")
        status = 429 if fault == "429" else 503 if fault in ("503", "outage") else 500
        return web.json_response(
            {"code": 20000 + status, "message": "Passing trouble", "status": status}, status=status
        )

    async def index(self, request: web.Request) -> web.Response:
        """List messages to a number without looking through all."""
        return await self._among(self.by_phone.get(request.query.get("To", ""), [])).index(request)

    async def fetch(self, request: web.Request) -> web.Response:
        """Show a message without looking through all."""
        found = self.by_reference.get(request.match_info["message"])
        return await self._among([found] if found else []).fetch(request)

    def _among(self, messages: list[dict[str, Any]]) -> TwilioServer:
        return TwilioServer(messages=messages)

    def _keep(self, form: dict[str, str]) -> dict[str, Any]:
        kept = super()._keep(form)
        self.by_reference[kept["sid"]] = kept
        self.by_phone.setdefault(kept["to"], []).append(kept)
        return kept

    def _choose(self) -> str:
        if self.calm:
            return ""
        self.seen += 1
        if self.seen % OUTAGE_EVERY > OUTAGE_EVERY - OUTAGE_LASTS:
            return "outage"
        number = self.random.randrange(1000)
        for fault, share in FAULTS.items():
            number -= share
            if number < 0:
                return fault
        return ""


class Taken(NamedTuple):
    """One message that the provider received."""

    phone: str
    text: str
    reference: str


class Remote:
    """The provider as whoever tortures dispatchers sees it."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def _call(self, path: str, method: str = "POST") -> bytes:
        request = urllib.request.Request(f"{self.address}{path}", method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def shift(self, seconds: float) -> None:
        """Move its clock, against the true one."""
        self._call(f"/shift/{seconds}")

    def calm(self) -> None:
        """End its faults."""
        self._call("/calm")

    def taken(self, *, since: int = 0) -> list[Taken]:
        """Return what it received, one by one, all but the first so many."""
        return [Taken(*item) for item in self._tell(since)["taken"]]

    def faults(self) -> dict[str, int]:
        """Return how often it failed in which way."""
        return dict(self._tell(0)["faults"])

    def _tell(self, since: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._call(f"/taken?since={since}", "GET"))
        return found


@contextmanager
def provider(seed: int, latency: float) -> Iterator[Remote]:
    """Run it in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.torture.provider", "--seed", str(seed), "--latency", str(latency)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Remote(json.loads(process.stdout.readline())["port"])
    finally:
        process.kill()
        process.wait(10)


def main() -> None:
    """Serve until it is ended; print the port first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    given = parser.parse_args()
    # Clients die in the middle of their requests here, which is no news.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with running(Unreliable(seed=given.seed, latency=given.latency)) as server:
        print(json.dumps({"port": server.port}), flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
