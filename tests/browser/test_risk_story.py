"""Texts about a high-risk period: a clerk hands them over, a reviewer approves them, and both see how far they come."""

import re
from collections.abc import Callable

from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.visitor import DESK, PHONE, Visitor


def test_a_batch_goes_from_clerk_to_reviewer_to_phones(visit: Callable[..., Visitor], portal: Portal) -> None:
    clerk = Desk(visit(locale="en", width=DESK), "clerk@example.test", portal.password)
    clerk.visitor.go("/staff/risk-periods/", name="staff-risk-year")
    clerk.page.locator("tr", has_text="Prepared").get_by_role("link").first.click()
    clerk.visitor.look_over("staff-risk-prepared")
    batch = clerk.page.url.removeprefix(portal.address)
    clerk.visitor.press("Hand over for approval")
    clerk.visitor.look_over("staff-risk-handed-over")
    assert clerk.visitor.reads("somebody else has to decide")
    assert not clerk.visitor.reads("Approve these texts")

    reviewer = Desk(visit(locale="en", width=PHONE), "reviewer@example.test", portal.password)
    reviewer.visitor.go(f"{batch}?lang=zh_Hans", name="staff-risk-to-approve")
    send_on = re.search(r"(\d{4})年(\d{1,2})月(\d{1,2})日", reviewer.page.locator(".keys").first.inner_text())
    assert send_on is not None
    reviewer.page.locator("#urgent").check()
    reviewer.page.locator("form[action$=approve] button").click()
    reviewer.visitor.look_over("staff-risk-no-reason")
    assert reviewer.page.title().startswith("错误：")
    reviewer.page.locator("#urgent").uncheck()
    reviewer.page.locator("form[action$=approve] button").click()
    reviewer.visitor.look_over("staff-risk-approved")

    year, month, day = map(int, send_on.groups())
    assert portal.flask("notify", "plan", "--on", f"{year}-{month:02d}-{day:02d}")["planned"] > 0
    portal.flask("notify", "dispatch")
    reviewer.visitor.go(batch, name="staff-risk-sent")
    clerk.visitor.go(batch, name="staff-risk-sent")
    assert clerk.visitor.reads("Texts by state")
    assert clerk.visitor.reads("texts are in the outbox")


def test_a_period_is_changed(visit: Callable[..., Visitor], portal: Portal) -> None:
    desk = Desk(visit(locale="en", width=PHONE), "supervisor@example.test", portal.password)
    desk.visitor.go("/staff/risk-periods/new", name="staff-risk-new")
    desk.visitor.press("Save the period")
    desk.visitor.look_over("staff-risk-new-wrong")
    assert desk.page.title().startswith("Error:")
    desk.page.get_by_label("Name of the period").fill("庙会期")
    desk.page.get_by_label("Or the days of single years").fill("2031-03-01 2031-03-05")
    desk.visitor.press("Save the period")
    desk.visitor.look_over("staff-risk-period")
    assert desk.visitor.reads("庙会期")
    assert desk.visitor.reads("not entered yet")
