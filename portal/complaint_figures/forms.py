"""What figures on complaints are called, and the figures under these names."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.complaint_figures.queries import Count
from portal.complaint_figures.rules import Row
from portal.complaint_worklists.forms import CHANNELS, FINDINGS, KINDS
from portal.complaints.forms import CATEGORIES, GRADES
from portal.figures.rules import months_between
from portal.i18n import pick

HEADINGS = {
    "months": _l("By month"),
    "organs": _l("By organ"),
    "kinds": _l("By kind"),
    "categories": _l("By what it is about"),
    "channels": _l("By the way it came"),
    "grades": _l("By the sender's grade"),
    "findings": _l("By what was found"),
}


def name_rows(dimension: str, counts: list[Count], first: date, last: date, organs: Any) -> list[Row]:
    """Return counts under the names of what they are counted by, in the order in which they are shown."""
    named = names_of(dimension, first, last, organs)
    other = str(_("Not named") if dimension == "organs" else _("None"))
    found: dict[str, list[int]] = {name: [0, 0, 0] for name in named.values()}
    for count in counts:
        sums = found.setdefault(named.get(str(count.key), other), [0, 0, 0])
        for place, number in enumerate((count.total, count.in_time, count.late)):
            sums[place] += number
    rows = [Row(name, *sums) for name, sums in found.items()]
    if dimension == "months":
        return rows
    rows = [row for row in rows if row.total]
    return rows if dimension == "grades" else sorted(rows, key=lambda row: (-row.total, row.name))


def names_of(dimension: str, first: date, last: date, organs: Any) -> Mapping[str, str]:
    """Return the names of what a dimension counts by, by key as text."""
    if dimension == "months":
        return {month: month for month in months_between(first, last)}
    if dimension == "organs":
        return {str(organ.id): pick(organ, "name") for organ in organs}
    known: dict[str, Mapping[Any, Any]] = {
        "kinds": KINDS,
        "categories": CATEGORIES,
        "channels": CHANNELS,
        "grades": GRADES,
        "findings": FINDINGS,
    }
    return {str(key): str(label) for key, label in known[dimension].items()}
