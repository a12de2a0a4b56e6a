"""The search page."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from portal import clock
from portal.paging import page_number
from portal.search import queries, rules
from portal.search.models import EntryKind

blueprint = Blueprint("search", __name__, url_prefix="/search")

KIND_LABELS = {
    EntryKind.BASIS: _l("Basis"),
    EntryKind.ARTICLE: _l("Article"),
    EntryKind.PROCEDURE: _l("Procedure"),
    EntryKind.DECISION: _l("Decision"),
    EntryKind.ORGAN: _l("Organ"),
}


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """Show what a query finds, with counts for each kind."""
    query = request.args.get("q", "").replace("\x00", "").strip()[: rules.MAX_QUERY]
    kind = next((kind for kind in EntryKind if kind == request.args.get("kind")), None)
    newest = request.args.get("sort") == "date"
    short = rules.too_short(query)
    found = None
    if not short:
        number = page_number(request.args.get("page"))
        asked = queries.Asked(query=query, on=clock.today(), number=number, kind=kind, newest=newest)
        found = queries.list_found(asked)

    def address(**changes: Any) -> str:
        values: dict[str, Any] = {"q": query, "kind": kind.value if kind else None, "sort": "date" if newest else None}
        return url_for("search.index", **{name: value for name, value in (values | changes).items() if value})

    return render_template(
        "public/search/index.html",
        query=query,
        kind=kind,
        newest=newest,
        short=short,
        found=found,
        address=address,
        passage=passage,
        kind_labels=KIND_LABELS,
    )


def passage(text: str, query: str) -> Markup:
    """Return a passage with what was asked for marked; every piece is escaped before a mark is put around it."""
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if hit else escape(piece) for piece, hit in rules.marked(text, query)
    )
