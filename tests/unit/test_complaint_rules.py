"""What holds for complaints, without a database."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar.rules import WorkingCalendar
from portal.case_types.rules import DayUnit, Pause
from portal.complaints import rules
from portal.errors import TransitionError

SUNDAY = date(2026, 11, 22)
HOLIDAYS = {date(2026, 11, 25): False, date(2026, 11, 28): True}
CALENDAR = WorkingCalendar(HOLIDAYS, date(2026, 12, 31))


def test_numbers_read_aloud_and_back() -> None:
    number = rules.format_number(SUNDAY, 1)
    assert number == "TS202611220001"
    for typed in ("ts202611220001", " TS 2026-1122-0001 ", "ＴＳ２０２６１１２２０００１", "TS20261122—0001"):
        assert rules.read_number(typed) == number
    assert rules.read_number(rules.format_number(SUNDAY, 10_000)) == "TS2026112210000"
    for nonsense in ("", "TS", "2026", "TS20261122000'", "TS" + "1" * 60, "TS202611220001 OR 1=1"):
        assert rules.read_number(nonsense) == ""


def test_codes_read_in_any_width_and_grouping() -> None:
    for typed in ("K7MQ-2XDT-9H4W", "k7mq 2xdt 9h4w", "ｋ７ｍｑ２ｘｄｔ９ｈ４ｗ", "K7MQ—2XDT—9H4W\n"):
        assert rules.read_code(typed) == "K7MQ2XDT9H4W"
    assert rules.group_code("K7MQ2XDT9H4W") == "K7MQ-2XDT-9H4W"
    for nonsense in ("", "K7MQ", "K7MQ-2XDT-9H4W-X", "K7MQ2XDT9H4!", "0" * 200):
        assert rules.read_code(nonsense) == ""


@given(st.text())
def test_reading_never_fails(typed: str) -> None:
    assert len(rules.read_code(typed)) in (0, rules.CODE_LENGTH)
    assert rules.read_number(typed)[:2] in ("", "TS")


def test_every_state_allows_only_its_steps() -> None:
    assert rules.next_state("submitted", "accept") == "accepted"
    assert rules.next_state("answered", "reopen") == "accepted"
    actions = {action for _state, action in rules.TRANSITIONS}
    refused = {"withdrawn": actions, "refused": actions, "answered": {"supplement", "withdraw", "answer", "accept"}}
    for state, steps in (refused | {"submitted": {"rate", "reopen"}, "accepted": {"rate", "reopen"}}).items():
        for action in steps:
            with pytest.raises(TransitionError):
                rules.next_state(state, action)


def test_clock_counts_working_days_from_the_day_after() -> None:
    due = CALENDAR.add_working_days(SUNDAY, 5).day
    # The 25th is a holiday and Saturday the 28th is worked instead.
    assert due == date(2026, 11, 28)
    clock = rules.read_clock(CALENDAR, SUNDAY, due, 5, date(2026, 11, 26))
    assert (clock.left, clock.certain, clock.tone) == (2, True, "warn")
    assert clock.days_off == [date(2026, 11, 25)]


def test_clock_in_calendar_days_counts_every_day() -> None:
    due = date(2026, 12, 7)
    clock = rules.read_clock(CALENDAR, SUNDAY, due, 15, date(2026, 11, 27), DayUnit.CALENDAR)
    assert (clock.left, clock.days_off, clock.unit) == (10, [], DayUnit.CALENDAR)
    assert rules.read_clock(CALENDAR, SUNDAY, due, 15, date(2026, 12, 9), DayUnit.CALENDAR).left == -2


def test_a_deadline_is_over_on_the_days_off_after_it() -> None:
    friday, sunday = date(2026, 12, 4), date(2026, 12, 6)
    assert rules.days_left(CALENDAR, friday, friday, DayUnit.WORKING) == 0
    assert rules.days_left(CALENDAR, sunday, friday, DayUnit.WORKING) == -1


def test_clock_names_only_pauses_of_its_own_period() -> None:
    before = Pause(date(2026, 11, 2), date(2026, 11, 10))
    within = Pause(date(2026, 11, 24), date(2026, 11, 26))
    clock = rules.read_clock(CALENDAR, SUNDAY, date(2026, 12, 4), 5, SUNDAY, DayUnit.WORKING, [before, within])
    assert clock.pauses == [within]


def test_clock_says_when_it_is_late_or_not_certain() -> None:
    due = CALENDAR.add_working_days(date(2026, 12, 28), 15).day
    clock = rules.read_clock(CALENDAR, date(2026, 12, 28), due, 15, date(2027, 1, 20))
    assert due == date(2027, 1, 18)
    assert (clock.left, clock.certain, clock.tone) == (-2, False, "bad")


def test_five_tries_lock_for_a_quarter_of_an_hour() -> None:
    now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert rules.lock_after(4, now) is None
    assert rules.lock_after(5, now) == datetime(2026, 11, 22, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "officer", "delicate"),
    [("conduct", "", True), ("report", "", False), ("report", "张某", True), ("question", " ", False)],
)
def test_conduct_and_named_officers_are_for_supervisors(kind: str, officer: str, delicate: bool) -> None:
    assert rules.for_supervisors(kind, officer) is delicate
