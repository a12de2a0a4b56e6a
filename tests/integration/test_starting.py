"""Starting: refused without secrets, in one sentence; and stopped cleanly, both halves together."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.settings import ROOT
from tests.databases import free_port

BASE = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def flask(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as the shell would."""
    command = [sys.executable, "-m", "flask", *words]
    return subprocess.run(command, cwd=ROOT, env=BASE | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "SECRET_KEY"),
        ({"SECRET_KEY": "x" * 40}, "PUBLIC_URL"),
        ({"SECRET_KEY": "x" * 40, "PUBLIC_URL": "portal"}, "PUBLIC_URL"),
        ({"SECRET_KEY": "x" * 40, "PUBLIC_URL": "https://p.test", "SMS_PROVIDER": "pigeon"}, "SMS_PROVIDER"),
        ({"SECRET_KEY": "x" * 40, "PUBLIC_URL": "https://p.test", "SMS_HOLD_DAYS": "never"}, "SMS_HOLD_DAYS"),
        ({"SECRET_KEY": "x" * 40, "PUBLIC_URL": "https://p.test", "SMS_QUIET_HOURS": "late"}, "SMS_QUIET_HOURS"),
        ({"SECRET_KEY": "x" * 40, "PUBLIC_URL": "https://p.test", "PERSON_NAMES": "initials"}, "PERSON_NAMES"),
    ],
)
def test_portal_refuses_to_start_and_names_the_variable(
    tmp_path: Path, environment: dict[str, str], named: str
) -> None:
    done = flask(environment | {"DATA_DIR": str(tmp_path)}, "routes")
    assert done.returncode == 1
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_demo_never_takes_over_a_real_portal(tmp_path: Path) -> None:
    (tmp_path / "portal.db").touch()
    done = flask({"DATA_DIR": str(tmp_path), "DEMO": "1"}, "demo", "prepare")
    assert done.returncode == 1
    assert "not a demo" in done.stderr
    assert not (tmp_path / "demo.json").exists()


def start(tmp_path: Path, port: int) -> "subprocess.Popen[str]":
    """Start pages and notifier on a prepared folder, in a process group of their own."""
    environment = BASE | {"DATA_DIR": str(tmp_path), "DEMO": "1", "PORT": str(port)}
    assert flask(environment, "db", "upgrade").returncode == 0
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "serve"], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def read_greeting(served: "subprocess.Popen[str]") -> str:
    """Return what is printed until the pages are announced."""
    assert served.stdout is not None
    said = ""
    for line in served.stdout:
        said += line
        if line.startswith("Ctrl-C stops."):
            return said
    raise AssertionError(said)


def group_is_gone(group: int) -> bool:
    """Whether no process of a group is left, within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_everybody_can_write_once_the_demo_is_announced(tmp_path: Path) -> None:
    served = start(tmp_path, free_port())
    try:
        read_greeting(served)
        with (tmp_path / "portal.db.lock").open("w") as lock:
            for _ in range(100):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.1)
            else:
                raise AssertionError("somebody keeps the write lock")
    finally:
        os.killpg(served.pid, signal.SIGINT)
        served.communicate(timeout=15)


@pytest.mark.parametrize("to_group", [True, False], ids=["ctrl-c", "service manager"])
def test_both_halves_stop_together(tmp_path: Path, to_group: bool) -> None:
    port = free_port()
    served = start(tmp_path, port)
    try:
        greeting = read_greeting(served)
        if to_group:
            os.killpg(served.pid, signal.SIGINT)
        else:
            served.send_signal(signal.SIGTERM)
        output, _ = served.communicate(timeout=15)
        assert served.returncode == 0, output
        assert group_is_gone(served.pid)
    finally:
        if served.poll() is None:
            os.killpg(served.pid, signal.SIGKILL)
    assert f"http://127.0.0.1:{port}/" in greeting


def test_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = flask({"DATA_DIR": str(tmp_path), "DEMO": "1"}, "serve", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
