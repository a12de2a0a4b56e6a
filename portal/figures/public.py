"""Figures over public decisions: each as a chart, as a table and as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.cells import cell
from portal.decisions.forms import KIND_LABELS
from portal.decisions.public import read_day
from portal.decisions.rules import publish_within
from portal.errors import NotFound
from portal.figures import queries, rules
from portal.i18n import pick
from portal.organs.queries import list_names
from portal.paging import whole_number

blueprint = Blueprint("figures", __name__, url_prefix="/decisions/figures")

BOM = "\ufeff"
NAMES = ("months", "kinds", "organs", "punctuality")


@dataclass(frozen=True)
class Figures:
    """What the page shows; counts by what they are counted by, in the order they are shown in."""

    total: int
    months: Mapping[str, int]
    kinds: Mapping[str, int]
    organs: Mapping[str, int]
    punctual: list[rules.Punctuality]


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """Show the figures."""
    first, last = rules.period(read_day(request.args.get("since")), read_day(request.args.get("until")), clock.today())
    names = list_names()
    organ_id = whole_number(request.args.get("organ")) or None
    figures = count(first, last, organ_id, names)
    kept = {"since": first.isoformat(), "until": last.isoformat()} | ({"organ": organ_id} if organ_id else {})
    return render_template(
        "public/figures/index.html",
        figures=figures,
        first=first,
        last=last,
        organ_id=organ_id,
        organs=names,
        kept=kept,
        bars=rules.bars,
        stacks=rules.stacks,
        limits={str(label): publish_within(kind) for kind, label in KIND_LABELS.items()},
    )


@blueprint.get("/<name>.csv")
def table(name: str) -> Response:
    """Send the numbers of one figure."""
    if name not in NAMES:
        raise NotFound(_l("There is nothing at this address."))
    first, last = rules.period(read_day(request.args.get("since")), read_day(request.args.get("until")), clock.today())
    figures = count(first, last, whole_number(request.args.get("organ")) or None, list_names())
    buffer = io.StringIO(BOM, newline="")
    buffer.seek(1)
    writer = csv.writer(buffer)
    if name == "punctuality":
        writer.writerow([_("Organ"), _("Published"), _("In time"), _("Published late"), _("In time, percent")])
        writer.writerows(
            [cell(row.name), row.total, row.in_time, row.total - row.in_time, row.percent] for row in figures.punctual
        )
    else:
        headings = {"months": _("Month"), "kinds": _("Kind"), "organs": _("Organ")}
        writer.writerow([headings[name], _("How many")])
        counted: Mapping[str, int] = getattr(figures, name)
        writer.writerows([cell(word), number] for word, number in counted.items())
    answer = Response(buffer.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename=decisions-{name}-{first}-{last}.csv"
    return answer


def count(first: Any, last: Any, organ_id: int | None, names: Iterable[Any]) -> Figures:
    """Return the figures of a period, of one organ or of all."""
    groups = queries.count_groups(first, last, on=clock.today())
    groups = [group for group in groups if organ_id in (None, group.organ_id)]
    known = {row.id: pick(row, "name") for row in names}
    organs = add_up(groups, lambda group: known.get(group.organ_id, _("Other organs")))
    in_time: dict[str, int] = {}
    for group in groups:
        name = known.get(group.organ_id, _("Other organs"))
        in_time[name] = in_time.get(name, 0) + group.in_time
    ordered = dict(sorted(organs.items(), key=lambda item: (-item[1], item[0])))
    return Figures(
        total=sum(group.total for group in groups),
        months=dict.fromkeys(rules.months_between(first, last), 0) | add_up(groups, lambda group: group.month),
        kinds={str(label): 0 for label in KIND_LABELS.values()}
        | add_up(groups, lambda group: str(KIND_LABELS[group.kind])),
        organs=ordered,
        punctual=[rules.Punctuality(name, total, in_time[name]) for name, total in ordered.items()],
    )


def add_up(groups: Iterable[queries.Group], name: Callable[[queries.Group], str]) -> dict[str, int]:
    """Return the totals of groups by a name."""
    totals: dict[str, int] = {}
    for group in groups:
        totals[name(group)] = totals.get(name(group), 0) + group.total
    return totals
