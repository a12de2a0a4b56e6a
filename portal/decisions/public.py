"""Decisions as everybody may read them."""

from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.calendar.queries import get_calendar
from portal.decisions import queries, rules
from portal.decisions.forms import KIND_LABELS
from portal.decisions.models import Decision, DecisionKind
from portal.errors import Gone
from portal.organs.queries import list_names
from portal.paging import page_number

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")

MAX_KEYWORD = 60
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
        party_name=rules.public_party_name,
        kind_labels={kind: str(label) for kind, label in KIND_LABELS.items()},
    )


def read_filter() -> queries.Filter:
    """Return the filter an address asks for; nonsense is no filter."""
    args = request.args
    return queries.Filter(
        organ_id=read_id(args.get("organ")),
        kind=next((kind for kind in DecisionKind if kind == args.get("kind")), None),
        keyword=args.get("q", "").replace("\x00", "").strip()[:MAX_KEYWORD],
        since=read_day(args.get("since")),
        until=read_day(args.get("until")),
        article_id=read_id(args.get("article")),
    )


def read_id(text: str | None) -> int | None:
    """Return a record's number from an address, or None."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def read_day(text: str | None) -> date | None:
    """Return a day from an address, or None."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@blueprint.get("/<int(max=2147483647):decision_id>")
def show(decision_id: int) -> ResponseReturnValue:
    """Show one decision, or why it is gone."""
    try:
        decision = queries.get_published(decision_id, on=clock.today())
    except Gone as gone:
        page = render_template("public/decisions/gone.html", decision=gone.details["decision"])
        return page, 410, {"X-Robots-Tag": "noindex"}
    return render_template("public/decisions/show.html", **public_view(decision))


def public_view(decision: Decision) -> dict[str, Any]:
    """Return what the public page shows of a decision; a reviewer sees the same before it is public."""
    published_on = clock.local(decision.published_at).date() if decision.published_at else None
    worked = get_calendar().working_days_between(decision.decided_on, published_on) if published_on else None
    return {
        "decision": decision,
        "party": rules.public_party_name(decision.party.kind, decision.party.name),
        "published_on": published_on,
        "working_days": worked,
        "remedy": rules.remedy(decision.kind, on_the_spot=decision.on_the_spot),
        "measures": rules.MEASURES,
        "kind_label": KIND_LABELS[decision.kind],
    }
