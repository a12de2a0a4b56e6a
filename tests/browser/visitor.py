"""A person at a browser: goes to pages, and every page seen is judged and photographed.

Scripts stay off, because nothing may need them; they are allowed only while axe-core looks at a page.
"""

import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response

from portal.settings import ROOT

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
SCREENSHOTS = ROOT / "var" / "screenshots"
PHONE, DESK, NARROW = 390, 1280, 320
axe = Axe()


class Visitor:
    """Somebody with a screen of some width who reads a language."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        *,
        locale: str = "zh_Hans",
        width: int = PHONE,
        mode: str = "standard",
        dark: bool = False,
    ) -> None:
        self.address = address
        self.locale = locale
        self.width = width
        self.look = "-".join(filter(None, [locale, str(width), mode if mode != "standard" else "", "dark" * dark]))
        self.context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme="dark" if dark else "light",
            base_url=address,
        )
        kept = [{"name": "mode", "value": mode}]
        if locale != "zh_Hans":
            kept.append({"name": "lang", "value": locale})
        self.context.add_cookies([{**cookie, "url": address} for cookie in kept])  # type: ignore[typeddict-item]
        self.context.set_default_timeout(8000)
        self.page: Page = self.context.new_page()
        self.control = self.context.new_cdp_session(self.page)
        self.allow_scripts(False)

    def allow_scripts(self, allowed: bool) -> None:
        """Switch scripts on or off in the open page and the pages after it."""
        self.control.send("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    def go(self, path: str, *, name: str = "", expect: int = 200) -> "Visitor":
        """Open a page and look it over."""
        answer = self.page.goto(path)
        assert isinstance(answer, Response)
        assert answer.status == expect, f"{path} answered {answer.status}"
        self.look_over(name or path)
        return self

    def look_over(self, name: str) -> None:
        """Photograph the page; fail on anything axe-core finds, on sideways scroll, and on a page without a heading."""
        self.photograph(name)
        assert self.page.locator("h1").count() == 1, f"{name}: exactly one heading of the first rank"
        self.allow_scripts(True)
        try:
            width = self.page.evaluate("document.documentElement.scrollWidth")
            found = axe.run(self.page, options=RULES)
        finally:
            self.allow_scripts(False)
        assert width <= self.width, f"{name} is {width} px wide on a screen of {self.width}"
        assert found.violations_count == 0, f"{name} ({self.look})\n{found.generate_report()}"

    def photograph(self, name: str) -> Path:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "home"
        target = SCREENSHOTS / f"{plain}.{self.look}.png"
        self.page.screenshot(path=target, full_page=True)
        return target

    def press(self, words: str) -> None:
        """Press the button with these words."""
        self.page.get_by_role("button", name=words, exact=True).click()

    def follow(self, words: str) -> None:
        """Follow the first link with these words."""
        self.page.get_by_role("link", name=words).first.click()

    def reads(self, words: str) -> bool:
        """Whether the page says these words."""
        return words in self.page.locator("body").inner_text()

    def leave(self) -> None:
        """Close the browser's window."""
        self.context.close()
