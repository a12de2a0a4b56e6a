"""Asking ClamAV's clamd about a file: over its socket, with INSTREAM, so that nothing is written to a disk for it.

The protocol: `zINSTREAM`, then chunks led by their length, then a length of zero; the answer is one line that ends in a
zero byte: `stream: OK`, `stream: <name> FOUND`, or an error. (man clamd, section COMMANDS)
"""

import logging
import re
import socket
import struct
from enum import Enum
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 30.0
LONGEST_ANSWER = 1024
FOUND = re.compile(r"stream: .+ FOUND")


class Verdict(Enum):
    """What a scanner says of a file; DOWN is everything but a clear answer."""

    CLEAN = "clean"
    INFECTED = "infected"
    DOWN = "down"


def scan(address: str, content: bytes) -> Verdict:
    """Return what the scanner at `unix:/path` or `tcp://host:port` says of a file, within half a minute or so."""
    try:
        with _connect(address) as connection:
            _send(connection, content)
            answer = _read_answer(connection)
    except OSError as problem:
        log.error("the virus scanner cannot be asked (%s)", type(problem).__name__)
        return Verdict.DOWN
    if answer == "stream: OK":
        return Verdict.CLEAN
    if FOUND.fullmatch(answer):
        return Verdict.INFECTED
    log.error("the virus scanner gave no verdict (%d characters)", len(answer))
    return Verdict.DOWN


def ping(address: str) -> bool:
    """Whether the scanner answers."""
    try:
        with _connect(address) as connection:
            connection.sendall(b"zPING\0")
            return _read_answer(connection) == "PONG"
    except OSError:
        return False


def _connect(address: str) -> socket.socket:
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(CONNECT_SECONDS)
        try:
            connection.connect(address.removeprefix("unix:"))
        except OSError:
            connection.close()
            raise
    else:
        parts = urlsplit(address)
        connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=CONNECT_SECONDS)
    connection.settimeout(ANSWER_SECONDS)
    return connection


def _send(connection: socket.socket, content: bytes) -> None:
    try:
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), CHUNK):
            chunk = content[start : start + CHUNK]
            connection.sendall(struct.pack("!L", len(chunk)) + chunk)
        connection.sendall(struct.pack("!L", 0))
    except (BrokenPipeError, ConnectionResetError):
        # It takes no more than its StreamMaxLength; what it has to say about that is read all the same.
        log.warning("the virus scanner hung up while it was being sent a file")


def _read_answer(connection: socket.socket) -> str:
    """Return a whole answer without the zero byte at its end; what was cut off is none."""
    answer = b""
    while not answer.endswith(b"\0"):
        part = connection.recv(LONGEST_ANSWER)
        if not part or len(answer) > LONGEST_ANSWER:
            return ""
        answer += part
    return answer[:-1].decode("utf-8", "replace").strip()
