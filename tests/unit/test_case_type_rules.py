"""Deadlines of cases: working or calendar days from the day after, days off, and pauses that do not count."""

from datetime import date

import pytest

from portal.calendar.rules import WorkingCalendar
from portal.case_types.rules import DayUnit, Pause, due

# National Day 2026 with its make-up workday on Saturday, 10 October.
OFF = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True}
CALENDAR = WorkingCalendar(OFF, known_until=date(2026, 12, 31))
MONDAY = date(2026, 9, 28)


@pytest.mark.parametrize(
    ("within", "unit", "last"),
    [
        (2, DayUnit.WORKING, date(2026, 9, 30)),
        (5, DayUnit.WORKING, date(2026, 10, 10)),
        (2, DayUnit.CALENDAR, date(2026, 9, 30)),
        (5, DayUnit.CALENDAR, date(2026, 10, 8)),
        (12, DayUnit.CALENDAR, date(2026, 10, 10)),
        (13, DayUnit.CALENDAR, date(2026, 10, 12)),
    ],
)
def test_periods_over_a_holiday(within: int, unit: DayUnit, last: date) -> None:
    reached = due(CALENDAR, MONDAY, within, unit)
    assert reached is not None
    assert (reached.day, reached.certain) == (last, True)


def test_paused_days_do_not_count() -> None:
    pause = Pause(date(2026, 9, 29), date(2026, 10, 9))
    reached = due(CALENDAR, MONDAY, 3, DayUnit.WORKING, [pause])
    assert reached is not None
    assert reached.day == date(2026, 10, 12)
    calendar_days = due(CALENDAR, MONDAY, 3, DayUnit.CALENDAR, [pause])
    assert calendar_days is not None
    assert calendar_days.day == date(2026, 10, 12)


def test_a_pause_that_lasts_leaves_no_last_day_unless_it_began_after_it() -> None:
    assert due(CALENDAR, MONDAY, 3, DayUnit.WORKING, [Pause(date(2026, 9, 29))]) is None
    late = due(CALENDAR, MONDAY, 1, DayUnit.WORKING, [Pause(date(2026, 9, 29))])
    assert late is not None
    assert late.day == date(2026, 9, 29)


def test_a_year_not_announced_makes_it_uncertain() -> None:
    reached = due(CALENDAR, date(2026, 12, 28), 5, DayUnit.WORKING)
    assert reached is not None
    assert not reached.certain
