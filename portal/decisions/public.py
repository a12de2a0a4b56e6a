"""Decisions as everybody may read them."""

from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.decisions import queries, rules
from portal.decisions.forms import KIND_LABELS
from portal.decisions.models import DecisionKind
from portal.errors import Gone
from portal.organs.queries import list_names
from portal.paging import page_number, whole_number

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")

FILTERS = ("q", "organ", "kind", "since", "until", "article")


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """List what is public, newest first."""
    wanted = read_filter()
    page = queries.list_published(wanted, on=clock.today(), number=page_number(request.args.get("page")))
    kept: dict[str, Any] = {name: request.args[name] for name in FILTERS if request.args.get(name)}

    def address(number: int) -> str:
        return url_for("decisions.index", **{**kept, "page": number})

    return render_template(
        "public/decisions/index.html",
        page=page,
        wanted=wanted,
        organs=list_names(),
        address=address,
        party_name=queries.public_party_name,
        kind_labels={kind: str(label) for kind, label in KIND_LABELS.items()},
    )


def read_filter() -> queries.Filter:
    """Return the filter an address asks for; nonsense is no filter."""
    args = request.args
    return queries.Filter(
        organ_id=whole_number(args.get("organ")),
        kind=next((kind for kind in DecisionKind if kind == args.get("kind")), None),
        keyword=args.get("q", "").replace("\x00", "").strip()[: rules.MAX_KEYWORD],
        since=read_day(args.get("since")),
        until=read_day(args.get("until")),
        article_id=whole_number(args.get("article")),
    )


def read_day(text: str | None) -> date | None:
    """Return a day from an address, or None."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@blueprint.get("/<int:decision_id>")
def show(decision_id: int) -> ResponseReturnValue:
    """Show one decision, or why it is gone."""
    try:
        decision = queries.get_published(decision_id, on=clock.today())
    except Gone as gone:
        page = render_template("public/decisions/gone.html", decision=gone.details["decision"])
        return page, 410, {"X-Robots-Tag": "noindex"}
    return render_template(
        "public/decisions/show.html", kind_label=KIND_LABELS[decision.kind], **queries.describe(decision)
    )
