"""What is open to a sender after the end of a case, and until when. Pure: the calendar is handed in.

Periods start the day after; one that ends on a day off ends on the next working day (administrative reconsideration
law, article 88, and civil procedure law, article 85).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.calendar.rules import Result, WorkingCalendar
from portal.decisions.rules import months_after

RECONSIDER_WITHIN = 60  # Days; administrative reconsideration law, article 20.
SUE_WITHIN = 6  # Months; administrative litigation law, article 46.
REVIEW_WITHIN = 30  # Days; regulation on letters and visits, article 35.
BAD_GRADES = frozenset({1, 2})
MAX_REASON = 1000
MAX_FILES_OF_CASE = 30


class Way(StrEnum):
    """Where a sender can go on to."""

    RECONSIDERATION = "reconsideration"
    COURT = "court"
    REVIEW = "review"
    HIGHER = "higher"


# By case type, else by kind. What was asked or suggested affects no right; a petition is reviewed, not reconsidered.
WAYS: Mapping[str, tuple[Way, ...]] = {
    "petition": (Way.REVIEW,),
    "conduct": (Way.RECONSIDERATION, Way.COURT, Way.HIGHER),
    "report": (Way.RECONSIDERATION, Way.COURT, Way.HIGHER),
    "question": (Way.HIGHER,),
    "suggestion": (Way.HIGHER,),
}


@dataclass(frozen=True)
class Remedy:
    """One way to go on; `until` is its last day, none where there is no period."""

    way: Way
    until: Result | None


def list_remedies(case_type: str, kind: str, ended_on: date, calendar: WorkingCalendar) -> list[Remedy]:
    """Return the ways to go on from an answer or a refusal of a day, with the last day of each."""
    ways = WAYS.get(case_type) or WAYS[kind]
    return [Remedy(way, last_day(way, ended_on, calendar)) for way in ways]


def last_day(way: Way, ended_on: date, calendar: WorkingCalendar) -> Result | None:
    """Return the last day of a way, or None where it has none."""
    if way is Way.HIGHER:
        return None
    if way is Way.COURT:
        day = calendar.on_or_after(months_after(ended_on, SUE_WITHIN)).day
    else:
        days = RECONSIDER_WITHIN if way is Way.RECONSIDERATION else REVIEW_WITHIN
        day = calendar.add_days(ended_on, days).day
    return Result(day, calendar.certain(ended_on, day))


def reopen_until(answered_on: date, within: int) -> date | None:
    """Return the last day on which a case can be reopened, or None when its kind cannot; `within` is calendar days."""
    return answered_on + timedelta(days=within) if within else None
