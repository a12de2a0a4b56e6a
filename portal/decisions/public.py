"""Decisions as everybody may read them."""

from datetime import date
from functools import cache
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock, data_version, i18n
from portal.decisions import queries, rules
from portal.decisions.forms import KIND_LABELS
from portal.decisions.models import DecisionKind
from portal.errors import Gone
from portal.organs.queries import list_names
from portal.paging import page_number, whole_number

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")

# What an address narrows a list to, in the order of the form.
FILTERS = (
    "q",
    "organ",
    "kind",
    "since",
    "until",
    "party",
    "industry",
    "place",
    "measure",
    "permit_category",
    "article",
)


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """List what is public, newest first."""
    wanted = read_filter()
    version = data_version.current()
    page = queries.list_published(
        wanted, on=clock.today(), number=page_number(request.args.get("page")), version=version
    )
    kept = kept_filter()
    here = blueprint.url_prefix

    def address(number: int) -> str:
        return url_for("decisions.index", **{**kept, "page": number}) if kept else f"{here}?page={number}"

    return render_template(
        "public/decisions/index.html",
        page=page,
        version=version,
        wanted=wanted,
        kept=kept,
        here=here,
        feed=feed_filter(wanted) if kept else {},
        organs=list_names,
        address=address,
        party_name=queries.public_party_name,
        kind_labels=KIND_LABELS,
        kind_label=lambda kind: _say_kind(i18n.current(), kind),
        measures=rules.MEASURES,
        permit_categories=rules.PERMIT_CATEGORIES,
    )


@cache
def _say_kind(_locale: str, kind: DecisionKind) -> str:
    # Kept for each language, because a word that waits for its reader takes longer to say than the rest of a row.
    return str(KIND_LABELS[kind])


def kept_filter() -> dict[str, Any]:
    """Return what of an address narrows the list, for the addresses of its other pages, exports and feeds."""
    args = request.args
    return {name: args[name] for name in FILTERS if args.get(name)} if args else {}


def feed_filter(wanted: queries.Filter) -> dict[str, Any]:
    """Return what of a filter the feeds know; there is none of an organ that nobody knows."""
    organ_id = wanted.organ_id if wanted.organ_id and any(row.id == wanted.organ_id for row in list_names()) else None
    return {"organ": organ_id, "kind": wanted.kind.value if wanted.kind else None}


def read_filter() -> queries.Filter:
    """Return the filter an address asks for; nonsense is no filter."""
    args = request.args
    if not args:
        return queries.EVERYTHING
    return queries.Filter(
        organ_id=whole_number(args.get("organ")),
        kind=next((kind for kind in DecisionKind if kind == args.get("kind")), None),
        keyword=read_words("q"),
        party=read_words("party"),
        since=read_day(args.get("since")),
        until=read_day(args.get("until")),
        industry=read_words("industry"),
        place=read_words("place"),
        measure=args["measure"] if args.get("measure") in rules.MEASURES else "",
        permit_category=next(
            (entry["name"] for entry in rules.PERMIT_CATEGORIES if entry["name"] == args.get("permit_category")), ""
        ),
        article_id=whole_number(args.get("article")),
    )


def read_words(name: str) -> str:
    """Return the words an address holds under a name."""
    return request.args.get(name, "").replace("\x00", "").strip()[: rules.MAX_KEYWORD]


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


@blueprint.app_template_global("remedy_lines")
def remedy_lines(remedy: str) -> list[dict[str, str]]:
    """Return what a party can do against a decision, line by line."""
    return rules.REMEDIES[remedy]
