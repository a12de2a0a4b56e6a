"""How the deadlines of a case are reached: periods in working or calendar days, with pauses that do not count.

A period starts the day after its event, and one in calendar days that ends on a day off ends on the next working day
(civil procedure law, article 85). Pure: calendar and days are handed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.calendar.rules import DAY, Result, WorkingCalendar

MAX_NAME = 60
MAX_BASIS = 300
# The longest periods that can be entered: who needs longer ones has mistyped. Law and practice stay far below.
MOST_DAYS = 365
MOST_MONTHS = 600


class DayUnit(StrEnum):
    """What a period counts."""

    WORKING = "working"
    CALENDAR = "calendar"


@dataclass(frozen=True)
class Pause:
    """Days that do not count: those after `since`, up to and with `until`; no `until` while it lasts."""

    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether a day is not counted."""
        return day > self.since and (self.until is None or day <= self.until)


def due(
    calendar: WorkingCalendar, start_on: date, within: int, unit: DayUnit, pauses: Sequence[Pause] = ()
) -> Result | None:
    """Return the last day of a period, or None while a pause lasts that began before it was over."""
    day, left = start_on, within
    while left:
        day += DAY
        if pauses:
            if any(pause.until is None and pause.covers(day) for pause in pauses):
                return None
            if any(pause.covers(day) for pause in pauses):
                continue
        if unit is DayUnit.CALENDAR or calendar.is_working_day(day):
            left -= 1
    last = calendar.on_or_after(day).day if unit is DayUnit.CALENDAR else day
    return Result(last, calendar.certain(start_on, last))
