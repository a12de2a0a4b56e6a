"""Filing a complaint and following it, in the citizen's words (English)."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.browser.visitor import Visitor


@dataclass(frozen=True)
class Receipt:
    """What a citizen takes away."""

    number: str
    code: str


class Filing:
    """The five pages of a complaint."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page = visitor.go("/complaints/new").page

    def next(self) -> None:
        self.visitor.press("Continue")
        self.visitor.look_over("complaint-" + self.step())

    def step(self) -> str:
        return self.page.locator("input[name=page]").get_attribute("value") or ""

    def say_what(self, kind: str, category: str) -> "Filing":
        self.page.get_by_label(kind).check()
        self.page.get_by_label("What is it about?").select_option(label=category)
        self.next()
        return self

    def say_who(self, number: int) -> "Filing":
        self.page.get_by_label("Organ", exact=True).select_option(index=number)
        self.next()
        return self

    def say_what_happened(self, facts: str, photo: Path) -> "Filing":
        self.page.get_by_label("What happened?").fill(facts)
        self.page.get_by_label("Photos or documents").set_input_files(photo)
        self.next()
        return self

    def give_name(self, name: str, phone: str) -> "Filing":
        self.page.get_by_label("Yes, with name").check()
        self.page.locator("#name").fill(name)
        self.page.locator("#phone").fill(phone)
        self.page.get_by_label("Text me when something happens").check()
        self.next()
        return self

    def submit(self) -> Receipt:
        self.visitor.press("Submit complaint")
        self.visitor.look_over("complaint-receipt")
        number, code = (self.page.locator(mark).inner_text() for mark in ("#number", "#code"))
        return Receipt(number, code)

    def count_sheets(self) -> int:
        """Return on how many A4 sheets the open page prints."""
        (count,) = re.findall(rb"/Count (\d+)", self.page.pdf(format="A4", prefer_css_page_size=True))
        return int(count)


class Tracking:
    """Looking a complaint up, and what can be done then."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page = visitor.go("/complaints/track").page

    def look_up(self, receipt: Receipt) -> "Tracking":
        self.page.locator("#number").fill(receipt.number)
        self.page.locator("#code").fill(receipt.code)
        self.visitor.press("Look up")
        self.visitor.look_over("complaint-case")
        return self

    def reopen(self, reason: str) -> "Tracking":
        self.page.get_by_label("Why is the answer not enough?").fill(reason)
        self.visitor.press("Open the case again")
        self.visitor.look_over("complaint-reopened")
        return self

    def rate(self, grade: str) -> "Tracking":
        self.page.get_by_label(grade, exact=True).check()
        self.page.get_by_label("Yes", exact=True).check()
        self.visitor.press("Send rating")
        self.visitor.look_over("complaint-rated")
        return self
