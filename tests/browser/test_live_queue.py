"""The queue page keeps itself up to date where scripts run, and says how to do so where they do not."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.visitor import DESK, Visitor

STAMP = "document.querySelector('[data-live] [data-summary]').textContent = 'old'"


def test_the_queue_keeps_itself_up_to_date(visit: Callable[..., Visitor], portal: Portal) -> None:
    desk = Desk(visit(locale="en", width=DESK), "supervisor@example.test", portal.password)
    page = desk.visitor.page
    desk.visitor.go("/staff/messages/")
    assert page.locator("[data-live-bar]").is_hidden()
    assert page.get_by_role("link", name="Show how it stands now").count() == 1
    desk.visitor.allow_scripts(True)
    page.goto("/staff/messages/")
    page.evaluate(STAMP)
    expect(page.locator("[data-summary]")).to_contain_text("due", timeout=8000)
    assert "due" in page.locator("[data-live-status]").inner_text()
    page.get_by_role("button", name="Pause").click()
    page.evaluate(STAMP)
    page.wait_for_timeout(6000)
    assert page.locator("[data-summary]").inner_text() == "old"
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-summary]")).to_contain_text("due", timeout=8000)
