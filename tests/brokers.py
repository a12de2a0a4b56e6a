"""A real RabbitMQ for the tests: a node of our own from Debian's package, on this machine's own address only.

Nothing of an installed broker is touched: the node has its own name, ports, cookie, data and port mapper, and runs as
the user `rabbitmq` when the tests run as root.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery

from tests.databases import free_port

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
PATIENCE = 40.0


class NoBroker(Exception):
    """No RabbitMQ can be had on this machine; the message says why."""


@contextmanager
def rabbitmq() -> Iterator[str]:
    """Run a RabbitMQ node and yield its address."""
    if not SERVER.exists():
        raise NoBroker("RabbitMQ is not installed (Debian package rabbitmq-server)")
    home = Path(tempfile.mkdtemp(prefix="portal-mq-", dir="/tmp"))
    user: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("rabbitmq")
        os.chown(home, account.pw_uid, account.pw_gid)
        # Its own home keeps the cookie of an installed broker out of this.
        user = ["runuser", "-u", "rabbitmq", "--", "env", f"HOME={home}"]
    port, mapper = free_port(), free_port()
    environment = _environment(home, port, mapper)
    with (home / "out").open("wb") as output:
        node = subprocess.Popen(
            [*user, str(SERVER)], env=environment, cwd=home, stdout=output, stderr=output, start_new_session=True
        )
    try:
        address = f"amqp://guest:guest@127.0.0.1:{port}//"
        _wait(node, address, home)
        yield address
    finally:
        # The whole group: the script, Erlang, and what Erlang started.
        os.killpg(node.pid, signal.SIGKILL)
        node.wait(10)
        subprocess.run([*user, "epmd", "-kill"], env=environment, cwd=home, capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def _environment(home: Path, port: int, mapper: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
        "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
        "RABBITMQ_CONFIG_FILE": str(home / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_NODENAME": f"portal{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }


def _wait(node: "subprocess.Popen[bytes]", address: str, home: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with Celery("probe", broker=address, set_as_current=False).connection_for_read() as connection:
                connection.connect()
                return
        except OSError as problem:
            if node.poll() is not None or time.monotonic() > deadline:
                said = (home / "out").read_text(errors="replace")[-2000:]
                raise AssertionError(f"RabbitMQ did not start: {said}") from problem
            time.sleep(0.2)
