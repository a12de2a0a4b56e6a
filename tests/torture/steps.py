"""The moments at which a dispatcher may die, found from outside: at its database's driver and its HTTP client's socket.

Nothing of the notifiers' own code is known here, so that it may change without a step being lost.
"""

import os
import re
import signal
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aiohttp import ClientResponse, ClientSession
from aiohttp.http_writer import StreamWriter


class Step(StrEnum):
    """Where a process dies; what is written is not committed yet, what is committed is."""

    CLAIM_WRITTEN = "claim written"
    CLAIM_COMMITTED = "claim committed"
    BEFORE_FIRST_BYTE = "before the first byte"
    HALF_SENT = "half of the request sent"
    REQUEST_SENT = "request sent"
    ANSWER_READ = "answer read"
    RECORD_BEGUN = "record begun"
    RECORD_WRITTEN = "record written"
    RECORD_COMMITTED = "record committed"
    BEAT_WRITTEN = "heartbeat written"
    BEAT_COMMITTED = "heartbeat committed"
    CHANGE_WRITTEN = "any change written"


# What a transaction did, by its statements.
SIGNS = {
    "claim": re.compile(r"\bINSERT INTO attempt\b"),
    "record": re.compile(r"\bUPDATE attempt SET\b"),
    "beat": re.compile(r"\b(INSERT INTO|UPDATE) dispatcher\b"),
    "change": re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM) "),
}
WRITTEN = {
    "claim": Step.CLAIM_WRITTEN,
    "record": Step.RECORD_WRITTEN,
    "beat": Step.BEAT_WRITTEN,
    "change": Step.CHANGE_WRITTEN,
}
COMMITTED = {"claim": Step.CLAIM_COMMITTED, "record": Step.RECORD_COMMITTED, "beat": Step.BEAT_COMMITTED}


class Doom:
    """Ends its process by SIGKILL when it comes to a step for the so-manieth time, and leaves a line that says so."""

    def __init__(self, step: Step, after: int, report: Path) -> None:
        self.step = step
        self.left = after
        self.report = report
        self.signs: dict[int, set[str]] = {}

    def pass_by(self, step: Step, prepare: Callable[[], object] = lambda: None) -> None:
        """Go on, or do what the step wants done last and die."""
        if step is not self.step:
            return
        self.left -= 1
        if self.left == 0:
            prepare()
            with self.report.open("a") as lines:
                lines.write(f"{step.name}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: sa.Engine) -> None:
        """Look on at every statement and commit of an engine, and at the HTTP client."""
        sa.event.listen(engine, "after_cursor_execute", self._see_statement)
        sa.event.listen(engine, "rollback", lambda connection: self.signs.pop(_driver(connection.connection), None))
        commit = engine.dialect.do_commit

        def do_commit(connection: Any) -> None:
            signs = self.signs.pop(_driver(connection), set())
            for sign in sorted(signs):
                self.pass_by(WRITTEN[sign])
            commit(connection)
            for sign in sorted(signs & COMMITTED.keys()):
                self.pass_by(COMMITTED[sign])

        _replace(engine.dialect, "do_commit", do_commit)
        self._watch_http()

    def _see_statement(self, connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        found = {sign for sign, pattern in SIGNS.items() if pattern.search(statement)}
        if found:
            self.signs.setdefault(_driver(connection.connection), set()).update(found)
        if "record" in found:
            self.pass_by(Step.RECORD_BEGUN)

    def _watch_http(self) -> None:
        request, read, write = ClientSession._request, ClientResponse.read, StreamWriter._writelines

        async def _request(session: ClientSession, *args: Any, **kwargs: Any) -> Any:
            self.pass_by(Step.BEFORE_FIRST_BYTE)
            return await request(session, *args, **kwargs)

        async def read_whole(answer: ClientResponse) -> bytes:
            body = await read(answer)
            self.pass_by(Step.ANSWER_READ)
            return body

        def write_some(writer: StreamWriter, chunks: Iterable[bytes | bytearray | memoryview]) -> None:
            data = b"".join(chunks)
            if b"Body=" in data:
                # Past the event loop, which may keep what it is given until its next round.
                socket = writer._protocol.transport.get_extra_info("socket").fileno()  # type: ignore[union-attr]
                self.pass_by(Step.HALF_SENT, lambda: os.write(socket, data[: len(data) - 20]))
                self.pass_by(Step.REQUEST_SENT, lambda: os.write(socket, data))
            write(writer, [data])

        _replace(ClientSession, "_request", _request)
        _replace(ClientResponse, "read", read_whole)
        _replace(StreamWriter, "_writelines", write_some)


def _replace(where: object, name: str, function: object) -> None:
    setattr(where, name, function)


def _driver(connection: Any) -> int:
    return id(connection.dbapi_connection)
