"""Last days to apply and the days to remind of them. Pure: windows, days and the calendar are handed in.

How a last day is found. The law says "apply N units before expiry"; the last day is expiry minus N units.
Working days are counted back one by one. Calendar days and months are counted back, and when that day is off the
working day before it is taken: counters are closed, and no law read here moves such a day later for the applicant.
So a day shown is never later than the law allows. The 30 days of administrative licensing law art. 50 are read as
calendar days: art. 82 makes only the periods of the organs working days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.calendar.rules import DAY, Result, WorkingCalendar, months_before

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


def count_back(expiry: date, count: int, unit: str, calendar: WorkingCalendar) -> Result:
    """Return the day `count` units before expiry, never later than the law allows."""
    if unit == "working_day":
        return calendar.add_working_days(expiry, -count)
    day = months_before(expiry, count) if unit == "month" else expiry - timedelta(days=count)
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
    opens = count_back(expiry, window.opens, window.opens_unit, calendar)
    return Clock(opens.day, closes.day, closes.certain and opens.certain, window.id)


def first_reminder(expiry: date, clock: Clock, offsets: Sequence[int]) -> date | None:
    """Return the day of a permit's first reminder; None for a permit without end."""
    if expiry >= NO_END:
        return None
    return next_reminder(occurrences(clock.opens_on, clock.last_apply_on, offsets))
