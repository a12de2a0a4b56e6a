"""Reading the calendar table."""

from datetime import date

import sqlalchemy as sa

from portal.calendar.models import CalendarDay, DayKind
from portal.calendar.rules import WorkingCalendar
from portal.data_version import kept
from portal.rows import columns_of, read_rows

_DAYS = sa.select(*(columns_of(CalendarDay)[name] for name in ("day", "kind", "certain")))


@kept
def get_calendar() -> WorkingCalendar:
    """Return the working calendar as it stands in the database."""
    rows = read_rows(_DAYS)
    years = {row.day.year for row in rows if row.certain}
    known_until = date(max(years), 12, 31) if years else date.min
    return WorkingCalendar({row.day: row.kind is DayKind.WORKDAY for row in rows}, known_until)
