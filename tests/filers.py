"""Many people who send the last page of the complaint form at once, over HTTP, each from a network of their own."""

import asyncio
import re
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask import Flask

from portal.drafts import Draft

ANSWERS = {
    "kind": "report",
    "category": "other",
    "organ": "0",
    "officer": "",
    "facts": "虚构：门口的垃圾三天没有清运，夜里有烟。" * 8,
    "year": "2026",
    "month": "11",
    "day": "20",
    "place": "虚构路 1 号",
    "wants": "请处理",
    "how": "named",
    "name": "王虚构",
    "phone": "13800138000",
    "sms_wanted": "y",
}
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class Outcome:
    """What came back: keys of forms that were answered with a receipt, other answers, and how long each took."""

    taken: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cut_off: int = 0


def sign_drafts(app: Flask, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Return a filled form, signed as the portal signs it, for each key."""
    with app.app_context():
        return [(key, Draft(key=key, answers=dict(ANSWERS), checked=True).sign("complaint")) for key in keys]


def address_of(key: str) -> str:
    """Return an address for whoever sends a form, in a network that hardly anybody else is in."""
    number = zlib.crc32(key.encode())
    return f"{11 + number // 65536 % 200}.{number // 256 % 256}.{number % 256}.7"


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str, body: bytes
) -> tuple[int, bytes, bytes]:
    """Send a request and return status, head and content of its answer."""
    writer.write(head.encode() + body)
    await writer.drain()
    answer = await reader.readuntil(b"\r\n\r\n")
    lengths = re.search(rb"content-length: (\d+)", answer.lower())
    content = await reader.readexactly(int(lengths[1])) if lengths else b""
    return int(answer.split(b" ", 2)[1]), answer, content


async def _filer(port: int, number: int, drafts: "asyncio.Queue[tuple[str, str]]", outcome: Outcome) -> None:
    """Open the form once, then send one draft after the other on the same connection."""
    host = f"Host: portal.test\r\nX-Forwarded-For: 10.{number % 250}.{number // 250}.7\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        _status, head, page = await ask(reader, writer, f"GET /complaints/new HTTP/1.1\r\n{host}\r\n", b"")
        cookie = re.search(rb"set-cookie: ([^;]+)", head, re.IGNORECASE)
        token = TOKEN.search(page.decode())
        assert cookie, head
        assert token, page
        while not drafts.empty():
            key, signed = drafts.get_nowait()
            body = urlencode(
                {"csrf_token": token[1], "draft": signed, "page": "5", "go": "next", "website": ""}
            ).encode()
            begun = time.perf_counter()
            status, _head, content = await ask(
                reader,
                writer,
                f"POST /complaints/new HTTP/1.1\r\nHost: portal.test\r\n"
                f"X-Forwarded-For: {address_of(key)}\r\n"
                f"Cookie: {cookie[1].decode()}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n",
                body,
            )
            outcome.seconds.append(time.perf_counter() - begun)
            if status == 302:
                outcome.taken.append(key)
            else:
                outcome.refused.append((status, content.decode()[:2000]))
    except (ConnectionError, asyncio.IncompleteReadError):
        outcome.cut_off += 1
    finally:
        writer.close()


def send_all(port: int, drafts: Sequence[tuple[str, str]], *, at_once: int = 32) -> Outcome:
    """Send every draft, so many at once, and tell what came back; a server that dies cuts its senders off."""

    async def run() -> Outcome:
        waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        for draft in drafts:
            waiting.put_nowait(draft)
        outcome = Outcome()
        await asyncio.gather(*(_filer(port, number, waiting, outcome) for number in range(at_once)))
        return outcome

    return asyncio.run(run())
