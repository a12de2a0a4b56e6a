"""What a violation costs, as everybody may look it up."""

from typing import Any

from flask import Blueprint, render_template, request, url_for

from portal import clock
from portal.bases.rules import article_key
from portal.discretion import queries, rules
from portal.discretion.forms import TIER_LABELS
from portal.fields import one_line
from portal.paging import page_number, whole_number

blueprint = Blueprint("discretion", __name__, url_prefix="/discretion")

FILTERS = ("q", "trade", "organ", "article", "ended")
MAX_KEYWORD = 100


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """Look standards up by words, trade, organ or article."""
    args = request.args
    keyword, trade = one_line(args.get("q"))[:MAX_KEYWORD], one_line(args.get("trade"))[:MAX_KEYWORD]
    wanted = queries.Wanted(
        on=clock.today(),
        words=keyword.split(),
        trade=trade,
        organ_id=whole_number(args.get("organ")),
        article_id=whole_number(args.get("article")),
        ended=args.get("ended") == "1",
    )
    kept: dict[str, Any] = {name: args[name] for name in FILTERS if args.get(name)}
    return render_template(
        "public/discretion/index.html",
        page=queries.list_standards(wanted, number=page_number(args.get("page"))),
        wanted=wanted,
        keyword=keyword,
        trades=queries.list_trades(),
        organs=queries.list_organs(),
        tier_labels=TIER_LABELS,
        highest=rules.highest,
        address=lambda number: url_for("discretion.index", **{**kept, "page": number}),
    )


@blueprint.get("/<int:standard_id>")
def show(standard_id: int) -> str:
    """Show one standard: its tiers, and what a fine may be."""
    standard = queries.get_standard(standard_id)
    return render_template(
        "public/discretion/show.html",
        standard=standard,
        bars=rules.bars(standard.tiers),
        highest=rules.highest(standard.tiers),
        width=rules.WIDTH,
        validity=rules.validity(standard.valid_from, standard.valid_to, clock.today()),
        article_key=article_key,
        tier_labels=TIER_LABELS,
    )


@blueprint.app_template_global("count_standards")
def count_standards(organ_id: int) -> int:
    """Return how many standards an organ applies or will apply, for its page."""
    return queries.count_standards(organ_id, on=clock.today())
