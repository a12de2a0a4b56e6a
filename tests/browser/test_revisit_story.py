"""A party is asked after an inspection, answers badly by the link, and staff have a follow-up to do."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

from tests.browser.machine import Portal
from tests.browser.pages.desk import Desk
from tests.browser.pages.phones import Phones
from tests.browser.visitor import DESK, Visitor


def asked_last(portal: Portal) -> int:
    """Return the id of the contact that was asked last."""
    with closing(sqlite3.connect(portal.data_dir / "portal.db")) as database:
        query = "SELECT contact_id FROM message WHERE template = 'revisit' ORDER BY changed_at DESC, id DESC"
        return int(database.execute(query).fetchone()[0])


def test_a_bad_grade_opens_a_follow_up(visit: Callable[..., Visitor], portal: Portal) -> None:
    portal.flask("notify", "plan")
    portal.flask("notify", "dispatch")
    portal.flask("notify", "collect")
    party = visit(locale="en")
    phones = Phones(party)
    party.page.goto(f"/sandbox/phone?phone={asked_last(portal)}")
    phones.follow_link()
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
