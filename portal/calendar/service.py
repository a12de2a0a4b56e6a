"""Keeping the calendar: the facts that ship with the portal, and years that an office brings in."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.calendar.models import CalendarDay, DayKind
from portal.calendar.rules import check_days
from portal.cells import read_day
from portal.db import db
from portal.spreadsheets import Unreadable, find_table, read_sheets

FACTS = Path(__file__).parent / "data" / "holidays.csv"
HEADINGS = {name: name for name in ("day", "kind", "name", "certain")}


def load_facts() -> None:
    """Load the shipped years that are not known yet, or known only as a guess; an office's own years stay."""
    with FACTS.open(encoding="utf-8", newline="") as file:
        days = [_make_day(row) for row in csv.DictReader(file)]
    settled = {day.year for day in db.session.scalars(sa.select(CalendarDay.day).where(CalendarDay.certain))}
    _replace_years([day for day in days if day.day.year not in settled])


def import_holidays(path: Path) -> dict[str, object]:
    """Replace the years that a file names by what it says; a file with any fault is refused whole.

    Columns: day, kind (`holiday` or `workday`), name, and certain (`no` for a guess; `yes` when left out).
    """
    table = find_table(read_sheets(path), HEADINGS, is_empty=lambda text: not text, enough=2)
    for number, cells in table.rows:
        if read_day(cells.get("day", "")) is None:
            raise Unreadable(_l("Row %(row)d: this is not a day.", row=number))
        if cells.get("kind", "").lower() not in list(DayKind):
            raise Unreadable(_l("Row %(row)d: the kind must be holiday or workday.", row=number))
    days = [_make_day(cells) for _number, cells in table.rows]
    fault = check_days([(day.day, day.kind.value) for day in days])
    if fault is not None:
        raise Unreadable(_l("%(day)s is named twice, or a make-up workday that is no weekend.", day=fault.isoformat()))
    return _replace_years(days)


def _make_day(cells: Mapping[str, str]) -> CalendarDay:
    day = read_day(cells["day"])
    assert day is not None
    certain = cells.get("certain", "yes").lower() not in ("no", "false", "0")
    return CalendarDay(day=day, kind=DayKind(cells["kind"].lower()), name=cells.get("name", ""), certain=certain)


def _replace_years(days: Iterable[CalendarDay]) -> dict[str, object]:
    years: dict[int, dict[date, CalendarDay]] = defaultdict(dict)
    for day in days:
        years[day.day.year][day.day] = day
    counts = {"imported": 0, "changed": 0, "unchanged": 0}
    for year, new in years.items():
        within = CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
        old = {day.day: day for day in db.session.scalars(sa.select(CalendarDay).where(within))}
        for gone in old.keys() - new.keys():
            db.session.delete(old[gone])
        for on, day in new.items():
            counts[_keep_day(old.get(on), day)] += 1
    db.session.flush()
    return {**counts, "rejected": []}


def _keep_day(old: CalendarDay | None, new: CalendarDay) -> str:
    if old is None:
        db.session.add(new)
        return "imported"
    if (old.kind, old.name, old.certain) == (new.kind, new.name, new.certain):
        return "unchanged"
    old.kind, old.name, old.certain = new.kind, new.name, new.certain
    return "changed"
