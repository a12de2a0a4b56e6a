"""The demo's phones: what the sandbox sent, and answering it."""

from tests.browser.visitor import Visitor


class Phones:
    """The page that looks like the phones of the demo's people."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page = visitor.go("/sandbox/phone").page

    def take(self, ending: str) -> "Phones":
        """Take the phone whose number ends so into the hand, on whichever page of the list it lies."""
        while not self.page.locator(".views a", has_text=ending).count():
            self.page.get_by_role("link", name="Next page").click()
        self.page.locator(".views a", has_text=ending).first.click()
        self.visitor.look_over("phone")
        return self

    def last_text(self) -> str:
        return self.page.locator(".thread .bubble").last.inner_text()

    def answer(self, text: str) -> "Phones":
        self.page.get_by_label("Reply").fill(text)
        self.visitor.press("Send")
        self.visitor.look_over("phone-answered")
        return self

    def follow_link(self) -> None:
        """Open the link in the last text that holds one."""
        self.page.locator(".thread a[href*='/r/']").last.click()
        self.visitor.look_over("one-time-link")
