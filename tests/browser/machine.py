"""What the browser tests need of the machine: a Chromium, and a portal that runs on data of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.settings import ROOT
from tests.databases import free_port

PATIENCE = 40.0


class NoBrowser(Exception):
    """No Chromium can be had on this machine; the message says how to have one."""


def find_chromium() -> str:
    """Return the path of a Chromium."""
    named = os.environ.get("CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        raise NoBrowser("Chromium is not installed (Debian packages chromium and fonts-noto-cjk)")
    return found


@dataclass(frozen=True)
class Portal:
    """A running portal with the demo's data."""

    address: str
    data_dir: Path
    environment: dict[str, str]

    @property
    def password(self) -> str:
        """What every member of the demo's staff signs in with."""
        return str(json.loads((self.data_dir / "demo.json").read_text())["password"])

    def flask(self, *words: str) -> dict[str, Any]:
        """Run a command beside the running portal and return what it printed as JSON."""
        command = [sys.executable, "-m", "flask", *words, "--json"]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def shell(self, *words: str) -> None:
        """Run a command that prints for people."""
        command = [sys.executable, "-m", "flask", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running_portal(data_dir: Path) -> Iterator[Portal]:
    """Lay out the demo in a folder of its own and serve it with the web server that `make run` uses."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    environment = kept | {"DATA_DIR": str(data_dir), "DEMO": "1", "PORT": str(port), "HOST": "127.0.0.1"}
    portal = Portal(f"http://127.0.0.1:{port}", data_dir, environment)
    portal.shell("demo", "prepare")
    options = ["--interface", "wsgi", "--port", str(port), "--blocking-threads", "1", "--log-level", "error"]
    log = (data_dir / "server.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "--no-ws", "wsgi:app"],
        cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        wait_for(f"{portal.address}/readyz", server)
        yield portal
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait until an address answers 200."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer within {PATIENCE} s")
