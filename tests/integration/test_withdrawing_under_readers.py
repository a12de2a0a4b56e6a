"""Readers hammer two web processes while a decision is published and withdrawn, again and again, on both databases."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.search import service as search
from portal.search.models import EntryKind
from portal.settings import ROOT, Settings
from tests.databases import free_port
from tests.factories.decisions import make_decision

TITLE = "虚构乱砍案"
ROUNDS = 6
PATIENCE = 30
# Two characters of the title, so that no mark parts what is looked for.
SEEN = "虚构乱"


@dataclass
class Readers:
    """What readers saw: when each asked and had the answer, and whether the text was in it."""

    port: int
    paths: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    seen: list[tuple[float, float, str, bool]] = field(default_factory=list)
    kept: int = 0

    def read(self, headers: dict[str, str]) -> None:
        """Ask for one page after the other until told to stop."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while not self.stop.is_set():
            for path in self.paths:
                asked_at = time.monotonic()
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                body = answer.read().decode().replace("<mark>", "").replace("</mark>", "")
                assert answer.status in (200, 410), (path, answer.status)
                self.seen.append((asked_at, time.monotonic(), path, SEEN in body))
                self.kept += bool(answer.getheader("ETag"))
                assert not (headers and answer.getheader("ETag")), "a reader with a cookie was answered from memory"


@pytest.fixture
def port(settings: Settings, app: Flask) -> Iterator[int]:
    """The port of a real server with two workers."""
    number = free_port()
    environment = os.environ | {
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": "race" * 10,
        "PUBLIC_URL": "http://portal.test",
    }
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(number), "--workers", "2"]
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "--blocking-threads", "1", "--no-ws", "wsgi:app"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            with suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", number, timeout=PATIENCE)
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    break
            time.sleep(0.1)
        yield number
    finally:
        server.terminate()
        server.wait(PATIENCE)


def publish(decision: Decision) -> None:
    """Put a decision before the public, as the service does at its end."""
    state = {"state": DecisionState.PUBLISHED}
    db.session.execute(sa.update(Decision).where(Decision.id == decision.id).values(state))
    entry = search.Entry(
        record_id=decision.id, url=f"/decisions/{decision.id}", title=TITLE, passage=TITLE, published_on=clock.today()
    )
    search.index(EntryKind.DECISION, entry)
    db.session.commit()


def withdraw(decision: Decision) -> None:
    """Take it away again."""
    state = {"state": DecisionState.EXPIRED}
    db.session.execute(sa.update(Decision).where(Decision.id == decision.id).values(state))
    search.remove(EntryKind.DECISION, decision.id)
    db.session.commit()


def test_after_a_withdrawal_no_answer_holds_the_text(port: int) -> None:
    decision = make_decision(title=TITLE)
    db.session.commit()
    readers = Readers(port, ["/decisions", f"/decisions/{decision.id}", f"/search?q={quote('乱砍')}", "/"])
    threads = [
        threading.Thread(target=readers.read, args=(headers,)) for headers in ({}, {}, {"Cookie": "lang=zh_Hans"})
    ]
    for thread in threads:
        thread.start()
    hidden: list[tuple[float, float]] = []
    shown = 0
    try:
        for _ in range(ROUNDS):
            publish(decision)
            published_at, before = time.monotonic(), len(readers.seen)
            while len(readers.seen) < before + 40 and all(thread.is_alive() for thread in threads):
                time.sleep(0.01)
            shown += sum(visible for asked_at, _ended_at, _path, visible in readers.seen if asked_at > published_at)
            withdraw(decision)
            gone_at, before = time.monotonic(), len(readers.seen)
            while len(readers.seen) < before + 40 and all(thread.is_alive() for thread in threads):
                time.sleep(0.01)
            hidden.append((gone_at, time.monotonic()))
    finally:
        alive = all(thread.is_alive() for thread in threads)
        readers.stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert alive
    # Asked after the withdrawal was committed, and answered before the next publication.
    leaks = [
        path
        for asked_at, ended_at, path, visible in readers.seen
        if visible and any(gone_at < asked_at and ended_at < again_at for gone_at, again_at in hidden)
    ]
    assert leaks == []
    # Or else nothing was proved: the text was there in between, and pages came from memory.
    assert shown > ROUNDS * 10
    assert readers.kept > ROUNDS * 10
