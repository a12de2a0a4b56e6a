"""Keeps public pages in memory, in front of Flask: for readers without a cookie, until anything public changes.

The version of the data is read for every request, before the page is looked up or made, so what is kept is never older
than the last commit that a request could know of. A reader without cookies gets the language and the mode that the
address asks for; so the address stands for both. A page is not kept when its answer sets a cookie, says `no-store` or
`private`, differs by a header other than `Cookie`, or is sent in pieces.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

from flask import Flask

from portal import clock
from portal.settings import Settings

KEPT_STATUSES = ("200", "410")
MAX_PAGE = 512 * 1024
MAX_ADDRESS = 1024
# What no version counts may be this old: figures of complaints and messages on the front page.
SECONDS = 60.0
OVERHEAD = 1024
# Of the room for pages that were asked for once; those asked for again move on. Addresses made up at random fill no
# more than this.
ENTRANCE = 4

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]
Key = tuple[str, ...]


class Kept(NamedTuple):
    """An answer as it was given."""

    status: str
    headers: Headers
    unchanged: Headers
    body: bytes
    etag: str
    until: float


class Store:
    """Pages by address, bounded in bytes; what was not asked for the longest goes first."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.version: object = None
        self._lock = threading.Lock()
        self._pages: OrderedDict[Key, Kept] = OrderedDict()
        self._entrance: OrderedDict[Key, Kept] = OrderedDict()
        self._taken = self._taken_at_entrance = 0

    def __len__(self) -> int:
        return len(self._pages) + len(self._entrance)

    @property
    def taken(self) -> int:
        """The bytes that the pages take."""
        return self._taken + self._taken_at_entrance

    def find(self, version: object, key: Key) -> Kept | None:
        """Return the page kept under an address in this version of the data, if any."""
        with self._lock:
            if version != self.version:
                self._empty(version)
                return None
            kept = self._pages.get(key)
            if kept is not None:
                self._pages.move_to_end(key)
            else:
                kept = self._entrance.pop(key, None)
                if kept is None:
                    return None
                self._move_on(key, kept)
        return kept if kept.until > time.monotonic() else None

    def keep(self, version: object, key: Key, kept: Kept) -> None:
        """Keep a page that was made from this version of the data."""
        with self._lock:
            if version != self.version:
                return
            if key in self._pages:
                self._taken += len(kept.body) - len(self._pages[key].body)
                self._pages[key] = kept
                return
            before = self._entrance.pop(key, None)
            self._taken_at_entrance += size(key, kept) - (size(key, before) if before else 0)
            self._entrance[key] = kept
            while self._taken_at_entrance > self.room // ENTRANCE:
                self._taken_at_entrance -= size(*self._entrance.popitem(last=False))

    def _move_on(self, key: Key, kept: Kept) -> None:
        needed = size(key, kept)
        self._taken_at_entrance -= needed
        self._taken += needed
        self._pages[key] = kept
        while self._taken > self.room - self.room // ENTRANCE:
            self._taken -= size(*self._pages.popitem(last=False))

    def _empty(self, version: object) -> None:
        self.version = version
        self._pages.clear()
        self._entrance.clear()
        self._taken = self._taken_at_entrance = 0


class PageCache:
    """The middleware."""

    def __init__(self, app: Callable[..., Iterable[bytes]], read_version: Callable[[], int | None], room: int) -> None:
        self.app = app
        self.read_version = read_version
        self.store = Store(room)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory where that is allowed, else let the application answer."""
        key = address(environ)
        version = self.read_version() if key else None
        if key is None or version is None:
            return self.app(environ, start_response)
        state = (version, clock.today())
        kept = self.store.find(state, key)
        if kept is not None:
            return replay(kept, environ, start_response)
        return self._make(environ, start_response, state, key)

    def _make(self, environ: Environ, start_response: StartResponse, state: object, key: Key) -> Iterable[bytes]:
        given: list[Any] = []

        def note(*arguments: Any) -> None:
            given[:] = arguments

        chunks = self.app(environ, note)
        status, headers, *_problem = given
        if environ["REQUEST_METHOD"] != "GET" or not may_keep(status, headers):
            start_response(*given)
            return chunks
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()
        kept = make_kept(status, headers, body)
        self.store.keep(state, key, kept)
        return replay(kept, environ, start_response)


def address(environ: Environ) -> Key | None:
    """Return what tells a page from others; None for requests that are not answered from memory."""
    method = environ["REQUEST_METHOD"]
    if method not in ("GET", "HEAD") or "HTTP_COOKIE" in environ or "HTTP_AUTHORIZATION" in environ:
        return None
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if len(path) + len(query) > MAX_ADDRESS:
        return None
    return path, query, environ.get("HTTP_HOST", ""), environ["wsgi.url_scheme"], environ.get("SCRIPT_NAME", "")


def may_keep(status: str, headers: Headers) -> bool:
    """Whether an answer is the same for everybody who asks for its address without a cookie."""
    if not status.startswith(KEPT_STATUSES):
        return False
    length = None
    for name, value in headers:
        low = name.lower()
        if low == "set-cookie" or (low == "vary" and value.lower() != "cookie"):
            return False
        if low == "cache-control" and ("no-store" in value or "private" in value):
            return False
        if low == "content-length":
            length = int(value)
    return length is not None and length <= MAX_PAGE


def make_kept(status: str, headers: Headers, body: bytes) -> Kept:
    """Return an answer with what lets browsers ask whether it still holds."""
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    own = {"etag", "vary", "content-length"}
    rest = [(name, value) for name, value in headers if name.lower() not in own]
    if not any(name.lower() == "cache-control" for name, _value in rest):
        # Kept by browsers, but never shown unasked: what is withdrawn is gone at the next request.
        rest.append(("Cache-Control", "no-cache"))
    rest += [("ETag", etag), ("Vary", "Cookie")]
    unchanged = [(name, value) for name, value in rest if name.lower() != "content-type"]
    full = [*rest, ("Content-Length", str(len(body)))]
    return Kept(status, full, unchanged, body, etag, time.monotonic() + SECONDS)


def replay(kept: Kept, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Give an answer that is kept."""
    asked = environ.get("HTTP_IF_NONE_MATCH")
    if asked is not None and kept.status.startswith("200") and (kept.etag in asked or asked.strip() == "*"):
        start_response("304 NOT MODIFIED", list(kept.unchanged))
        return ()
    start_response(kept.status, list(kept.headers))
    return () if environ["REQUEST_METHOD"] == "HEAD" else (kept.body,)


def size(key: Key, kept: Kept) -> int:
    """Return about how many bytes a page takes in memory."""
    return len(kept.body) + sum(map(len, key)) + OVERHEAD


def init_app(app: Flask, settings: Settings) -> None:
    """Put the cache in front of an application, unless there is no room for it."""
    read_version = app.extensions["data_version"]
    if read_version is not None and settings.page_cache_mb > 0:
        app.wsgi_app = PageCache(app.wsgi_app, read_version, settings.page_cache_mb * 2**20)  # type: ignore[method-assign]
