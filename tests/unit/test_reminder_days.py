"""The days to remind of a permit, and the last day to apply."""

from datetime import date

import pytest

from portal.calendar.rules import WorkingCalendar
from portal.permits import rules
from portal.permits.rules import NO_END, Occurrence, Window

PLAIN = WorkingCalendar({}, date(2026, 12, 31))
OCTOBER = WorkingCalendar({date(2026, 10, day): False for day in range(1, 9)}, date(2026, 12, 31))


def window(closes: int, unit: str, **changes: object) -> Window:
    values: dict[str, object] = {
        "id": 1,
        "opens": None,
        "opens_unit": None,
        "closes": closes,
        "closes_unit": unit,
        "in_force_from": None,
        "in_force_to": None,
    }
    return Window(**(values | changes))  # type: ignore[arg-type]


def test_reminders_follow_the_offsets_back_from_the_last_day() -> None:
    assert rules.occurrences(None, date(2026, 12, 15), [30, 7, 3]) == [
        Occurrence(date(2026, 11, 15), "30"),
        Occurrence(date(2026, 12, 8), "7"),
        Occurrence(date(2026, 12, 12), "3"),
    ]


def test_days_before_the_opening_give_way_to_it() -> None:
    found = rules.occurrences(date(2026, 12, 1), date(2026, 12, 15), [30, 14, 7])
    assert [item.label for item in found] == ["opens", "7"]
    assert found[0].on == date(2026, 12, 1)


def test_next_reminder_is_after_the_day_planned() -> None:
    due = rules.occurrences(None, date(2026, 12, 15), [30, 7, 3])
    assert rules.next_reminder(due) == date(2026, 11, 15)
    assert rules.next_reminder(due, after=date(2026, 11, 15)) == date(2026, 12, 8)
    assert rules.next_reminder(due, after=date(2026, 12, 12)) is None


@pytest.mark.parametrize(
    ("expiry", "closes", "unit", "last_day"),
    [
        (date(2026, 12, 31), 30, "day", date(2026, 12, 1)),
        (date(2026, 12, 29), 30, "day", date(2026, 11, 27)),  # 29 November 2026 is a Sunday
        (date(2026, 12, 31), 90, "day", date(2026, 9, 30)),  # 2 October is a holiday
        (date(2026, 5, 31), 3, "month", date(2026, 2, 27)),  # the 28th is a Saturday
        (date(2026, 8, 31), 6, "month", date(2026, 2, 27)),
        (date(2026, 12, 31), 15, "working_day", date(2026, 12, 10)),
        (date(2026, 10, 12), 2, "working_day", date(2026, 9, 30)),
    ],
)
def test_last_day_is_never_later_than_the_law_allows(expiry: date, closes: int, unit: str, last_day: date) -> None:
    assert rules.find_clock(expiry, [window(closes, unit)], OCTOBER).last_apply_on == last_day


def test_food_window_opens_and_closes_in_working_days() -> None:
    food = window(15, "working_day", opens=90, opens_unit="working_day")
    clock = rules.find_clock(date(2026, 12, 31), [food], PLAIN)
    assert (clock.opens_on, clock.last_apply_on) == (date(2026, 8, 27), date(2026, 12, 10))


def test_a_window_never_opens_earlier_than_the_law_allows() -> None:
    months = window(2, "month", opens=6, opens_unit="month")
    # Six months before 2026-10-10 is a Friday; before 2026-10-11 it is a Saturday.
    assert rules.find_clock(date(2026, 10, 10), [months], PLAIN).opens_on == date(2026, 4, 10)
    assert rules.find_clock(date(2026, 10, 11), [months], PLAIN).opens_on == date(2026, 4, 13)


def test_the_window_in_force_on_the_last_day_counts() -> None:
    old = window(30, "day", id=1, in_force_to=date(2026, 6, 30))
    new = window(60, "day", id=2, in_force_from=date(2026, 7, 1))
    assert rules.find_clock(date(2026, 7, 20), [old, new], PLAIN).window_id == 1
    assert rules.find_clock(date(2026, 12, 31), [old, new], PLAIN).window_id == 2


def test_a_year_not_announced_makes_the_day_an_estimate() -> None:
    assert rules.find_clock(date(2026, 12, 31), [window(30, "day")], PLAIN).certain
    assert not rules.find_clock(date(2027, 12, 31), [window(30, "day")], PLAIN).certain


def test_a_permit_without_end_is_never_reminded_of() -> None:
    clock = rules.find_clock(NO_END, [window(30, "day")], PLAIN)
    assert (clock.last_apply_on, clock.window_id) == (NO_END, None)
    assert rules.first_reminder(NO_END, clock, [30, 7]) is None
