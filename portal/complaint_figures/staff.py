"""Staff pages: figures on the complaints that somebody may see, as charts, tables and CSV, and a year's report."""

import csv
from datetime import date
from io import StringIO
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.cells import cell, read_day
from portal.complaint_figures import queries, rules
from portal.complaint_figures.forms import HEADINGS, name_rows
from portal.complaint_figures.rules import Row
from portal.complaints.models import Complaint
from portal.complaints.queries import visible_to
from portal.complaints.staff import blueprint, handlers_only
from portal.figures.rules import Punctuality, bars, period, stacks
from portal.organs.queries import list_names
from portal.paging import whole_number

__all__ = ["blueprint"]
BOM = "\ufeff"


@blueprint.get("/figures")
@handlers_only
def figures() -> str:
    """Show the figures of a period, of one organ or of all."""
    first, last, organ_id = read_period()
    found = count_all(first, last, organ_id)
    kept = {"since": first.isoformat(), "until": last.isoformat()} | ({"organ": organ_id} if organ_id else {})
    return render_template(
        "staff/complaint_figures/index.html",
        found=found,
        total=rules.add_up(found["kinds"]),
        headings=HEADINGS,
        first=first,
        last=last,
        organ_id=organ_id,
        organs=list_names(),
        kept=kept,
        bars=draw_bars,
        stacks=draw_stacks,
    )


@blueprint.get("/figures/<int:year>")
@handlers_only
def report(year: int) -> str:
    """Show a year as a report to print."""
    today = clock.today()
    year = min(max(year, rules.FIRST_YEAR), today.year)
    first, last = date(year, 1, 1), min(date(year, 12, 31), today)
    found = count_all(first, last, None)
    return render_template(
        "staff/complaint_figures/report.html",
        found=found,
        total=rules.add_up(found["kinds"]),
        headings=HEADINGS,
        year=year,
        first=first,
        last=last,
    )


@blueprint.get("/figures.csv")
@handlers_only
def figures_table() -> Response:
    """Send all figures of a period."""
    first, last, organ_id = read_period()
    text = StringIO(BOM, newline="")
    text.seek(1)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_("Figure"), _("Counted by"), _("Complaints"), _("In time"), _("Late")])
    for dimension, rows in count_all(first, last, organ_id).items():
        writer.writerows([HEADINGS[dimension], cell(row.name), row.total, row.in_time, row.late] for row in rows)
    answer = Response(text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename=complaint-figures-{first}-{last}.csv"
    return answer


def read_period() -> tuple[date, date, int | None]:
    """Return the period and the organ of the address; nonsense is the last twelve months, and all organs."""
    since, until = (read_day(request.args.get(name) or "") for name in ("since", "until"))
    first, last = period(since, until, clock.today())
    return first, last, whole_number(request.args.get("organ")) or None


def count_all(first: date, last: date, organ_id: int | None) -> dict[str, list[Row]]:
    """Return every figure over what whoever asks may see."""
    conditions: list[Any] = [visible_to(guard.current_staff())]
    if organ_id:
        conditions.append(Complaint.organ_id == organ_id)
    organs, today = list_names(), clock.today()
    return {
        name: name_rows(name, queries.count_by(name, first, last, today, *conditions), first, last, organs)
        for name in queries.DIMENSIONS
    }


def draw_bars(rows: list[Row]) -> Any:
    """Return a bar for each row."""
    return bars({row.name: row.total for row in rows})


def draw_stacks(rows: list[Row]) -> Any:
    """Return a bar of what was in time and what was late for each row."""
    told = [Punctuality(row.name, (row.in_time or 0) + (row.late or 0), row.in_time or 0) for row in rows]
    return stacks(told)
