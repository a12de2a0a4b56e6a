"""The public's figures on complaints: a year by organ and by kind, without small counts."""

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from portal import clock
from portal.complaint_figures import queries, rules
from portal.complaint_figures.forms import HEADINGS, name_rows
from portal.figures.rules import bars
from portal.organs.queries import list_names
from portal.paging import whole_number

blueprint = Blueprint("complaint_figures", __name__, url_prefix="/complaints/figures")
SHOWN = ("organs", "kinds")


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """Show a year; days and other spans are not offered, for their differences would tell small counts."""
    today = clock.today()
    first, last = rules.year_shown(whole_number(request.args.get("year")), today)
    organs, found = list_names(), {}
    for name in SHOWN:
        rows = name_rows(name, queries.count_by(name, first, last, today), first, last, organs)
        found[name] = rules.hide_small(rows, str(_("Others together")))
    return render_template(
        "public/complaint_figures/index.html",
        found=found,
        headings=HEADINGS,
        first=first,
        last=last,
        years=range(rules.year_shown(None, today)[0].year, rules.FIRST_YEAR - 1, -1),
        smallest=rules.SMALLEST,
        bars=lambda rows: bars({row.name: row.total for row in rows}),
    )
