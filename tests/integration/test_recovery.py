"""A notifier that is killed with everything it started is up again, and all that is due moves on, within a minute."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from portal.messages.models import MessageState
from portal.settings import Settings
from tests.conftest import make_settings
from tests.processes import count_states, environment, fill_queue, start_notify
from tests.twilio_server import TwilioServer, running, twilio_settings

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


def start_notifier(settings: Settings) -> "subprocess.Popen[str]":
    nowhere = subprocess.DEVNULL
    return start_notify("run", environment=environment(settings), stdout=nowhere, stderr=nowhere, group=True)


def kill_group(notifier: "subprocess.Popen[str]") -> None:
    os.killpg(notifier.pid, signal.SIGKILL)
    notifier.wait(10)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, count_states()
        time.sleep(0.02)


def test_everything_due_moves_again_within_a_minute(app: Flask, settings: Settings, server: TwilioServer) -> None:
    fill_queue(COUNT)
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
