"""Nothing is sent twice: not when a dispatcher is killed, not when two of them race. Real processes, real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.reconcile import reconcile
from portal import clock
from portal.db import db, reading
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.settings import ROOT, Settings, TwilioSettings
from tests.conftest import make_settings
from tests.factories.messages import make_contact
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN, TwilioServer, running

COUNT = 700


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with running(TwilioServer(latency=0.25)) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, server: TwilioServer) -> Settings:
    twilio = TwilioSettings(
        account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender="+15005550006", api_base=server.address
    )
    return make_settings(settings.data_dir, settings.database_url, sms_providers=("twilio",), twilio=twilio)


@pytest.fixture
def app_with_queue(app: Flask) -> Flask:
    contacts = [make_contact() for _ in range(COUNT)]
    outbox.enqueue_many(
        [
            {"key": f"queue:{contact.id}", "template": "stopped", "subject": "test:1", "contact_id": contact.id}
            | {"values": {}, "due_at": clock.now()}
            for contact in contacts
        ]
    )
    db.session.commit()
    return app


def start(settings: Settings, server: TwilioServer, *command: str) -> "subprocess.Popen[str]":
    """Start a command of the notifiers as a process of its own."""
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
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_BASE": server.address,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "notify", *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> dict[str, int]:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    result: dict[str, int] = json.loads(output)
    return result


def wait_for(server: TwilioServer, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(server.messages) < count:
        assert time.monotonic() < deadline, "the dispatcher sends nothing"
        time.sleep(0.005)


def count_states() -> dict[MessageState, int]:
    with reading():
        rows = db.session.execute(sa.select(Message.state, sa.func.count()).group_by(Message.state)).all()
        db.session.rollback()
    return {row[0]: row[1] for row in rows}


def test_a_killed_dispatcher_leaves_unknown_what_it_was_sending(
    app_with_queue: Flask, settings: Settings, server: TwilioServer
) -> None:
    killed = start(settings, server, "dispatch", "--json")
    wait_for(server, 300)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = count_states()
    cut = before[MessageState.SENDING]
    assert cut > 0

    again = finish(start(settings, server, "dispatch", "--json"))
    assert again == {"accepted": before.get(MessageState.QUEUED, 0), "rejected": 0, "unknown": 0, "held": 0}
    assert count_states()[MessageState.SENDING] == cut
    assert max(server.texts_per_number().values()) == 1

    with time_machine.travel(clock.now() + timedelta(seconds=25)):
        assert reconcile() == {"accepted": 0, "person": 0, "open": cut}
    assert count_states()[MessageState.UNKNOWN] == cut

    # The provider knows which of them it has; the others wait for a person, and nobody sends them again.
    arrived = len(server.messages)
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        while reconcile()["accepted"]:
            pass
    states = count_states()
    assert states[MessageState.ACCEPTED] == arrived
    assert states.get(MessageState.UNKNOWN, 0) == COUNT - arrived
    assert max(server.texts_per_number().values()) == 1


def test_two_dispatchers_at_once_send_everything_once(
    app_with_queue: Flask, settings: Settings, server: TwilioServer
) -> None:
    racers = [start(settings, server, "dispatch", "--json") for _ in range(2)]
    results = [finish(racer) for racer in racers]
    assert sum(result["accepted"] for result in results) == COUNT
    assert all(result["unknown"] == result["rejected"] == result["held"] == 0 for result in results)
    assert len(server.messages) == COUNT
    assert max(server.texts_per_number().values()) == 1


def test_a_dispatcher_that_is_asked_to_stop_leaves_nothing_unknown(
    app_with_queue: Flask, settings: Settings, server: TwilioServer
) -> None:
    stopped = start(settings, server, "dispatch", "--json")
    wait_for(server, 100)
    stopped.send_signal(signal.SIGTERM)
    result = finish(stopped)
    assert result["unknown"] == 0
    states = count_states()
    assert states[MessageState.ACCEPTED] == result["accepted"] == len(server.messages)
    assert states[MessageState.QUEUED] == COUNT - result["accepted"]
