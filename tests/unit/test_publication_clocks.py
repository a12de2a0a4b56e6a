"""The clocks of publication over the holidays and make-up workdays of 2025 and 2026, counted by hand."""

import csv
from datetime import date, timedelta

import pytest

from portal.calendar.rules import Light, WorkingCalendar, first_in_time, read_clock
from portal.decisions.rules import CLOCKS, publish_within
from portal.settings import ROOT

with (ROOT / "portal" / "calendar" / "data" / "holidays.csv").open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
CALENDAR = WorkingCalendar(
    {date.fromisoformat(row["day"]): row["kind"] == "workday" for row in ROWS}, known_until=date(2026, 12, 31)
)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "decided", "due"),
    [
        ("penalty", "2025-01-24", "2025-02-10"),  # Spring Festival; 26 January and 8 February are worked.
        ("penalty", "2025-04-25", "2025-05-08"),  # Labour Day; 27 April is worked.
        ("permit", "2025-05-29", "2025-06-10"),  # Dragon Boat Festival.
        ("permit", "2025-09-26", "2025-10-13"),  # National Day; 28 September and 11 October are worked.
        ("penalty", "2025-12-30", "2026-01-09"),  # New Year; 4 January is worked.
        ("penalty", "2026-02-13", "2026-03-02"),  # Spring Festival; 14 and 28 February are worked.
        ("penalty", "2026-04-03", "2026-04-15"),  # Tomb-Sweeping Day.
        ("permit", "2026-04-30", "2026-05-13"),  # Labour Day; 9 May is worked.
        ("permit", "2026-06-18", "2026-06-30"),  # Dragon Boat Festival.
        ("penalty", "2026-09-18", "2026-09-29"),  # Mid-Autumn; 20 September is worked.
        ("penalty", "2026-09-30", "2026-10-15"),  # National Day; 10 October is worked.
        ("inspection", "2025-09-30", "2025-11-04"),
        ("coercion", "2026-01-30", "2026-03-05"),
    ],
)
def test_publication_is_due_seven_or_twenty_working_days_after_the_decision(kind: str, decided: str, due: str) -> None:
    found = read_clock(CALENDAR, date.fromisoformat(decided), publish_within(kind), date(2025, 1, 1)).due
    assert (found.day.isoformat(), found.certain) == (due, True)


@pytest.mark.parametrize(
    ("task", "began", "due"),
    [
        ("withdrawal", "2026-09-29", "2026-10-09"),
        ("withdrawal", "2025-01-25", "2025-02-05"),
        ("objection", "2026-02-27", "2026-03-03"),
        ("repair", "2026-09-30", "2026-10-08"),
    ],
)
def test_other_clocks_skip_holidays_too(task: str, began: str, due: str) -> None:
    assert read_clock(CALENDAR, date.fromisoformat(began), CLOCKS[task], date(2026, 1, 1)).due.day.isoformat() == due


def test_beyond_the_announced_years_a_deadline_is_estimated() -> None:
    assert read_clock(CALENDAR, date(2026, 12, 18), 7, date(2026, 12, 18)).due.certain
    assert not read_clock(CALENDAR, date(2026, 12, 28), 7, date(2026, 12, 28)).due.certain


@pytest.mark.parametrize(
    ("today", "left", "light"),
    [
        ("2026-11-09", 7, Light.TIME),
        ("2026-11-13", 3, Light.TIME),
        ("2026-11-16", 2, Light.SOON),
        ("2026-11-18", 0, Light.SOON),
        ("2026-11-19", -1, Light.LATE),
        ("2026-11-24", -4, Light.LATE),
    ],
)
def test_light_turns_before_the_deadline_and_after_it(today: str, left: int, light: Light) -> None:
    clock = read_clock(CALENDAR, date(2026, 11, 9), 7, date.fromisoformat(today))
    assert (clock.left, clock.light) == (left, light)


def test_a_deadline_is_over_on_the_days_off_after_it() -> None:
    clock = read_clock(CALENDAR, date(2026, 11, 11), 7, date(2026, 11, 21))
    assert (clock.due.day, clock.left, clock.light) == (date(2026, 11, 20), -1, Light.LATE)


@pytest.mark.parametrize("days", [1, 3, 7, 20])
def test_the_red_list_begins_where_clocks_say_late(days: int) -> None:
    for number in range(0, 365, 5):
        today = date(2026, 1, 1) + timedelta(days=number)
        first = first_in_time(CALENDAR, today, days)
        assert read_clock(CALENDAR, first, days, today).light is not Light.LATE
        assert read_clock(CALENDAR, first - DAY, days, today).light is Light.LATE
