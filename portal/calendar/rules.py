"""Working days and deadlines, computed and explained. Pure: the calendar is handed in.

Sources: administrative penalty law art. 85 (2, 3, 5 and 7 days are working days), administrative licensing law art. 82
(periods of the organ are working days). A period starts the day after the event; when its last calendar day is a day
off it ends on the next working day (civil procedure law art. 85).
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)
SOON = 2


@dataclass(frozen=True)
class Result:
    """A computed day; `certain` is false when it rests on a year not yet announced by the State Council."""

    day: date
    certain: bool = True


@dataclass(frozen=True)
class WorkingCalendar:
    """Which days are worked: the weekday, unless `exceptions` says otherwise (True = worked).

    `known_until` is the last day of the last year that was officially announced.
    """

    exceptions: Mapping[date, bool] = field(default_factory=dict)
    known_until: date = date.min

    def is_working_day(self, day: date) -> bool:
        """Whether a day is worked, make-up workdays (调休) included."""
        worked = self.exceptions.get(day)
        return day.weekday() < 5 if worked is None else worked

    def certain(self, first: date, last: date) -> bool:
        """Whether everything between two days has been announced."""
        return max(first, last) <= self.known_until

    def add_working_days(self, start: date, count: int) -> Result:
        """Return the count-th working day after `start` (day zero is `start` itself); count may be negative."""
        step = DAY if count >= 0 else -DAY
        day, left = start, abs(count)
        while left:
            day += step
            if self.is_working_day(day):
                left -= 1
        return Result(day, self.certain(start, day))

    def add_days(self, start: date, count: int) -> Result:
        """Return the day `count` calendar days after `start`, moved on to a working day when it is off."""
        day = start + timedelta(days=count)
        return self.on_or_after(day)

    def on_or_after(self, day: date) -> Result:
        """Return the first working day from `day` on."""
        first = day
        while not self.is_working_day(day):
            day += DAY
        return Result(day, self.certain(first, day))

    def working_days_between(self, start: date, end: date) -> int:
        """Count the working days after `start` up to and with `end`; negative when `end` is earlier."""
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.is_working_day(start + DAY * n) for n in range(1, (end - start).days + 1))


class Light(StrEnum):
    """How a deadline stands."""

    LATE = "late"
    SOON = "soon"
    TIME = "time"


@dataclass(frozen=True)
class Clock:
    """A deadline as it stands on a day: `left` counts working days, negative when it is late, 0 on the last day."""

    due: Result
    left: int

    @property
    def light(self) -> Light:
        return Light.LATE if self.left < 0 else Light.SOON if self.left <= SOON else Light.TIME


def read_clock(calendar: WorkingCalendar, start: date, days: int, today: date) -> Clock:
    """Return how a deadline stands that falls `days` working days after `start`."""
    due = calendar.add_working_days(start, days)
    left = calendar.working_days_between(today, due.day)
    # On the days off after it the deadline is over as well.
    return Clock(due, min(left, -1) if today > due.day else left)


def first_in_time(calendar: WorkingCalendar, today: date, days: int) -> date:
    """Return the earliest start whose deadline, `days` working days after it, is not over on a day."""
    start = today
    while calendar.add_working_days(start - DAY, days).day >= today:
        start -= DAY
    return start


def months_before(day: date, months: int) -> date:
    """Return the same day some months earlier, or that month's last day when it is shorter."""
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def check_days(days: Iterable[tuple[date, str]]) -> date | None:
    """Return the first day that is named twice, or called a make-up workday without being a weekend; else None."""
    seen: set[date] = set()
    for day, kind in days:
        if day in seen or (kind == "workday" and day.weekday() < 5):
            return day
        seen.add(day)
    return None
