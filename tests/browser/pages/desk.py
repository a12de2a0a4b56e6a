"""The staff side, in the words of its pages (English)."""

from pathlib import Path

from tests.browser.visitor import Visitor


class Desk:
    """Somebody of the demo's staff, signed in."""

    def __init__(self, visitor: Visitor, email: str, password: str) -> None:
        self.visitor = visitor
        self.page = visitor.go("/staff/").page
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        visitor.press("Sign in")
        visitor.look_over("staff-overview")

    def answer_complaint(self, number: str, text: str) -> None:
        self.visitor.go(f"/staff/complaints/?view=all&q={number}")
        self.visitor.follow(number)
        self.visitor.look_over("staff-complaint")
        self.visitor.press("Accept the complaint")
        self.page.locator("#answer").fill(text)
        self.visitor.press("Preview the answer")
        self.visitor.look_over("staff-complaint-preview")
        self.visitor.press("Send to complainant")
        self.visitor.look_over("staff-complaint-answered")

    def import_permits(self, file: Path) -> None:
        self.visitor.go("/staff/permits/import")
        self.page.get_by_label("Spreadsheet").set_input_files(file)
        self.page.locator("main form button").first.click()
        self.visitor.look_over("staff-permits-preview")

    def find_permit(self, words: str) -> None:
        self.visitor.go(f"/staff/permits/?q={words}")
        self.page.locator("main td a, main th a").first.click()
        self.visitor.look_over("staff-permit")
