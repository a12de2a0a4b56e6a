"""Who enforces, who was recognised to, and whether a card that somebody shows is valid."""

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.fields import one_line
from portal.limits import limited
from portal.organs import queries, rules
from portal.organs.forms import KIND_LABELS
from portal.organs.models import OrganKind
from portal.paging import page_number

blueprint = Blueprint("organs", __name__)

MAX_KEYWORD = 100


@blueprint.get("/organs", strict_slashes=False)
def index() -> str:
    """List the organs."""
    args = request.args
    wanted = queries.Wanted(
        keyword=one_line(args.get("q"))[:MAX_KEYWORD],
        kind=next((kind for kind in OrganKind if kind == args.get("kind")), None),
        ended=args.get("state") == "ended",
    )
    page = queries.list_organs(wanted, on=clock.today(), number=page_number(args.get("page")))
    kept = {name: args[name] for name in ("q", "kind", "state") if args.get(name)}

    def address(number: int) -> str:
        return url_for("organs.index", **kept, page=number)  # type: ignore[arg-type]

    return render_template(
        "public/organs/index.html", page=page, wanted=wanted, kind_labels=KIND_LABELS, address=address
    )


@blueprint.get("/organs/<slug>")
def show(slug: str) -> str:
    """Show one organ."""
    organ = queries.get_organ(slug)
    return render_template(
        "public/organs/show.html",
        organ=organ,
        officers=queries.count_valid_officers(organ.id, on=clock.today()),
        predecessors=queries.list_predecessors(organ.id),
        years=queries.list_years(organ.id),
        kind_labels=KIND_LABELS,
    )


@blueprint.get("/organs/recognitions")
def recognitions() -> str:
    """List the yearly announcements of who is recognised to enforce."""
    page = queries.list_recognitions(page_number(request.args.get("page")))
    return render_template("public/organs/recognitions.html", page=page)


@blueprint.get("/organs/recognitions/<int:year>")
def recognition(year: int) -> str:
    """Show the announcement of one year."""
    found = queries.get_recognition(year)
    organs = sorted((named.organ for named in found.organs), key=lambda organ: (not organ.supervises, organ.id))
    return render_template("public/organs/recognition.html", recognition=found, organs=organs, kind_labels=KIND_LABELS)


@blueprint.get("/officers/check")
@limited("officer", when=lambda: request.args.get("number"))
def check() -> ResponseReturnValue:
    """Say whether a card is valid now; there is no list of officers to look through."""
    typed = request.args.get("number", "").replace("\x00", "").strip()[: rules.MAX_NUMBER]
    moment = clock.now()
    card = queries.find_card(typed, on=clock.today()) if typed else None
    answer = make_response(
        render_template("public/organs/check.html", typed=typed, card=card, checked_at=moment, states=rules.CardState)
    )
    if typed:
        # It names a person and the minute of the check: nobody shall keep it.
        answer.headers["Cache-Control"] = "no-store"
    return answer
