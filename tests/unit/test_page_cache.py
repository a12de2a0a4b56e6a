"""What the page cache keeps, what it never keeps, and how much."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from portal import page_cache
from portal.page_cache import PageCache

PAGE = ("200 OK", [("Content-Type", "text/html"), ("Vary", "Cookie")], b"page")


class App:
    """An application that gives the same answer again and again, and counts how often it was asked."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        self.asked = 0

    def __call__(self, _environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked += 1
        length = ("Content-Length", str(len(self.body)))
        start_response(self.status, [*self.headers, *([length] if self.body else [])])
        return [self.body]


def ask(cache: PageCache, path: str = "/", query: str = "", method: str = "GET", **more: str) -> tuple[Any, ...]:
    """Return status, headers and body of an answer."""
    given: list[Any] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "wsgi.url_scheme": "http"}
    body = b"".join(cache(environ | more, lambda *arguments: given.extend(arguments)))
    return given[0], dict(given[1]), body


def asked_of_app(*, answer: Any = PAGE, **request: Any) -> int:
    """Return how often the application is asked when the same request comes twice."""
    app = App(*answer)
    cache = PageCache(app, lambda: 1, 2**20)
    first, second = ask(cache, **request), ask(cache, **request)
    assert first == second
    return app.asked


def test_the_second_reader_is_answered_from_memory() -> None:
    assert asked_of_app() == 1
    assert asked_of_app(answer=("410 GONE", [], b"gone")) == 1


@pytest.mark.parametrize(
    "request_",
    [{"HTTP_COOKIE": "lang=en"}, {"HTTP_COOKIE": ""}, {"HTTP_AUTHORIZATION": "Bearer x"}, {"method": "POST"},
     {"query": "q=" + "x" * 2000}],
)  # fmt: skip
def test_who_is_known_or_writes_is_never_answered_from_memory(request_: dict[str, str]) -> None:
    assert asked_of_app(**request_) == 2


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("404 NOT FOUND", []),
        ("500 INTERNAL SERVER ERROR", []),
        ("302 FOUND", []),
        ("200 OK", [("Set-Cookie", "a=b")]),
        ("200 OK", [("Cache-Control", "no-store")]),
        ("200 OK", [("Cache-Control", "private, max-age=5")]),
        ("200 OK", [("Vary", "Accept")]),
    ],
)
def test_what_is_not_the_same_for_all_is_not_kept(status: str, headers: list[tuple[str, str]]) -> None:
    assert asked_of_app(answer=(status, headers, b"page")) == 2


def test_what_comes_in_pieces_or_is_very_long_is_not_kept() -> None:
    assert asked_of_app(answer=("200 OK", [], b"")) == 2
    assert asked_of_app(answer=("200 OK", [], b"x" * (page_cache.MAX_PAGE + 1))) == 2


def test_a_changed_version_empties_the_cache() -> None:
    app, versions = App(*PAGE), iter([1, 1, 2, 2])
    cache = PageCache(app, lambda: next(versions), 2**20)
    for body in (b"old", b"old", b"new", b"new"):
        app.body = body
        assert ask(cache)[2] == body
    assert (app.asked, len(cache.store)) == (2, 1)


def test_what_was_made_from_an_older_version_is_not_kept() -> None:
    # A page that was being made while something was withdrawn.
    store = page_cache.Store(2**20)
    kept = page_cache.make_kept("200 OK", [], b"withdrawn")
    store.find(1, ("/",))
    store.find(2, ("/",))
    store.keep(1, ("/",), kept)
    assert store.find(2, ("/",)) is None
    assert store.find(1, ("/",)) is None


def test_without_a_version_nothing_is_kept_and_everything_answered() -> None:
    app = App(*PAGE)
    cache = PageCache(app, lambda: None, 2**20)
    assert [ask(cache)[0] for _ in range(2)] == ["200 OK"] * 2
    assert (app.asked, len(cache.store)) == (2, 0)


def test_addresses_that_differ_are_pages_that_differ() -> None:
    app = App(*PAGE)
    cache = PageCache(app, lambda: 1, 2**20)
    for more in ({}, {"path": "/a"}, {"query": "lang=en"}, {"HTTP_HOST": "other"}, {"wsgi.url_scheme": "https"}):
        app.body = repr(more).encode()
        assert ask(cache, **more)[2] == app.body
    assert app.asked == 5


def test_pages_get_old_even_where_no_version_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    app, now = App(*PAGE), [100.0]
    monkeypatch.setattr("portal.page_cache.time.monotonic", lambda: now[0])
    cache = PageCache(app, lambda: 1, 2**20)
    for moment, asked in ((100, 1), (159, 1), (161, 2), (220, 2), (222, 3)):
        now[0] = float(moment)
        ask(cache)
        assert app.asked == asked
    assert cache.store.taken == sum(page_cache.size(*item) for item in cache.store._pages.items())


def test_made_up_addresses_push_out_no_page_that_is_asked_for() -> None:
    app = App("200 OK", [], b"x" * 5000)
    cache = PageCache(app, lambda: 1, 2**20)
    for _ in range(2):
        ask(cache, "/much-read")
    for number in range(2000):
        ask(cache, "/search", f"q={number}")
    assert cache.store.taken <= 2**20
    assert len(cache.store) < 60
    before = app.asked
    ask(cache, "/much-read")
    assert app.asked == before


def test_room_is_bounded_for_pages_asked_for_again_too() -> None:
    app = App("200 OK", [], b"x" * 5000)
    cache = PageCache(app, lambda: 1, 2**20)
    for number in range(400):
        for _ in range(2):
            ask(cache, f"/{number}")
    assert 2**19 < cache.store.taken <= 2**20
    ask(cache, "/399")
    assert app.asked == 400
    ask(cache, "/0")
    assert app.asked == 401


def test_browsers_are_told_what_has_not_changed() -> None:
    app = App(*PAGE)
    cache = PageCache(app, lambda: 1, 2**20)
    _status, headers, _body = ask(cache)
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Vary"] == "Cookie"
    status, again, body = ask(cache, HTTP_IF_NONE_MATCH=f'"other", W/{headers["ETag"]}')
    assert (status, body, again["ETag"]) == ("304 NOT MODIFIED", b"", headers["ETag"])
    assert "Content-Type" not in again
    assert ask(cache, HTTP_IF_NONE_MATCH='"other"')[0] == "200 OK"


def test_heads_are_answered_from_pages() -> None:
    app = App(*PAGE)
    cache = PageCache(app, lambda: 1, 2**20)
    ask(cache, method="HEAD")
    assert len(cache.store) == 0
    page, head = ask(cache), ask(cache, method="HEAD")
    assert head == (page[0], page[1], b"")
    assert app.asked == 2
