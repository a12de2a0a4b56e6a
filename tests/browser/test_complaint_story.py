"""A citizen files a complaint with a photo, follows it, reads the answer and rates it."""

from collections.abc import Callable
from pathlib import Path

from tests.browser.machine import Portal
from tests.browser.pages.complaint import Filing, Tracking
from tests.browser.pages.desk import Desk
from tests.browser.pages.phones import Phones
from tests.browser.visitor import DESK, Visitor
from tests.factories.complaints import picture

PHONE = "15400009301"


def test_from_filing_to_rating(visit: Callable[..., Visitor], portal: Portal, tmp_path: Path) -> None:
    photo = tmp_path / "shop.jpg"
    photo.write_bytes(picture())
    citizen = visit(locale="en")
    filing = Filing(citizen)
    filing.say_what("Complain about how officials acted", "Rude or unfair treatment").say_who(3)
    filing.say_what_happened("They shouted in my shop and showed no card.", photo)
    receipt = filing.give_name("虚构人", PHONE).submit()
    assert receipt.number.startswith("TS")
    assert len(receipt.code.replace("-", "")) == 12
    assert filing.count_sheets() == 1
    citizen.press("I have saved it, show progress")
    citizen.look_over("complaint-progress")
    assert citizen.reads("Submitted")

    desk = Desk(visit(locale="en", width=DESK), "supervisor@example.test", portal.password)
    second = Desk(visit(locale="en", width=DESK), "admin@example.test", portal.password)
    desk.write_answer(receipt.number, "We have spoken with the officers, who apologise.", "管理员（虚构）")
    second.approve_answer(receipt.number)
    desk.send_answer(receipt.number)
    portal.flask("notify", "dispatch")

    phone = Phones(visit(locale="en")).take(PHONE[-4:])
    assert "孟州执法" in phone.last_text()
    assert receipt.code not in phone.page.content()

    later = Tracking(visit(locale="en")).look_up(receipt)
    assert later.visitor.reads("who apologise")
    later.rate("Very satisfied")
    assert later.visitor.reads("Your rating: Very satisfied")
    later.reopen("It happened again the week after.")
    assert later.visitor.reads("It happened again the week after.")
    assert later.visitor.reads("The answer is due by")


def test_a_wrong_code_is_refused_in_plain_words(visit: Callable[..., Visitor]) -> None:
    citizen = visit(locale="en").go("/complaints/track")
    citizen.page.locator("#number").fill("TS202611220001")
    citizen.page.locator("#code").fill("AAAA-AAAA-AAAA")
    citizen.press("Look up")
    citizen.look_over("complaint-wrong-code")
    assert citizen.reads("The number or code is not right")


def test_switching_language_keeps_what_was_typed(visit: Callable[..., Visitor]) -> None:
    filing = Filing(visit(locale="en"))
    filing.say_what("Report a breach of the law", "Something else").say_who(1)
    filing.page.get_by_label("What happened?").fill("Smoke from the yard every night.")
    filing.page.get_by_role("button", name="简体中文").click()
    assert filing.page.locator("html").get_attribute("lang") == "zh-Hans"
    assert filing.page.locator("#facts").input_value() == "Smoke from the yard every night."
