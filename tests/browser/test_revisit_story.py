"""A party is asked after an inspection, answers badly by the link, and staff have a follow-up to do."""

from collections.abc import Callable

from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.pages.phones import Phones
from tests.browser.visitor import DESK, Visitor


def open_links(phones: Phones) -> list[str]:
    """Return the addresses of the phones that hold a link, page after page."""
    found = []
    for link in phones.page.locator(".views a").all():
        found.append(str(link.get_attribute("href")))
    return found


def test_a_bad_grade_opens_a_follow_up(visit: Callable[..., Visitor], portal: Portal) -> None:
    portal.flask("notify", "plan")
    portal.flask("notify", "dispatch")
    portal.flask("notify", "collect")
    party = visit(locale="en")
    phones = Phones(party)
    for address in open_links(phones):
        party.page.goto(address)
        if party.page.locator(".thread a[href*='/r/']").count():
            phones.follow_link()
            if party.page.get_by_label("Very dissatisfied").count():
                break
    party.press("Send answer")
    party.look_over("revisit-nothing-chosen")
    assert party.page.title().startswith("Error:")
    party.page.get_by_label("Very dissatisfied").check()
    party.press("Send answer")
    party.look_over("revisit-thanks")
    assert party.reads("Thank you, received")

    desk = Desk(visit(locale="en", width=DESK), "supervisor@example.test", portal.password)
    desk.visitor.go("/staff/revisits/?view=due")
    desk.page.locator("main td a").first.click()
    desk.visitor.look_over("staff-revisit")
    assert desk.visitor.reads("Follow-up")
