"""What starting costs against bare Flask, both served by the same server: time to the first page, and memory.

Memory is that of all the server's processes after fifty pages. Compiled templates are kept between starts, as in use.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from portal.settings import ROOT
from tests.bench.row import Row
from tests.conftest import make_settings, prepare
from tests.databases import free_port

ROUNDS = 9
PAGES = 50
TIME_BOUND = 3.5
MEMORY_BOUND = 2.0
BARE = 'from flask import Flask\napp = Flask("hello")\napp.add_url_rule("/", view_func=lambda: "hello")\n'


def measure(target: str, folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds from starting a server to its first page, and its KiB of memory after fifty."""
    port = free_port()
    options = [
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--blocking-threads",
    ]
    started = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "1", target],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not fetch(port):
            time.sleep(0.002)
        seconds = time.perf_counter() - started
        assert all(fetch(port) for _ in range(PAGES))
        return seconds, sum(resident(process) for process in family(server.pid))
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)


def fetch(port: int) -> bool:
    """Whether the server answers with a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            return bool(answer.read())
    except OSError:
        return False


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def resident(pid: int) -> int:
    """Return a process's resident memory in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def run() -> list[Row]:
    """Measure start-up and memory, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        prepare(make_settings(folder, f"sqlite:///{folder}/portal.db"))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"DATA_DIR": name, "SECRET_KEY": "bench" * 8, "PUBLIC_URL": "http://portal.test"}
        rounds = [
            (measure("wsgi:app", ROOT, environment), measure("bare:app", folder, environment))
            for _ in range(ROUNDS + 1)
        ][1:]
    ours, bare = (tuple(map(statistics.median, zip(*side, strict=True))) for side in zip(*rounds, strict=True))
    time_detail = f"{ours[0] * 1000:,.0f} ms against {bare[0] * 1000:,.0f} ms from start to the first page"
    memory_detail = f"{ours[1] / 1024:,.0f} MB against {bare[1] / 1024:,.0f} MB"
    return [
        Row("start-up : bare Flask", ours[0] / bare[0], bound=TIME_BOUND, detail=time_detail),
        Row("memory : bare Flask", ours[1] / bare[1], bound=MEMORY_BOUND, detail=memory_detail),
    ]
