"""Who enforces, and whether a card that somebody shows is valid."""

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.limits import limited
from portal.organs import queries, rules
from portal.organs.models import OrganKind
from portal.paging import page_number

blueprint = Blueprint("organs", __name__)

KIND_LABELS = {
    OrganKind.STATUTORY: _l("Enforces in its own name by law"),
    OrganKind.AUTHORISED: _l("Authorised by a law or regulation"),
    OrganKind.ENTRUSTED: _l("Entrusted by an enforcement organ"),
}
MAX_KEYWORD = 100


@blueprint.get("/organs", strict_slashes=False)
def index() -> str:
    """List the organs."""
    keyword = request.args.get("q", "").replace("\x00", "").strip()[:MAX_KEYWORD]
    page = queries.list_organs(on=clock.today(), keyword=keyword, number=page_number(request.args.get("page")))
    return render_template("public/organs/index.html", page=page, keyword=keyword, kind_labels=KIND_LABELS)


@blueprint.get("/organs/<slug>")
def show(slug: str) -> str:
    """Show one organ."""
    organ = queries.get_organ(slug)
    officers = queries.count_valid_officers(organ.id, on=clock.today())
    return render_template("public/organs/show.html", organ=organ, officers=officers, kind_labels=KIND_LABELS)


@blueprint.get("/officers/check")
@limited("10 per minute; 60 per hour", when=lambda: request.args.get("number"))
def check() -> str:
    """Say whether a card is valid now; there is no list of officers to look through."""
    typed = request.args.get("number", "").replace("\x00", "").strip()[: rules.MAX_NUMBER]
    moment = clock.now()
    card = queries.find_card(typed, on=clock.today()) if typed else None
    return render_template(
        "public/organs/check.html", typed=typed, card=card, checked_at=moment, states=rules.CardState
    )
