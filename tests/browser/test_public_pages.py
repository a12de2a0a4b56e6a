"""Every public page, in both languages, on a phone and on a desk, narrow, large and dark."""

from collections.abc import Callable

import pytest

from tests.browser.visitor import DESK, NARROW, PHONE, Visitor

PAGES = [
    "/", "/bases", "/procedures", "/decisions", "/decisions/figures", "/open-data", "/organs", "/officers/check",
    "/search", "/complaints/new", "/powers", "/powers/JT-02-001?on=2023-01-01", "/organs/urban", "/organs/recognitions",
    "/complaints/track", "/sandbox/phone", "/transparency", "/accessibility", "/privacy", "/sitemap", "/staff/sign-in",
]  # fmt: skip
# Every pair of language, width, mode and colour is met in one of these.
LOOKS: list[dict[str, object]] = [
    {"locale": "zh_Hans", "width": DESK}, {"locale": "zh_Hans", "width": PHONE, "mode": "elder", "dark": True},
    {"locale": "zh_Hans", "width": NARROW, "mode": "elder"},
    {"locale": "en", "width": DESK, "mode": "elder", "dark": True},
    {"locale": "en", "width": PHONE}, {"locale": "en", "width": NARROW, "dark": True},
]  # fmt: skip
LISTS = [look for look in LOOKS if look["width"] in (PHONE, DESK) and "mode" not in look]


def describe(look: dict[str, object]) -> str:
    return "-".join(str(value) for value in look.values())


@pytest.mark.parametrize("look", LOOKS, ids=describe)
def test_public_pages_are_accessible_and_fit(visit: Callable[..., Visitor], look: dict[str, object]) -> None:
    visitor = visit(**look)
    for path in PAGES:
        visitor.go(path)
    visitor.go("/nothing-here", expect=404)


@pytest.mark.parametrize("look", LISTS, ids=describe)
def test_records_are_reached_from_their_lists(visit: Callable[..., Visitor], look: dict[str, object]) -> None:
    visitor = visit(**look)
    for feature in ("bases", "procedures", "decisions", "organs"):
        visitor.go(f"/{feature}")
        record = visitor.page.locator(f"main a[href^='/{feature}/']").first
        record.click()
        visitor.look_over(f"{feature}-record")


def test_switching_language_stays_on_the_page(visit: Callable[..., Visitor]) -> None:
    visitor = visit().go("/decisions?page=1")
    visitor.follow("English")
    assert visitor.page.url.endswith("/decisions?page=1&lang=en")
    assert visitor.page.locator("html").get_attribute("lang") == "en"
    visitor.go("/bases")
    assert visitor.page.locator("html").get_attribute("lang") == "en"
    visitor.follow("简体中文")
    assert "/bases" in visitor.page.url
    assert visitor.page.locator("html").get_attribute("lang") == "zh-Hans"


def test_large_letters_are_kept(visit: Callable[..., Visitor]) -> None:
    visitor = visit(locale="en").go("/")
    visitor.follow("Large letters")
    visitor.go("/decisions")
    assert visitor.page.locator("html").get_attribute("data-mode") == "elder"


def test_the_keyboard_reaches_the_content_first(visit: Callable[..., Visitor]) -> None:
    visitor = visit(locale="en", width=DESK).go("/")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.locator(":focus").inner_text() == "Skip to content"
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/#main")
