"""Where a sender can go on to after the end of a case, and until when."""

from datetime import date

import pytest

from portal.calendar.rules import WorkingCalendar
from portal.complaint_tracking.rules import WAYS, Way, last_day, list_remedies, reopen_until
from portal.complaints.models import ComplaintKind

CALENDAR = WorkingCalendar({date(2027, 1, 1): False}, date(2027, 12, 31))


@pytest.mark.parametrize(
    ("way", "ended_on", "last"),
    [
        # Sixty days after Monday 23 November is Friday 22 January.
        (Way.RECONSIDERATION, date(2026, 11, 23), date(2027, 1, 22)),
        # A Saturday moves on to Monday.
        (Way.RECONSIDERATION, date(2026, 11, 24), date(2027, 1, 25)),
        (Way.COURT, date(2026, 11, 24), date(2027, 5, 24)),
        # There is no 31 February; its last day is a Sunday.
        (Way.COURT, date(2026, 8, 31), date(2027, 3, 1)),
        # The thirtieth day is New Year's Day, a Friday; then comes the weekend.
        (Way.REVIEW, date(2026, 12, 2), date(2027, 1, 4)),
        (Way.HIGHER, date(2026, 11, 23), None),
    ],
)
def test_last_day_of_each_way(way: Way, ended_on: date, last: date | None) -> None:
    found = last_day(way, ended_on, CALENDAR)
    assert (found.day if found else None) == last


def test_a_day_in_a_year_not_announced_is_not_certain() -> None:
    soon, late = (last_day(Way.COURT, day, CALENDAR) for day in (date(2026, 11, 24), date(2027, 11, 24)))
    assert soon is not None
    assert late is not None
    assert (soon.certain, late.certain) == (True, False)


def ways(case_type: str, kind: str) -> list[Way]:
    """Return the ways that are open to the sender of a case."""
    return [remedy.way for remedy in list_remedies(case_type, kind, date(2026, 11, 23), CALENDAR)]


def test_only_what_the_kind_of_case_allows() -> None:
    assert ways("petition", "conduct") == [Way.REVIEW]
    assert ways("market-complaint", "conduct") == [Way.RECONSIDERATION, Way.COURT, Way.HIGHER]
    assert ways("question", "question") == [Way.HIGHER]
    assert set(ComplaintKind) <= set(WAYS)


def test_reopened_until_the_last_calendar_day() -> None:
    assert reopen_until(date(2026, 11, 23), 30) == date(2026, 12, 23)
    assert reopen_until(date(2026, 11, 23), 0) is None
