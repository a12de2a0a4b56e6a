"""Texts are counted while they are typed, as the server counts them; without scripts a button does it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from portal.messages.rules import GSM_BASIC, GSM_EXTENDED, count_segments
from portal.wordings.rules import measure, read_body, write
from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.visitor import DESK, PHONE, Visitor

ADDRESS = "/staff/wordings/permit_soon/zh_Hans"
TEXTS = [
    "", "a" * 160, "a" * 161, "a" * 306, "a" * 307, "a" * 159 + "€", "a" * 158 + "€", "a" * 152 + "€" + "a" * 153,
    "字" * 70, "字" * 71, "字" * 134, "字" * 135, "字" * 68 + "𠮷", "字" * 69 + "𠮷", "字" * 66 + "𠮷" + "字" * 66,
    "𠮷" * 33 + "字", "𠮷" * 67, "【", "a" * 70 + "–",
    "".join(sorted(GSM_BASIC - {"\r"})), "".join(sorted(GSM_EXTENDED)),
]  # fmt: skip
BODIES = [
    "{a}还有{b}天", " {a} \n\n?  {b}\n三 ", "{a}\n? {b}\n" + "字" * 60, "{没有}{a}", "{a}{a}", "?{a}", "? \n?? {b}",
    "é{a}" * 20, "字" * 70 + "\n? 可省", "字" * 70 + "\n？可省", "{ a}{}",
]  # fmt: skip
VALUES = {"a": "食品许可", "b": "$&{a}"}


@pytest.fixture
def desk(visit: Callable[..., Visitor], portal: Portal) -> Iterator[Desk]:
    yield Desk(visit(locale="en", width=PHONE), "supervisor@example.test", portal.password)


def run(page: Page, call: str, *arguments: object) -> object:
    """Call a function of the counter in the browser."""
    script = f"async ([url, given]) => (await import(url)).{call}(...given)"
    url = page.locator("script[type=module]").get_attribute("src")
    return page.evaluate(script, [url, list(arguments)])


def test_the_browser_counts_and_fills_as_the_server_does(desk: Desk) -> None:
    desk.visitor.go(ADDRESS)
    desk.visitor.allow_scripts(True)
    for text in TEXTS:
        length, single = measure(text)
        expected = {"length": length, "segments": count_segments(text), "over": max(0, length - single)}
        assert run(desk.page, "count", text) == expected, text
    for body in BODIES:
        for locale, join in (("zh_Hans", ""), ("en", " ")):
            pieces = read_body(body, locale)
            unknown = {name: f"{{{name}}}" for name in pieces.whole[1::2]}
            expected_text = write(pieces, unknown | VALUES, "【孟州执法】")[0]
            assert run(desk.page, "write", body, VALUES, join, "【孟州执法】") == expected_text, body


def test_the_count_follows_what_is_typed(desk: Desk) -> None:
    desk.visitor.allow_scripts(True)
    desk.page.goto(ADDRESS)
    area = desk.page.locator("#body")
    shown = desk.page.locator("[data-text]").inner_text()
    assert shown.startswith("【孟州执法】您的食品许可还有3天")
    assert desk.page.get_by_text("The text fits one segment.").is_visible()
    area.fill("{permit}{day}，剩{days}天，" + "字" * 60 + "\n? 可省\n已办回1，回电回2，退订回T")
    over = desk.page.locator("[data-over]")
    assert over.is_visible()
    assert "可省" not in desk.page.locator("[data-text]").inner_text()
    typed = [desk.page.locator(f"[data-counted={name}]").inner_text() for name in ("usual", "long")]
    extra = over.locator("strong").inner_text()
    desk.visitor.allow_scripts(False)
    desk.visitor.press("Preview")
    desk.visitor.look_over("staff-wording-preview")
    counted = [desk.page.locator(f"[data-counted={name}]").inner_text() for name in ("usual", "long")]
    assert counted == typed
    assert desk.page.locator("[data-over] strong").inner_text() == extra


def test_a_text_is_worded_and_its_approval_kept_without_scripts(visit: Callable[..., Visitor], portal: Portal) -> None:
    desk = Desk(visit(locale="en", width=DESK), "supervisor@example.test", portal.password)
    desk.visitor.go("/staff/messages/")
    desk.visitor.follow("Texts of messages")
    desk.visitor.look_over("staff-wordings")
    desk.visitor.follow("Change Renewal, on the last day, English")
    desk.page.locator("#body").fill("")
    desk.visitor.press("Save")
    desk.visitor.look_over("staff-wording-wrong")
    assert desk.visitor.reads("Write the text")
    desk.page.locator("#body").fill("{permit} permit: renew today! 1 done 2 call T stop")
    desk.visitor.press("Save")
    desk.visitor.look_over("staff-wording-own")
    assert desk.visitor.reads("These are our own words")
    desk.visitor.follow("Alibaba Cloud")
    desk.visitor.look_over("staff-wording-template")
    desk.page.get_by_label("Approved").check()
    desk.page.get_by_label("Template number").fill("SMS_1001")
    desk.page.get_by_label("Day of the decision").fill("2026-01-05")
    desk.visitor.press("Save")
    desk.visitor.look_over("staff-wording-approved")
    assert desk.visitor.reads("What is approved cannot change.")
    desk.visitor.go("/staff/wordings/permit_last_day/en")
    desk.visitor.press("Back to the shipped text")
    assert desk.visitor.reads("this provider sends the approved one")
