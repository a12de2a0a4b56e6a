"""What people type into the cells of a spreadsheet, read forgivingly, and what they get in cells. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

from portal.patterns import later

# Excel counts days from here; it believes that 1900 was a leap year, so this holds from March 1900 on.
EXCEL_EPOCH = date(1899, 12, 30)
FIRST_SERIAL, LAST_SERIAL = 20_000, 80_000  # 1954 to 2119
YEAR, MONTH, DAY = "\u5e74", "\u6708", "\u65e5"  # the words for year, month and day
TIME = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?"
DAY_WRITTEN = re.compile(
    rf"(\d{{4}})\s*[-/.{YEAR}]\s*(\d{{1,2}})\s*[-/.{MONTH}]\s*(\d{{1,2}})\s*{DAY}?{TIME}",
)
DAY_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
# Marks that say a column must be filled, and what stands between words of a heading.
DECORATION = re.compile(r"[\s*:_\-()\[\]{}<>\u3010\u3011\u3014\u3015\u300a\u300b\u300c\u300d\u3001,.;/\\'\"`]+")
# The words for "to be filled", "may be filled" and "optional" in brackets behind a heading.
TO_FILL = re.compile(r"[(\[\u3010]\s*(?:\u5fc5\u586b|\u9009\u586b|\u53ef\u9009)\u9879?\s*[)\]\u3011]")


# A cell that begins with one of these can run as a formula, in full width as well; so can one after a blank.
FORMULA = later(r"^[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|^[\t\r\n]")


def cell(text: str) -> str:
    """Return a text that a spreadsheet program shows as it is instead of running it."""
    return f"'{text}" if FORMULA.match(text) else text


def tidy(text: str) -> str:
    """Return a cell's text in ordinary width without the space around it, line breaks as spaces."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().lstrip("'").strip()


def clean(text: str) -> str:
    """Return a cell's text as written, without the space around it and without invisible characters."""
    if text.isprintable():
        return text.strip()
    visible = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf") or letter == "\n")
    return visible.replace("\u00a0", " ").strip()


def fold(heading: str) -> str:
    """Return a heading so that its dirty forms become equal: width, case, brackets, spaces and marks gone."""
    return DECORATION.sub("", TO_FILL.sub("", unicodedata.normalize("NFKC", clean(heading)))).lower()


def read_day(text: str) -> date | None:
    """Return the day that a text names, or None when it names none.

    Knows 2026-01-05, 2026/1/5, 2026.1.5, 20260105, the Chinese form, a time behind them, and Excel's own count of days.
    """
    written = tidy(text)
    match = DAY_WRITTEN.fullmatch(written) or DAY_COMPACT.fullmatch(written)
    if match:
        year, month, day = (int(part) for part in match.groups())
        try:
            return date(year, month, day)
        except ValueError:
            return None
    serial = SERIAL.fullmatch(written)
    if serial and FIRST_SERIAL <= int(serial[1]) <= LAST_SERIAL:
        return EXCEL_EPOCH + timedelta(days=int(serial[1]))
    return None


def find_word(text: str, words: Mapping[str, str]) -> str | None:
    """Return what a word means, looked up in its folded form."""
    return words.get(fold(text))
