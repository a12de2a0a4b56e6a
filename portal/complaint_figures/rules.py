"""What figures on complaints say, and which of them the public may read. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

# Who sent one of fewer cases could be known by its organ or kind; five is the least that offices of statistics commonly
# publish.
SMALLEST = 5
FIRST_YEAR = 2016


@dataclass(frozen=True)
class Row:
    """So many cases of a group, so many of them answered in time, and late; none where the public may not know.

    Late are those answered after their last day, and those still open after it. The others are open, or ended without
    an answer.
    """

    name: str
    total: int
    in_time: int | None
    late: int | None

    @property
    def told(self) -> bool:
        """Whether it says how many were in time."""
        return self.in_time is not None


def hide_small(rows: Sequence[Row], others: str) -> list[Row]:
    """Return rows without small counts, none of which can be worked out from the sum of all rows, either.

    Small groups become one row, together with the least of the others while that row alone would be small or would be
    one group. What cannot be told at all makes the list empty.
    """
    ordered = sorted(rows, key=lambda row: (-row.total, row.name))
    shown = [row for row in ordered if row.total >= SMALLEST]
    small = [row for row in ordered if 0 < row.total < SMALLEST]
    while small and shown and (len(small) < 2 or sum(row.total for row in small) < SMALLEST):
        small.append(shown.pop())
    total = sum(row.total for row in small)
    if small and total < SMALLEST:
        return []
    if small:
        in_time, late = (sum(getattr(row, name) or 0 for row in small) for name in ("in_time", "late"))
        shown.append(Row(others, total, in_time, late))
    return _hide_parts(shown)


def _hide_parts(rows: list[Row]) -> list[Row]:
    """Hide how many were in time and late where one of the parts is small; never in a single row."""
    hidden = {place for place, row in enumerate(rows) if any(0 < part < SMALLEST for part in _parts(row))}
    for place in reversed(range(len(rows))):
        if len(hidden) == 1:
            hidden.add(place)
    return [replace(row, in_time=None, late=None) if place in hidden else row for place, row in enumerate(rows)]


def _parts(row: Row) -> tuple[int, ...]:
    in_time, late = row.in_time or 0, row.late or 0
    return in_time, late, row.total - in_time - late


def add_up(rows: Sequence[Row]) -> Row:
    """Return the sum of all rows."""
    return Row(
        "", sum(row.total for row in rows), sum(row.in_time or 0 for row in rows), sum(row.late or 0 for row in rows)
    )


def year_shown(year: int | None, today: date) -> tuple[date, date]:
    """Return the first and last day of a year that the public reads: whole months, so that no day stands out.

    Without a year, or one that has no whole month yet, it is the last one that has.
    """
    last_month = date(today.year, today.month, 1).toordinal() - 1
    last = date.fromordinal(last_month)
    year = min(max(year or last.year, FIRST_YEAR), last.year)
    return date(year, 1, 1), min(date(year, 12, 31), last)
