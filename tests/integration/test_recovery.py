"""A notifier that is killed with everything it started is up again, and all that is due moves on, within a minute."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.db import db, reading
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.settings import ROOT, Settings
from tests.conftest import make_settings
from tests.factories.messages import make_contact
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN, TwilioServer, running, twilio_settings

COUNT = 1800
# The promise.
SECONDS = 60.0


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with running(TwilioServer(latency=0.3)) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, server: TwilioServer) -> Settings:
    return make_settings(
        settings.data_dir,
        settings.database_url,
        sms_providers=("twilio",),
        twilio=twilio_settings(server.address),
    )


def start_notifier(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start the notifier as the leader of a group of processes."""
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": settings.secret_key,
        "PUBLIC_URL": settings.public_url,
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data_dir),
        "SMS_PROVIDER": "twilio",
        "SMS_QUIET_HOURS": "",
        "SMS_HOLD_DAYS": "none",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_FROM": settings.twilio.sender,
        "TWILIO_API_BASE": settings.twilio.api_base,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "notify", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_group(notifier: "subprocess.Popen[bytes]") -> None:
    os.killpg(notifier.pid, signal.SIGKILL)
    notifier.wait(10)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, count_states()
        time.sleep(0.02)


def count_states() -> dict[MessageState, int]:
    with reading():
        rows = db.session.execute(sa.select(Message.state, sa.func.count()).group_by(Message.state)).all()
        db.session.rollback()
    return {row[0]: row[1] for row in rows}


def test_everything_due_moves_again_within_a_minute(app: Flask, settings: Settings, server: TwilioServer) -> None:
    contacts = [make_contact() for _ in range(COUNT)]
    outbox.enqueue_many(
        [
            {"key": f"queue:{contact.id}", "template": "stopped", "subject": "test:1", "contact_id": contact.id}
            | {"values": {}, "due_at": clock.now()}
            for contact in contacts
        ]
    )
    db.session.commit()
    killed = start_notifier(settings)
    try:
        wait_for(lambda: len(server.messages) > 300, 30)
    finally:
        kill_group(killed)
    before = count_states()
    assert before[MessageState.SENDING] > 0
    assert before[MessageState.QUEUED] > 0

    again = start_notifier(settings)
    try:
        # Handed over, or asked about: nothing waits, and nothing is held by who is no more.
        still = {MessageState.QUEUED, MessageState.SENDING}
        wait_for(lambda: not still & count_states().keys(), SECONDS)
    finally:
        kill_group(again)
    states = count_states()
    assert states[MessageState.UNKNOWN] <= before[MessageState.SENDING]
    assert states[MessageState.ACCEPTED] + states[MessageState.UNKNOWN] == COUNT
    assert max(server.texts_per_number().values()) == 1
