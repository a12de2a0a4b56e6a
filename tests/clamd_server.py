"""A server that speaks clamd's protocol over a real socket, and misbehaves when told to."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Split, so that no scanner of a developer's machine takes this file away.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class ClamdServer:
    """Finds the test virus wherever it stands; `answer` replaces its verdict, `limit` is its StreamMaxLength."""

    listener: socket.socket
    address: str
    limit: int = 64 * 1024 * 1024
    answer: bytes | None = None
    seen: list[bytes] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)

    def serve(self) -> None:
        """Answer one connection after another until the listener is closed."""
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._talk(connection)
                except (ConnectionError, EOFError):
                    continue

    def _talk(self, connection: socket.socket) -> None:
        command = b""
        while not command.endswith(b"\0"):
            command += _exactly(connection, 1)
        if command == b"zPING\0":
            connection.sendall(b"PONG\0" if self.answer is None else self.answer)
            return
        assert command == b"zINSTREAM\0", command
        content = b""
        while length := struct.unpack("!L", _exactly(connection, 4))[0]:
            self.chunks.append(length)
            if len(content) + length > self.limit:
                connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
            content += _exactly(connection, length)
        self.seen.append(content)
        verdict = b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        connection.sendall(verdict if self.answer is None else self.answer)


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = connection.recv(size - len(content))
        if not part:
            raise EOFError
        content += part
    return content


@contextmanager
def clamd_server(path: Path | None = None) -> Iterator[ClamdServer]:
    """Run a server at a path, or at a port of its own."""
    if path is not None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        address = f"unix:{path}"
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    listener.listen()
    server = ClamdServer(listener, address)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
