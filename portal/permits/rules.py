"""Last days to apply, the days to remind of them, and what the rows of an import say.

Pure: windows, days, words and the calendar are handed in.

How a last day is found. The law says "apply N units before expiry"; the last day is expiry minus N units.
Working days are counted back one by one. Calendar days and months are counted back, and when that day is off the
working day before it is taken: counters are closed, and no law read here moves such a day later for the applicant.
So a day shown is never later than the law allows. The 30 days of administrative licensing law art. 50 are read as
calendar days: art. 82 makes only the periods of the organs working days.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.calendar.rules import DAY, Result, WorkingCalendar, months_before
from portal.cells import find_word, fold, read_day, tidy
from portal.contacts.rules import BadPhone, normalise_phone
from portal.imports.rules import Row
from portal.parties.rules import guess_kind, normalise_credit_code

DEFAULT_OFFSETS = (30, 7, 3)
OPENS = "opens"
# Dual publication writes this day where a permit has no end.
NO_END = date(2099, 12, 31)


@dataclass(frozen=True)
class Occurrence:
    """A day on which a reminder is due; `label` is `opens` or the number of days before the last day."""

    on: date
    label: str


@dataclass(frozen=True)
class Window:
    """A renewal window as the law gives it; units are `day`, `working_day` and `month`."""

    id: int
    opens: int | None
    opens_unit: str | None
    closes: int
    closes_unit: str
    in_force_from: date | None
    in_force_to: date | None


@dataclass(frozen=True)
class Clock:
    """What follows from expiry and a window; `certain` is false when a year is not yet announced."""

    opens_on: date | None
    last_apply_on: date
    certain: bool
    window_id: int | None


def occurrences(opens_on: date | None, last_apply_on: date, offsets: Sequence[int]) -> list[Occurrence]:
    """Return the days to remind, earliest first.

    A day before the window opens is left out: the reminder at its opening covers it.
    """
    days = {last_apply_on - timedelta(days=offset): str(offset) for offset in offsets if offset >= 0}
    if opens_on is not None:
        days = {on: label for on, label in days.items() if on > opens_on}
        days[opens_on] = OPENS
    return [Occurrence(on, label) for on, label in sorted(days.items())]


def next_reminder(due: Sequence[Occurrence], *, after: date | None = None) -> date | None:
    """Return the first day to remind after a day, or the first of all; None when nothing is left."""
    return next((item.on for item in due if after is None or item.on > after), None)


def count_back(expiry: date, count: int, unit: str, calendar: WorkingCalendar, *, opening: bool = False) -> Result:
    """Return the day `count` units before expiry.

    When it falls on a day off, the last day is the working day before, never later than the law allows; an opening
    is the working day after, never earlier.
    """
    if unit == "working_day":
        return calendar.add_working_days(expiry, -count)
    day = months_before(expiry, count) if unit == "month" else expiry - timedelta(days=count)
    if opening:
        return calendar.on_or_after(day)
    first = day
    while not calendar.is_working_day(day):
        day -= DAY
    return Result(day, calendar.certain(first, day))


def find_clock(expiry: date, windows: Iterable[Window], calendar: WorkingCalendar) -> Clock:
    """Return the window that is in force on the last day it gives, the newest if several, and its days.

    A permit without end, or of a type without window, has nothing to apply for before its last day.
    """
    if expiry < NO_END:
        for window in sorted(windows, key=lambda item: item.in_force_from or date.min, reverse=True):
            closes = count_back(expiry, window.closes, window.closes_unit, calendar)
            if (window.in_force_from or date.min) <= closes.day <= (window.in_force_to or date.max):
                return _clock(expiry, window, closes, calendar)
    return Clock(None, expiry, True, None)


def _clock(expiry: date, window: Window, closes: Result, calendar: WorkingCalendar) -> Clock:
    if window.opens is None or window.opens_unit is None:
        return Clock(None, closes.day, closes.certain, window.id)
    opens = count_back(expiry, window.opens, window.opens_unit, calendar, opening=True)
    return Clock(opens.day, closes.day, closes.certain and opens.certain, window.id)


def first_reminder(expiry: date, clock: Clock, offsets: Sequence[int]) -> date | None:
    """Return the day of a permit's first reminder; None for a permit without end."""
    if expiry >= NO_END:
        return None
    return next_reminder(occurrences(clock.opens_on, clock.last_apply_on, offsets))


