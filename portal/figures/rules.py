"""The period that figures cover, and how they are drawn. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

CHART_WIDTH = 320
MONTHS = 12
# So many days a period has at most.
LONGEST = 3 * 366
# Before it nobody decided anything that could be counted here; days on end lie between it and the first day there is.
FIRST_DAY = date(1949, 10, 1)


@dataclass(frozen=True)
class Bar:
    """One bar of a chart; `width` is in the chart's units, from a base of zero."""

    grade: str
    count: int
    width: float


@dataclass(frozen=True)
class Piece:
    """One piece of a stacked bar."""

    part: str
    x: float
    width: float


@dataclass(frozen=True)
class Punctuality:
    """How many decisions of a group were published, and how many of them in time."""

    name: str
    total: int
    in_time: int

    @property
    def percent(self) -> int:
        """The share in whole percent, rounded down, so that 100 means all."""
        return self.in_time * 100 // self.total if self.total else 0


def period(since: date | None, until: date | None, today: date) -> tuple[date, date]:
    """Return the first and last day of decision that figures cover: what was asked for, else the last twelve months."""
    last = max(min(until or today, today), FIRST_DAY)
    first = max(since, FIRST_DAY) if since and since <= last else first_of_months(last)
    return max(first, last - timedelta(days=LONGEST)), last


def first_of_months(last: date) -> date:
    """Return the first day of the month with which twelve months end on a day."""
    number = last.year * 12 + last.month - MONTHS
    year, month = divmod(number, 12)
    return date(year, month + 1, 1)


def months_between(first: date, last: date) -> list[str]:
    """Return the months of a period, as 2026-11."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in numbers]


def bars(counts: Mapping[str, int]) -> Sequence[Bar]:
    """Return one bar for each count, the longest as wide as the chart."""
    most = max(counts.values(), default=0) or 1
    return [Bar(name, count, round(CHART_WIDTH * count / most, 1)) for name, count in counts.items()]


def stacks(rows: Iterable[Punctuality]) -> list[list[Piece]]:
    """Return a bar of two pieces for each row, in time and late, all to one scale."""
    rows = list(rows)
    most = max((row.total for row in rows), default=0) or 1
    drawn = []
    for row in rows:
        good = round(CHART_WIDTH * row.in_time / most, 1)
        late = round(CHART_WIDTH * (row.total - row.in_time) / most, 1)
        pieces = [Piece("arrived", 0, good), Piece("trouble", good, late)]
        drawn.append([piece for piece in pieces if piece.width])
    return drawn
