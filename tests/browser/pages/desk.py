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

    def open_complaint(self, number: str) -> None:
        self.visitor.go(f"/staff/complaints/?view=all&q={number}")
        self.page.locator("main td a", has_text=number).first.click()

    def write_answer(self, number: str, text: str, reader: str) -> None:
        self.open_complaint(number)
        self.visitor.look_over("staff-complaint")
        self.visitor.press("Accept the complaint")
        self.page.locator("#reply").fill(text)
        self.page.locator("#finding").select_option(label="Founded")
        self.page.locator("#reviewer").select_option(label=reader)
        self.visitor.press("Hand over for review")
        self.visitor.look_over("staff-complaint-handed-over")

    def approve_answer(self, number: str) -> None:
        self.visitor.go("/staff/replies/")
        self.visitor.look_over("staff-replies")
        self.visitor.follow(number)
        self.visitor.press("Approve the draft")

    def send_answer(self, number: str) -> None:
        self.open_complaint(number)
        self.visitor.follow("Preview and send")
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
