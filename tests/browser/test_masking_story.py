"""Before the review: original and public words side by side, without scripts, on a phone and on a desk."""

from collections.abc import Callable

import pytest

from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.visitor import DESK, PHONE, Visitor


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_draft_is_masked_by_hand_and_confirmed(visit: Callable[..., Visitor], portal: Portal, width: int) -> None:
    desk = Desk(visit(locale="en", width=width), "clerk@example.test", portal.password)
    page, visitor = desk.page, desk.visitor
    visitor.go("/staff/decisions/new")
    page.locator("#document_number").fill(f"虚监罚〔2026〕9{width}号")
    page.locator("#decided_on").fill("2026-11-02")
    page.locator("#title").fill("张虚构占道经营：罚款200元（虚构）")
    page.locator("#party_kind").select_option("person")
    page.locator("#party_name").fill("张虚构")
    page.locator("#facts").fill("张虚构驾驶豫H12345占道经营，证人王五证实，外号黑子的人在场。")
    page.locator("#content").fill("罚款200元")
    page.get_by_role("button", name="Save draft").last.click()
    visitor.follow("Check the masking")
    visitor.look_over("staff-masking-closed")
    assert not visitor.reads("豫H12345")
    visitor.press("Show the original")
    visitor.look_over("staff-masking-open")
    assert visitor.reads("王五")

    row = page.locator("tr", has_text="豫H12345").last
    row.locator("summary").click()
    row.locator("select").select_option("word")
    row.get_by_role("button").click()
    assert page.locator("#left").is_visible()
    page.get_by_label("Passage to hide").fill("黑子")
    visitor.press("Hide it everywhere")
    visitor.look_over("staff-masking-decided")
    assert visitor.reads("外号***")
    visitor.press("Confirm the masking")
    visitor.look_over("staff-masking-confirmed")
    assert visitor.reads("Masking confirmed")
    visitor.go("/staff/decision-masking/", name="staff-masking-queue")