class Problem(StrEnum):
    """What can be wrong with a row of a spreadsheet; phones have problems of their own."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    BAD_DAY = "bad_day"
    ENDS_BEFORE_START = "ends_before_start"
    BAD_CREDIT_CODE = "bad_credit_code"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_TYPE = "unknown_type"
    TWICE = "twice"
    OTHER_ORGAN = "other_organ"


Words = Mapping[str, Mapping[str, str]]
LIMITS = {
    "name": 200,
    "organ": 200,
    "number": 128,
    "document_number": 128,
    "document_name": 200,
    "certificate_name": 200,
    "category": 100,
    "content": 8000,
    "contact_name": 100,
    "industry": 100,
    "street": 100,
    "type": 200,
}
DAYS = ("decided_on", "valid_from", "valid_to")
FIRST_DAY = date(1949, 10, 1)


def read_row(number: int, cells: Mapping[str, str], words: Words) -> Row:
    """Read the cells of a row; what cannot be read is a problem, each under its field, in the order of importance."""
    row = Row(number)
    _read_texts(row, cells)
    _read_identity(row, cells, words)
    _read_days(row, cells, words)
    _read_phone(row, cells)
    status = cells.get("status")
    if status is not None:
        meaning = find_word(status, words["status"])
        if meaning is None:
            row.problems.append(("status", Problem.UNKNOWN_STATUS))
        row.values["revoked"] = meaning == "revoked"
    return row


def _read_texts(row: Row, cells: Mapping[str, str]) -> None:
    for name, limit in LIMITS.items():
        text = cells.get(name, "")
        if name in ("number", "document_number", "organ"):
            text = tidy(text)
        if len(text) > limit:
            row.problems.append((name, Problem.TOO_LONG))
        elif text:
            row.values[name] = text
    row.values.setdefault("number", row.values.get("document_number"))
    for name in ("name", "number", "organ"):
        if not row.values.get(name) and not any(wrong == name for wrong, _problem in row.problems):
            row.problems.append((name, Problem.EMPTY))


def _read_identity(row: Row, cells: Mapping[str, str], words: Words) -> None:
    kind = find_word(cells.get("kind", ""), words["kind"])
    code = None
    if "credit_code" in cells and kind != "person":
        code = normalise_credit_code(cells["credit_code"])
        if code is None:
            row.problems.append(("credit_code", Problem.BAD_CREDIT_CODE))
        else:
            row.values["credit_code"] = code
    row.values["kind"] = kind or guess_kind(code, has_person_id="person_id" in cells)


def _read_days(row: Row, cells: Mapping[str, str], words: Words) -> None:
    for name in DAYS:
        if name not in cells:
            continue
        endless = name == "valid_to" and fold(cells[name]) in words["no_end"]
        day = NO_END if endless else read_day(cells[name])
        if day is None or day < FIRST_DAY:
            row.problems.append((name, Problem.BAD_DAY))
        else:
            row.values[name] = min(day, NO_END)
    if "valid_to" not in cells:
        row.problems.append(("valid_to", Problem.EMPTY))
    starts, ends = row.values.get("valid_from"), row.values.get("valid_to")
    if starts and ends and ends < starts:
        row.problems.append(("valid_to", Problem.ENDS_BEFORE_START))


def _read_phone(row: Row, cells: Mapping[str, str]) -> None:
    """Take the number, or the first mobile number where several stand in one cell."""
    written = cells.get("phone", "")
    try:
        row.values["phone"] = normalise_phone(written)
    except BadPhone as bad:
        for part in re.split(r"[/,;\u3001\uff0c\uff1b\uff0f]|\s{2,}", written):
            with suppress(BadPhone):
                row.values["phone"] = normalise_phone(part)
                return
        row.problems.append(("phone", bad.problem))


def type_keys(name: str) -> list[str]:
    """Return the forms in which a permit type's name is looked up: as written, and without what stands in brackets."""
    bare = re.sub(r"[(\[\u3010\u3014].*?[)\]\u3011\u3015]", "", unicodedata.normalize("NFKC", name))
    return [fold(name), fold(bare)]
