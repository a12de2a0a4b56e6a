"""When a party is revisited, what a bad grade is, and how grades are drawn.

Pure. Five grades, the last two bad: notice of the State Council office (2019) No. 51. The numbers of days are
settings of the city.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

REVISIT_AFTER_DAYS = 7
LINK_LASTS_DAYS = 30
CONTACT_WORKING_DAYS = 1
RECTIFY_WORKING_DAYS = 15
GRADES = (5, 4, 3, 2, 1)
WORST_GOOD = 3
MAX_COMMENT = 500
CHART_WIDTH = 320


@dataclass(frozen=True)
class Bar:
    """One bar of a chart; `width` is in the chart's units, from a base of zero."""

    grade: int
    count: int
    width: float


def due_on(decided_on: date) -> date:
    """Return the day on which the party of a decision is asked."""
    return decided_on + timedelta(days=REVISIT_AFTER_DAYS)


def last_decided_on(on: date) -> date:
    """Return the last day of decision that is due for a revisit on a day."""
    return on - timedelta(days=REVISIT_AFTER_DAYS)


def link_ends_on(asked_on: date) -> date:
    """Return the first day on which a link of that day no longer opens."""
    return asked_on + timedelta(days=LINK_LASTS_DAYS)


def is_bad(grade: int) -> bool:
    """Whether a grade opens a follow-up."""
    return grade < WORST_GOOD


def grade_bars(counts: Mapping[int, int]) -> Sequence[Bar]:
    """Return one bar for each grade, best first, the longest as wide as the chart."""
    most = max(counts.values(), default=0) or 1
    return [Bar(grade, counts.get(grade, 0), round(CHART_WIDTH * counts.get(grade, 0) / most, 1)) for grade in GRADES]


def percent(part: int, whole: int) -> int:
    """Return a share in whole percent, rounded down, so that 100 means all."""
    return part * 100 // whole if whole else 0
