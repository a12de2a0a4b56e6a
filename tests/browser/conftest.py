"""One Chromium and one running portal for all browser tests; a fresh visitor for each.

Both end with this folder's last test: an open Playwright holds an event loop, in which nothing else can start one.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.machine import NoBrowser, Portal, find_chromium, running_portal
from tests.browser.visitor import Visitor
from tests.conftest import MISSING


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A Chromium; where none can be had the tests are named, and fail in CI."""
    try:
        program = find_chromium()
    except NoBrowser as problem:
        MISSING.append(f"browser tests: {problem}")
        if os.environ.get("CI"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work as root, nor in most containers.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=[*options, "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A running portal with the demo's data."""
    with running_portal(tmp_path_factory.mktemp("portal") / "data") as running:
        yield running


@pytest.fixture
def visit(chromium: Browser, portal: Portal) -> Iterator[Callable[..., Visitor]]:
    """Return who opens browsers: `visit(locale="en", width=1280)`."""
    visitors: list[Visitor] = []

    def arrive(**wishes: object) -> Visitor:
        visitors.append(Visitor(chromium, portal.address, **wishes))  # type: ignore[arg-type]
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.leave()
