"""Every page of the staff side that needs no record, in both languages, on a phone and on a desk."""

from collections.abc import Callable

import pytest

from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.visitor import DESK, NARROW, PHONE, Visitor

PAGES = [
    "/staff/", "/staff/permits/", "/staff/calls/", "/staff/permits/import", "/staff/complaints/",
    "/staff/complaints/1", "/staff/intakes/new", "/staff/replies/", "/staff/replies/templates/1",
    "/staff/decisions/", "/staff/decisions/late", "/staff/decisions/new?kind=permit",
    "/staff/messages/", "/staff/messages/replies", "/staff/revisits/",
    "/staff/wordings/", "/staff/wordings/permit_soon/en", "/staff/wordings/risk_notice/zh_Hans/tencent",
    "/staff/risk-periods/", "/staff/risk-periods/batches/1", "/staff/organs/", "/staff/organs/3",
    "/staff/organs/recognitions/new", "/staff/officers/cards?organ=2", "/staff/officers/14", "/staff/powers/9",
    "/staff/bases/", "/staff/bases/1", "/staff/discretion/1", "/staff/discretion/1/tiers/1",
    "/staff/procedures/penalty-ordinary", "/staff/procedures/penalty-ordinary/steps/new", "/staff/account",
    "/staff/account/second-factor", "/staff/complaints/digest", "/staff/case-types/", "/staff/case-types/report",
]  # fmt: skip
# Each language, width, mode and colour once: frame and parts are those of the public pages, seen there in pairs.
LOOKS: list[dict[str, object]] = [
    {"locale": "zh_Hans", "width": DESK}, {"locale": "en", "width": PHONE, "dark": True},
    {"locale": "zh_Hans", "width": NARROW, "mode": "elder"},
]  # fmt: skip


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(str(value) for value in look.values()))
def test_staff_pages_are_accessible_and_fit(
    visit: Callable[..., Visitor], portal: Portal, look: dict[str, object]
) -> None:
    visitor = visit(**look)
    visitor.page.goto("/staff/sign-in")
    visitor.page.locator("#email").fill("supervisor@example.test")
    visitor.page.locator("#password").fill(portal.password)
    visitor.page.locator("main button").click()
    for path in PAGES:
        visitor.go(path)


def test_signing_out_closes_the_door(visit: Callable[..., Visitor], portal: Portal) -> None:
    desk = Desk(visit(locale="en", width=DESK), "clerk@example.test", portal.password)
    desk.visitor.press("Sign out")
    desk.visitor.look_over("staff-signed-out")
    desk.page.goto("/staff/complaints/")
    assert "/staff/sign-in" in desk.page.url
