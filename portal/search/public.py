"""The search page."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from portal import clock
from portal.paging import page_number, whole_number
from portal.search import queries, rules
from portal.search.models import EntryKind

blueprint = Blueprint("search", __name__, url_prefix="/search")

KIND_LABELS = {
    EntryKind.BASIS: _l("Basis"),
    EntryKind.ARTICLE: _l("Article"),
    EntryKind.PROCEDURE: _l("Procedure"),
    EntryKind.DECISION: _l("Decision"),
    EntryKind.ORGAN: _l("Organ"),
    EntryKind.POWER: _l("Power item"),
    EntryKind.DISCRETION: _l("Discretion standard"),
    EntryKind.ANSWER: _l("Case and answer"),
}


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """Show what a query finds, with counts for each kind; where it finds nothing, what to ask instead."""
    asked = read_asked()
    short = rules.too_short(asked.query)
    found = None if short else queries.list_found(asked)
    return render_template(
        "public/search/index.html",
        asked=asked,
        short=short,
        found=found,
        instead=queries.suggest(asked) if found and not found.page.items else None,
        address=make_address(asked),
        passage=passage,
        whole=whole,
        kind_labels={kind: str(label) for kind, label in KIND_LABELS.items()},
        most=queries.MOST,
    )


def read_asked() -> queries.Asked:
    """Return what an address asks for; nonsense is no filter."""
    args = request.args
    organ_id = whole_number(args.get("organ"))
    return queries.Asked(
        query=args.get("q", "").replace("\x00", "").strip()[: rules.MAX_QUERY],
        on=clock.today(),
        number=page_number(args.get("page")),
        kind=next((kind for kind in EntryKind if kind == args.get("kind")), None),
        organ_id=organ_id or None,
        since=read_day(args.get("since")),
        until=read_day(args.get("until")),
        newest=args.get("sort") == "date",
    )


def read_day(text: str | None) -> date | None:
    """Return a day from an address, or None."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def make_address(asked: queries.Asked) -> Callable[..., str]:
    """Return what gives this page's address with something changed; the first page unless one is asked for."""
    kept: dict[str, Any] = {
        "q": asked.query,
        "kind": asked.kind.value if asked.kind else None,
        "organ": asked.organ_id,
        "since": asked.since,
        "until": asked.until,
        "sort": "date" if asked.newest else None,
    }

    def address(**changes: Any) -> str:
        return url_for("search.index", **{name: value for name, value in (kept | changes).items() if value})

    return address


def passage(text: str, query: str) -> Markup:
    """Return a passage with what was asked for marked; every piece is escaped before a mark is put around it."""
    return _join(rules.marked(text, query))


def whole(text: str, query: str) -> Markup:
    """Return a whole text with what was asked for marked."""
    return _join(rules.marked(text, query, length=len(text)))


def _join(pieces: list[tuple[str, bool]]) -> Markup:
    return Markup("").join(Markup("<mark>{}</mark>").format(piece) if hit else escape(piece) for piece, hit in pieces)
