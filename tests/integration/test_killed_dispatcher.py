"""Nothing is sent twice: not when a dispatcher is killed, not when two of them race. Real processes, real signals."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from notifiers.reconcile import reconcile
from portal import clock
from portal.messages.models import MessageState
from portal.settings import Settings
from tests.conftest import make_settings
from tests.processes import count_states, environment, fill_queue, start_notify
from tests.twilio_server import TwilioServer, running, twilio_settings

COUNT = 700


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with running(TwilioServer(latency=0.25)) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, server: TwilioServer) -> Settings:
    twilio = twilio_settings(server.address)
    return make_settings(settings.data_dir, settings.database_url, sms_providers=("twilio",), twilio=twilio)


@pytest.fixture
def app_with_queue(app: Flask) -> Flask:
    fill_queue(COUNT)
    return app


def start(settings: Settings) -> "subprocess.Popen[str]":
    """Start a dispatcher."""
    pipe = subprocess.PIPE
    return start_notify("dispatch", "--json", environment=environment(settings), stdout=pipe, stderr=pipe)


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


def test_a_killed_dispatcher_leaves_unknown_what_it_was_sending(
    app_with_queue: Flask, settings: Settings, server: TwilioServer
) -> None:
    killed = start(settings)
    wait_for(server, 300)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = count_states()
    cut = before[MessageState.SENDING]
    assert cut > 0

    again = finish(start(settings))
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
    racers = [start(settings) for _ in range(2)]
    results = [finish(racer) for racer in racers]
    assert sum(result["accepted"] for result in results) == COUNT
    assert all(result["unknown"] == result["rejected"] == result["held"] == 0 for result in results)
    assert len(server.messages) == COUNT
    assert max(server.texts_per_number().values()) == 1


def test_a_dispatcher_that_is_asked_to_stop_leaves_nothing_unknown(
    app_with_queue: Flask, settings: Settings, server: TwilioServer
) -> None:
    stopped = start(settings)
    wait_for(server, 100)
    stopped.send_signal(signal.SIGTERM)
    result = finish(stopped)
    assert result["unknown"] == 0
    states = count_states()
    assert states[MessageState.ACCEPTED] == result["accepted"] == len(server.messages)
    assert states[MessageState.QUEUED] == COUNT - result["accepted"]
