"""A local server in the shape of Twilio's Messages resource, for tests and figures.

It keeps what it received, answers after `latency` seconds, and misbehaves for numbers with certain endings, so that
one run can hold every kind of answer. `static_sid` gives every message the same reference, as static mocks do.
Run it in a process of its own: `python -m tests.twilio_server --latency 0.05`, which prints its port.
"""

import argparse
import asyncio
import base64
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any, Protocol, TypeVar

from aiohttp import web

from portal import clock
from portal.settings import TwilioSettings

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "twilio-test-token"
STATIC_SID = "SM" + "0" * 32
REFUSALS = {"1211": 21211, "1610": 21610, "1611": 21611, "1614": 21614}
STATUSES = {"0429": 429, "0401": 401, "0500": 500, "0502": 502, "0503": 503}
DROPS, HANGS, GARBAGE, FAILS, SILENT = "0999", "0998", "0997", "0406", "0405"


class LocalServer(Protocol):
    """A server that `running` can run; `runner` is there while it does."""

    port: int
    runner: web.AppRunner | None

    def application(self) -> web.Application:
        """Return the server's application."""
        ...


Server = TypeVar("Server", bound=LocalServer)


@dataclass
class TwilioServer:
    """What the server does and what it has seen; safe to read from another thread."""

    latency: float = 0.0
    static_sid: bool = False
    only_status: int | None = None
    port: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """The address for TWILIO_API_BASE."""
        return f"http://127.0.0.1:{self.port}"

    def texts_per_number(self) -> Counter[str]:
        """Count the messages that were taken, by number."""
        return Counter(message["to"] for message in list(self.messages))

    def application(self) -> web.Application:
        """Return the server's application."""
        app = web.Application()
        path = "/2010-04-01/Accounts/{sid}/Messages.json"
        app.router.add_post(path, self.create)
        app.router.add_get(path, self.index)
        app.router.add_get("/2010-04-01/Accounts/{sid}/Messages/{message}.json", self.fetch)
        app.router.add_get("/count", self.count)
        return app

    async def count(self, request: web.Request) -> web.Response:
        """Tell how many messages were taken."""
        return web.json_response({"count": len(self.messages)})

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Create a message."""
        refusal = self._refuse_stranger(request)
        if refusal:
            return refusal
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append(form)
        ending = form.get("To", "")[-4:]
        status = self.only_status or STATUSES.get(ending)
        if status is not None:
            return _error(status, 20000 + status, "Passing trouble")
        if not form.get("To") or not form.get("Body") or not form.get("From"):
            return _error(400, 21604, "A 'To' phone number is required.")
        if ending in REFUSALS:
            return _error(400, REFUSALS[ending], "This number cannot be texted.")
        message = self._keep(form)
        if self.latency:
            await asyncio.sleep(self.latency)
        if ending == DROPS and request.transport is not None:
            request.transport.close()
        if ending == HANGS:
            await asyncio.sleep(60)
        if ending == GARBAGE:
            return web.Response(status=201, text="<html>Created</html>", content_type="text/html")
        return web.json_response(message, status=201)

    async def index(self, request: web.Request) -> web.Response:
        """List messages, the newest first, filtered by To."""
        refusal = self._refuse_stranger(request)
        if refusal:
            return refusal
        if self.only_status is not None:
            return _error(self.only_status, 20000 + self.only_status, "Passing trouble")
        to, asked = request.query.get("To"), any(name.startswith("DateSent") for name in request.query)
        # What still waits to be sent has no day of sending to be found by.
        found = [kept for kept in reversed(self.messages) if to in (None, kept["to"]) and not asked]
        return web.json_response(
            {"messages": found, "page": 0, "page_size": 50, "next_page_uri": None, "uri": str(request.rel_url)}
        )

    async def fetch(self, request: web.Request) -> web.Response:
        """Show a message, with what has become of it by now."""
        refusal = self._refuse_stranger(request)
        if refusal:
            return refusal
        for message in self.messages:
            if message["sid"] == request.match_info["message"]:
                ending = message["to"][-4:]
                ends = {FAILS: ("undelivered", 30003), SILENT: ("sent", None)}
                status, code = ends.get(ending, ("delivered", None))
                return web.json_response(message | {"status": status, "error_code": code})
        return _error(404, 20404, "The requested resource was not found")

    def _keep(self, form: dict[str, str]) -> dict[str, Any]:
        moment = format_datetime(clock.now())
        sid = STATIC_SID if self.static_sid else f"SM{uuid.uuid4().hex}"
        message: dict[str, Any] = {
            "account_sid": ACCOUNT_SID,
            "api_version": "2010-04-01",
            "body": form["Body"],
            "date_created": moment,
            "date_sent": None,
            "date_updated": moment,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form["From"],
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "sid": sid,
            "status": "failed" if form["To"].endswith(FAILS) else "queued",
            "subresource_uris": {},
            "to": form["To"],
            "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}.json",
        }
        self.messages.append(message)
        return message

    def _refuse_stranger(self, request: web.Request) -> web.Response | None:
        expected = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return _error(401, 20003, "Authenticate")
        if request.match_info["sid"] != ACCOUNT_SID:
            return _error(404, 20404, "The requested resource was not found")
        return None


def twilio_settings(address: str, **changes: str) -> TwilioSettings:
    """Return settings that this server, at its address, accepts."""
    values = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "sender": "+15005550006", "api_base": address}
    return TwilioSettings(**(values | changes))


def _error(status: int, code: int, words: str) -> web.Response:
    body = {"code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return web.json_response(body, status=status)


async def serve(server: LocalServer, ready: threading.Event, end: asyncio.Event) -> None:
    """Serve until `end`; `ready` is set once the port is known."""
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", server.port, backlog=1024)
    await site.start()
    server.port, server.runner = runner.addresses[0][1], runner
    ready.set()
    await end.wait()
    await runner.cleanup()
    # Requests whose client has gone long since.
    hanging = asyncio.all_tasks() - {asyncio.current_task()}
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


def count_connections(server: LocalServer) -> int:
    """Count the connections that are open to a running server."""
    return len(server.runner.server.connections) if server.runner and server.runner.server else 0


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server in a thread."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    end = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(server, ready, end)), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


def main() -> None:
    """Serve in this process until it is ended; print the port first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    server = TwilioServer(latency=parser.parse_args().latency)
    with running(server):
        print(json.dumps({"port": server.port}), flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
