"""Every answer carries the headers of its class: what may be loaded, who may frame it, what is kept, what is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal import clock
from portal.accounts.models import Role
from portal.assets import static_url
from portal.errors import Gone, TooMany
from portal.security import Headers
from tests.architecture.test_routes import address, rules
from tests.conftest import make_app, make_settings, prepare

ALL: dict[str, str | None] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Strict-Transport-Security": "max-age=31536000",
}
PAGE: dict[str, str | None] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
FILE: dict[str, str | None] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}
SHUT: dict[str, str | None] = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
CLASSES: dict[str, dict[str, str | None]] = {
    "public": ALL | PAGE | {"Referrer-Policy": "same-origin", "X-Robots-Tag": None},
    "confidential": ALL | PAGE | SHUT | {"Referrer-Policy": "no-referrer"},
    "staff": ALL | PAGE | SHUT | {"Referrer-Policy": "same-origin"},
    "download": ALL | FILE | SHUT,
    "program": ALL | FILE | {"Cross-Origin-Resource-Policy": "cross-origin"},
    "feed": ALL | FILE,
    "static": {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": FILE["Content-Security-Policy"],
        "Cache-Control": "max-age=315360000, public, immutable",
    },
    "failure": ALL | PAGE | {"Referrer-Policy": "same-origin", "Cache-Control": "no-store"},
}
EXAMPLES = {
    "/": "public",
    "/decisions": "public",
    "/search?q=%E7%BD%9A%E6%AC%BE": "public",
    "/nothing-here": "public",
    "/complaints/new": "confidential",
    "/complaints/track": "confidential",
    "/complaints/nothing-here": "confidential",
    "/r/x": "confidential",
    "/sandbox/phone": "confidential",
    "/staff/": "staff",
    "/staff/sign-in": "staff",
    "/staff/nothing-here": "staff",
    "/exports/decisions.csv": "download",
    "/exports/decisions.xlsx": "download",
    "/api/v1/decisions": "program",
    "/api/v1/nothing-here": "program",
    "/feeds/decisions.atom": "feed",
    "/robots.txt": "feed",
    "/sitemap.xml": "feed",
    "/fail/410": "public",
    "/fail/400": "failure",
    "/fail/413": "failure",
    "/fail/429": "failure",
    "/fail/500": "failure",
    "/staff-fail/500": "staff",
}


@pytest.fixture(scope="module")
def safe_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """One application behind TLS, which also fails on request."""
    folder: Path = tmp_path_factory.mktemp("headers")
    settings = make_settings(folder, f"sqlite:///{folder / 'portal.db'}", public_url="https://portal.test")
    prepare(settings)
    app = make_app(settings)
    app.test_client_class = FlaskClient

    def fail(status: int) -> str:
        if status == 500:
            raise RuntimeError
        if status == 429:
            raise TooMany("", retry_at=clock.now())
        if status == 410:
            raise Gone("")
        abort(status)

    app.add_url_rule("/fail/<int:status>", "fail", fail)
    app.add_url_rule("/staff-fail/<int:status>", "staff_fail", fail)
    return app


def assert_has(answer: TestResponse, wanted: dict[str, str | None], what: str) -> None:
    """Compare the headers of an answer; each stands there once."""
    for name, value in wanted.items():
        assert answer.headers.getlist(name) == ([] if value is None else [value]), f"{what}: {name}"


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_answer_has_the_headers_of_its_class(safe_app: Flask, path: str) -> None:
    assert_has(safe_app.test_client().get(path, buffered=True), CLASSES[EXAMPLES[path]], path)


@pytest.mark.parametrize("name", ["css/base.css", "js/live.js", "icon.svg"])
def test_static_files(safe_app: Flask, name: str) -> None:
    assert_has(safe_app.test_client().get(static_url(name), buffered=True), CLASSES["static"], name)


def test_every_route_belongs_to_a_class(safe_app: Flask) -> None:
    client = safe_app.test_client()
    for rule in rules(safe_app):
        if "GET" not in (rule.methods or ()):
            continue
        path = address(safe_app, rule)
        answer = client.get(path, buffered=True)
        html = answer.mimetype == "text/html" and "Content-Disposition" not in answer.headers
        wanted = ALL | (PAGE if html else FILE)
        if path.startswith("/api/"):
            wanted |= CLASSES["program"]
        if path.startswith(("/staff", "/complaints/", "/r/", "/me/", "/sandbox/")):
            wanted |= SHUT
        if path.startswith(("/complaints/", "/r/", "/me/", "/sandbox/")):
            wanted |= {"Referrer-Policy": "no-referrer"}
        assert_has(answer, wanted, rule.rule)


def test_what_staff_download_is_shut_off_from_everything() -> None:
    given: list[tuple[str, str]] = []
    own = [("Content-Type", "text/html"), ("Content-Disposition", "attachment"), ("Cache-Control", "max-age=60")]

    def app(_environ: object, start: Callable[..., object]) -> list[bytes]:
        start("200 OK", own)
        return []

    Headers(app, secure=True)({"PATH_INFO": "/staff/files/1"}, lambda _status, headers: given.extend(headers))
    wanted = ALL | FILE | SHUT
    assert {name: value for name, value in given if name in wanted} == wanted
    assert sorted(name for name, _value in given) == sorted({name for name, _value in given})


def test_answers_to_what_is_sent_are_shut_too(safe_app: Flask) -> None:
    client = safe_app.test_client()
    assert_has(client.post("/staff/sign-in", data={}), CLASSES["staff"], "sign-in")
    assert_has(client.post("/complaints/track", data={}), CLASSES["confidential"], "track")
    assert_has(client.delete("/decisions"), CLASSES["failure"], "405")


def test_without_tls_nobody_is_told_to_use_it(safe_app: Flask, tmp_path: Path) -> None:
    app = make_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}"))
    app.test_client_class = FlaskClient
    assert "Strict-Transport-Security" not in app.test_client().get("/robots.txt").headers


@pytest.fixture
def leaving(sign_in: Callable[..., FlaskClient]) -> Iterator[FlaskClient]:
    """Somebody who is about to sign out."""
    yield sign_in(Role.SUPERVISOR)


def test_signing_out_leaves_nothing_in_the_browser(leaving: FlaskClient) -> None:
    answer = leaving.post("/staff/sign-out")
    # Not the cookies: those of all sites under the same registered name would go.
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in leaving.get("/staff/sign-in").headers
