"""The power list as everybody may read it, and who holds a power on a day."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from portal import clock
from portal.bases.rules import article_key
from portal.cells import read_day
from portal.fields import one_line
from portal.organs.queries import lives_of, load_organs
from portal.organs.rules import acting
from portal.paging import page_number, whole_number
from portal.powers import queries, rules
from portal.powers.forms import CATEGORY_LABELS
from portal.powers.models import PowerCategory

blueprint = Blueprint("powers", __name__, url_prefix="/powers")

FILTERS = ("q", "category", "organ", "article", "on")
MAX_KEYWORD = 100


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """List the powers that there are on a day."""
    organs = load_organs()
    lives, wanted = lives_of(organs), read_wanted()
    page = queries.list_powers(wanted, number=page_number(request.args.get("page")), lives=lives)
    kept: dict[str, Any] = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    return render_template(
        "public/powers/index.html",
        page=page,
        wanted=wanted,
        filtered=bool(kept),
        organs=organs,
        holders={row.id: organs.get(acting(row.holder_id, wanted.on, lives) or 0) for row in page.items},
        grounds=queries.list_grounds(row.id for row in page.items),
        article=queries.find_article(wanted.article_id) if wanted.article_id else None,
        article_key=article_key,
        category_labels=CATEGORY_LABELS,
        address=lambda number: url_for("powers.index", **{**kept, "page": number}),
    )


def read_wanted() -> queries.Wanted:
    """Return the filter an address asks for; nonsense is no filter."""
    args = request.args
    return queries.Wanted(
        on=read_day(args.get("on", "")) or clock.today(),
        category=next((category for category in PowerCategory if category == args.get("category")), None),
        organ_id=whole_number(args.get("organ")),
        keyword=one_line(args.get("q"))[:MAX_KEYWORD],
        article_id=whole_number(args.get("article")),
    )


@blueprint.get("/<code>")
def show(code: str) -> str:
    """Show one power: on what it rests, who held it when, and who holds it on the day asked for."""
    item = queries.get_item(code.upper())
    organs = load_organs()
    holdings = queries.list_holdings(item, lives_of(organs))
    typed = one_line(request.args.get("on"))[:40]
    asked = read_day(typed)
    return render_template(
        "public/powers/show.html",
        item=item,
        organs=organs,
        holdings=holdings,
        transfers={transfer.id: transfer for transfer in item.transfers},
        typed=typed,
        asked=asked,
        problem=_("This is not a day. Write it like 2026-12-31.") if typed and asked is None else "",
        answer=rules.holder_on(holdings, asked) if asked else None,
        current=rules.holder_on(holdings, clock.today()),
        article_key=article_key,
        category_labels=CATEGORY_LABELS,
    )
