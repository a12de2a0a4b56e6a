"""Many machines: workers share a real RabbitMQ and PostgreSQL; one that dies is not missed. Real processes."""

import os
import signal
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from notifiers.reconcile import reconcile
from notifiers.wakeups import QUEUE, make_celery, task_name
from portal import clock
from portal.db import db
from portal.messages.models import MessageState
from portal.settings import Settings
from tests import brokers
from tests.conftest import MISSING, make_settings
from tests.factories.permits import make_permit, make_permit_type
from tests.processes import count_states, environment, fill_queue, start_notify
from tests.twilio_server import TwilioServer, running, twilio_settings

COUNT, DUE = 2000, 40
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """A RabbitMQ; where none can be had the tests are named, and fail in CI."""
    try:
        context = brokers.rabbitmq()
        address = context.__enter__()
    except brokers.NoBroker as problem:
        MISSING.append(f"RabbitMQ: {problem}")
        if os.environ.get("CI"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    yield address
    context.__exit__(None, None, None)


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with running(TwilioServer(latency=0.4)) as server:
        yield server
        time.sleep(0.5)  # What a killed worker had asked for is answered into the void first.


@pytest.fixture
def settings(settings: Settings, server: TwilioServer) -> Settings:
    twilio = twilio_settings(server.address)
    return make_settings(settings.data_dir, settings.database_url, sms_providers=("twilio",), twilio=twilio)


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Start workers as a service manager would, each on a data directory of its own; all are ended afterwards."""
    workers: list[subprocess.Popen[str]] = []

    def begin(address: str, *options: str) -> "subprocess.Popen[str]":
        home = tmp_path / f"machine-{len(workers)}"
        home.mkdir()
        # The one thing that machines share besides database and broker: without it phones cannot be read.
        vault = str(settings.data_dir / "keys" / "vault.json")
        own = environment(settings, data_dir=home, BROKER_URL=address, VAULT_FILE=vault)
        with (home / "log").open("wb") as log:
            worker = start_notify("run", *options, environment=own, stdout=log, stderr=log, group=True)
        workers.append(worker)
        return worker

    yield begin
    for worker in workers:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(10)


def register_due(count: int) -> None:
    """Register permits whose parties are to be reminded today."""
    today, kind = clock.today(), make_permit_type()
    for _number in range(count):
        last_day = today + timedelta(days=10)
        make_permit(valid_to=today + timedelta(days=40), kind=kind, last_apply_on=last_day, next_reminder_on=today)
    db.session.commit()


def wait_until(reached: Callable[[], bool], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"{what}: {count_states()}"
        time.sleep(0.02)


def wait_until_quiet(server: TwilioServer) -> None:
    """Wait until nothing has arrived for longer than a hand-over takes."""
    seen, since = -1, time.monotonic()
    while time.monotonic() < since + 1.5:
        if len(server.messages) != seen:
            seen, since = len(server.messages), time.monotonic()
        time.sleep(0.05)


def count_wakeups(address: str) -> int:
    """Return how many wake-ups lie in the queue."""
    with make_celery({"BROKER_URL": address}, Path("unused")).connection_for_read() as connection:
        return int(connection.default_channel.queue_declare(QUEUE, passive=True).message_count)


def test_a_killed_worker_is_not_missed(app: Flask, broker: str, server: TwilioServer, start: Start) -> None:
    celery = make_celery({"BROKER_URL": broker}, Path("unused"))
    doomed, survivor = start(broker), start(broker)
    # Both answer whoever watches them.
    wait_until(lambda: len(celery.control.ping(timeout=0.5) or []) == 2, "two workers")
    fill_queue(COUNT)
    register_due(DUE)
    for _number in range(30):
        celery.send_task(task_name("dispatch"))
        celery.send_task(task_name("plan"))
    wait_until(lambda: len(server.messages) > 300, "sending")
    os.killpg(doomed.pid, signal.SIGKILL)
    assert count_states().get(MessageState.QUEUED, 0), "killed too late to prove anything"
    wait_until(lambda: count_states().get(MessageState.QUEUED, 0) == 0, "the survivor sends the rest")
    wait_until_quiet(server)
    wait_until(lambda: count_wakeups(broker) < 10, "wake-ups are used up, and none lies there per message")
    # Who is asked to stop records what is on its way first.
    survivor.send_signal(signal.SIGTERM)
    assert survivor.wait(20) == 0
    cut = count_states().get(MessageState.SENDING, 0) + count_states().get(MessageState.UNKNOWN, 0)
    assert 0 < cut < COUNT / 2
    # What was in the dead worker's hands is asked about; nobody sends it again.
    for minutes in (5, 8):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes)):
            while reconcile()["accepted"]:
                pass
    states, texts = count_states(), server.texts_per_number()
    assert max(texts.values()) == 1
    assert states.get(MessageState.ACCEPTED, 0) == len(texts)
    # Both planned at once, again and again, and nobody is reminded twice.
    assert sum(states.values()) == COUNT + DUE
    assert states.get(MessageState.UNKNOWN, 0) == COUNT + DUE - len(texts)


def test_what_a_dead_worker_had_taken_is_given_back(
    app: Flask, broker: str, server: TwilioServer, start: Start
) -> None:
    celery = make_celery({"BROKER_URL": broker}, Path("unused"))
    celery.control.purge()
    doomed = start(broker, "--no-beat")
    wait_until(lambda: bool(celery.control.ping(timeout=0.5)), "a worker")
    wait_until(lambda: count_wakeups(broker) == 0, "an idle worker")
    time.sleep(0.5)
    fill_queue(COUNT)
    celery.send_task(task_name("dispatch"))
    wait_until(lambda: len(server.messages) > 100, "sending")
    os.killpg(doomed.pid, signal.SIGKILL)
    wait_until(lambda: count_wakeups(broker) == 1, "the wake-up is back")
    with celery.connection_for_read() as connection, connection.SimpleQueue(QUEUE) as queue:
        wakeup = queue.get(timeout=5)
        assert wakeup.delivery_info["redelivered"]
        assert wakeup.headers["task"] == task_name("dispatch")
        wakeup.requeue()
    start(broker, "--no-beat")
    wait_until(lambda: count_states().get(MessageState.QUEUED, 0) == 0, "the next worker sends the rest")
    assert max(server.texts_per_number().values()) == 1


class Road(socketserver.ThreadingTCPServer):
    """A way to the broker that can be closed and opened again."""

    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def road(port: int, broker_port: int) -> Iterator[None]:
    """Pass everything between `port` and the broker on, and cut all of it off at the end."""
    ends: list[socket.socket] = []

    class Lane(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", broker_port)) as far:
                ends.extend((self.request, far))
                back = threading.Thread(target=carry, args=(far, self.request), daemon=True)
                back.start()
                carry(self.request, far)
                back.join()

    with Road(("127.0.0.1", port), Lane) as way:
        threading.Thread(target=way.serve_forever, args=(0.05,), daemon=True).start()
        yield
        way.shutdown()
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def carry(near: socket.socket, far: socket.socket) -> None:
    try:
        while piece := near.recv(65536):
            far.sendall(piece)
        far.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_broker_that_is_away_loses_nothing(app: Flask, broker: str, server: TwilioServer, start: Start) -> None:
    make_celery({"BROKER_URL": broker}, Path("unused")).control.purge()
    inner = int(broker.split(":")[3].split("/")[0])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    worker = start(broker.replace(str(inner), str(port)))
    fill_queue(20)
    time.sleep(3)
    assert server.messages == []
    with road(port, inner):
        wait_until(lambda: len(server.messages) == 20, "the broker has come")
    fill_queue(20)
    time.sleep(3)
    with road(port, inner):
        wait_until(lambda: len(server.messages) == 40, "the broker is back")
        wait_until(lambda: count_states() == {MessageState.ACCEPTED: 40}, "all is recorded")
    assert worker.poll() is None
    assert max(server.texts_per_number().values()) == 1
