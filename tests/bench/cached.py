"""What a page from memory costs against a bare Flask page on the same server: CPU time of the server a request.

Anonymous readers on several connections that stay open, and the portal reads the version of its data for each.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.settings import ROOT
from tests.bench.page import ORGANS, ROWS, fill_decisions
from tests.bench.row import Row
from tests.bench.start import BARE, family, fetch
from tests.conftest import make_app, make_settings, prepare
from tests.databases import free_port

ROUNDS = 7
REQUESTS = 6000
CONNECTIONS = 16
BOUND = 3.0
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(
    target: str, folder: Path, environment: dict[str, str], *, workers: int = 1, threads: int = 1
) -> Iterator[tuple[int, int]]:
    """Serve an application; yields the server's process id and port."""
    port = free_port()
    address = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "granian",
            *address,
            "--workers",
            str(workers),
            "--blocking-threads",
            str(threads),
            "--no-ws",
            target,
        ],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not fetch(port):
            time.sleep(0.05)
        yield server.pid, port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)


def spent(pid: int) -> float:
    """Return the seconds of CPU that a server and its workers have used."""
    ticks = 0
    for process in family(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def cost(server: tuple[int, int], path: str) -> float:
    """Return the CPU time of one request, in microseconds."""
    pid, port = server
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: identity\r\n\r\n".encode()
    connections = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(CONNECTIONS)]
    try:
        length = len(read_answer(connections[0], request))
        begun = spent(pid)
        for _ in range(REQUESTS // CONNECTIONS):
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                assert len(read(connection, length)) == length
        return (spent(pid) - begun) / (REQUESTS // CONNECTIONS * CONNECTIONS) * 1e6
    finally:
        for connection in connections:
            connection.close()


def read_answer(connection: socket.socket, request: bytes) -> bytes:
    """Ask once and return the whole answer, whatever its length."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _blank, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    return answer + read(connection, length - len(body))


def read(connection: socket.socket, length: int) -> bytes:
    """Read so many bytes."""
    parts = []
    while length > 0:
        part = connection.recv(min(length, 1 << 18))
        assert part, "the server closed the connection"
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def run() -> list[Row]:
    """Measure the front page from memory, and the same server with a bare page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        settings = make_settings(folder, f"sqlite:///{folder}/portal.db")
        prepare(settings)
        fill_decisions(make_app(settings), rows=ROWS, organs=ORGANS)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"DATA_DIR": name, "SECRET_KEY": "bench" * 8, "PUBLIC_URL": "http://portal.test"}
        with serving("wsgi:app", ROOT, environment) as ours, serving("bare:app", folder, environment) as bare:
            rounds = [(cost(ours, "/"), cost(bare, "/")) for _ in range(ROUNDS + 1)][1:]
    page, least = (statistics.median(side) for side in zip(*rounds, strict=True))
    detail = f"{least:,.0f} µs against {page:,.0f} µs of CPU a request"
    return [Row("bare Flask : anonymous page from memory, on the same server", least / page, BOUND, True, detail)]
