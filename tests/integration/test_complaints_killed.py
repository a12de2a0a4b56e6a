"""Complaints pour in while every process of the web server is killed: what was answered is there, once and whole."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import sqlalchemy as sa
from flask import Flask

from portal.complaints.models import Complaint, ComplaintDay, ComplaintEvent
from portal.db import db
from portal.messages.models import Message
from portal.serve import web_command
from portal.settings import ROOT, Settings
from tests.databases import free_port
from tests.filers import send_all, sign_drafts

FILINGS = 240
# So many are in when the server dies; as many again are on their way.
KILLED_AFTER = 60
AT_ONCE = 16
PATIENCE = 30


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Serve as `flask serve` does, in a process group of its own; yields port and process."""
    port = free_port()
    environment = os.environ | {
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "PUBLIC_URL": settings.public_url,
        "TRUSTED_PROXIES": "1",
    }
    with log.open("ab") as output:
        command = web_command("127.0.0.1", port, 2)
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE):
                break
            time.sleep(0.05)
        yield port, server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(PATIENCE)


def count_cases() -> int:
    """Count the complaints that are in."""
    counted = db.session.scalar(sa.select(sa.func.count()).select_from(Complaint)) or 0
    db.session.rollback()
    return counted


def check_cases(keys: list[str]) -> None:
    """Assert that each of some forms made one case, and that every case is whole."""
    cases = db.session.execute(sa.select(Complaint.id, Complaint.number, Complaint.submission_key)).all()
    found = [case.submission_key for case in cases]
    assert len(found) == len(set(found))
    assert set(keys) <= set(found)
    ids = sorted(case.id for case in cases)
    events = db.session.execute(sa.select(ComplaintEvent.complaint_id, ComplaintEvent.action)).all()
    assert sorted(tuple(event) for event in events) == [(number, "submit") for number in ids]
    told = db.session.scalars(sa.select(Message.subject).where(Message.template == "complaint_received")).all()
    assert sorted(told) == sorted(f"complaint:{number}" for number in ids)
    # No number was given to a case that is not there.
    given = db.session.scalar(sa.select(ComplaintDay.given))
    assert sorted(int(case.number[-4:]) for case in cases) == list(range(1, (given or 0) + 1))
    for case in db.session.scalars(sa.select(Complaint)):
        assert case.facts
        assert case.sender_name == "王虚构"
    db.session.rollback()


def test_what_was_answered_survives_the_death_of_the_server(app: Flask, settings: Settings, tmp_path: Path) -> None:
    drafts, log = sign_drafts(app, [secrets.token_hex(16) for _ in range(FILINGS)]), tmp_path / "server.log"
    with serving(settings, log) as (port, server), ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_all, port, drafts, at_once=AT_ONCE)
        while count_cases() < KILLED_AFTER and not sending.done():
            time.sleep(0.005)
        os.killpg(server.pid, signal.SIGKILL)
        before = sending.result(PATIENCE)
    assert before.cut_off == AT_ONCE
    assert before.refused == []
    assert KILLED_AFTER - AT_ONCE <= len(before.taken) < FILINGS
    check_cases(before.taken)
    written = count_cases()

    with serving(settings, log) as (port, _server):
        after = send_all(port, [draft for draft in drafts if draft[0] not in before.taken], at_once=AT_ONCE)
    assert (after.refused, after.cut_off) == ([], 0)
    assert len(after.taken) == FILINGS - len(before.taken)
    check_cases([key for key, _signed in drafts])
    # Those that were in when they were cut off got the receipt of the same case.
    assert written >= len(before.taken)
    assert count_cases() == FILINGS
    assert "locked" not in log.read_text()
    assert "incident" not in log.read_text()
