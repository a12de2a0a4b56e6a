"""What the scanner's answers mean, over real sockets: only a whole, clear answer lets a file in."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import virus_scanner
from portal.settings import Settings, SettingsError
from portal.virus_scanner import CHUNK, Verdict, ping, scan
from tests.clamd_server import EICAR, ClamdServer, clamd_server


@pytest.fixture(params=["tcp", "unix"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ClamdServer]:
    with clamd_server(tmp_path / "clamd.ctl" if request.param == "unix" else None) as running:
        yield running


def test_the_whole_file_is_sent_in_chunks(server: ClamdServer) -> None:
    content = bytes(range(256)) * 700
    assert scan(server.address, content) is Verdict.CLEAN
    assert server.seen == [content]
    assert server.chunks == [CHUNK, CHUNK, len(content) - 2 * CHUNK]
    assert scan(server.address, b"") is Verdict.CLEAN


def test_a_virus_is_found_at_the_very_end(server: ClamdServer) -> None:
    assert scan(server.address, bytes(3 * CHUNK - 10) + EICAR) is Verdict.INFECTED


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"stream: OK", b"stream: Eicar-Sig", b"\0", b"stream: OK maybe\0", b"other: OK\0", b"stream:  FOUND\0",
        b"stream: Can't allocate memory ERROR\0", b"x" * 5000 + b"\0", b"stream: OK\n\xff\0",
    ],
)  # fmt: skip
def test_anything_but_a_clear_answer_is_none(server: ClamdServer, answer: bytes) -> None:
    server.answer = answer
    assert scan(server.address, b"content") is Verdict.DOWN


def test_a_file_beyond_its_limit_is_not_taken_as_clean(server: ClamdServer) -> None:
    """Also when it hangs up in the middle, with most of the file unsent."""
    server.limit = CHUNK
    assert scan(server.address, bytes(8 * 1024 * 1024)) is Verdict.DOWN


def test_a_scanner_that_is_not_there_is_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    for address in (f"tcp://127.0.0.1:{port}", f"unix:{tmp_path}/none.ctl"):
        assert scan(address, b"secret content") is Verdict.DOWN
        assert not ping(address)
    assert "cannot be asked" in caplog.text
    assert "secret" not in caplog.text


def test_a_scanner_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virus_scanner, "ANSWER_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        assert scan(address, b"content") is Verdict.DOWN
        assert not ping(address)


def test_an_answer_is_told_from_a_broken_one(server: ClamdServer, caplog: pytest.LogCaptureFixture) -> None:
    assert ping(server.address)
    server.answer = b"PONG"
    assert not ping(server.address)
    with caplog.at_level(logging.DEBUG):
        scan(server.address, EICAR)
    assert "EICAR" not in caplog.text


GIVEN = {"SECRET_KEY": "k" * 40, "PUBLIC_URL": "https://portal.test"}


@pytest.mark.parametrize("address", ["", "unix:/run/clamav/clamd.ctl", "tcp://127.0.0.1:3310", "tcp://scanner:3310"])
def test_an_address_is_taken(address: str, tmp_path: Path) -> None:
    assert Settings.from_env({**GIVEN, "DATA_DIR": str(tmp_path), "CLAMD": address}).clamd == address


@pytest.mark.parametrize(
    "address", ["clamd", "unix:clamd.ctl", "tcp://scanner", "http://scanner:3310", "tcp://:1", "tcp://a:b"]
)
def test_nonsense_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CLAMD must look like"):
        Settings.from_env({**GIVEN, "DATA_DIR": str(tmp_path), "CLAMD": address})
