"""Laws, each with its contents and an address for every article."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.bases import queries, rules
from portal.bases.forms import LEVEL_LABELS, STANDING_LABELS, STANDING_TONES
from portal.bases.rules import Standing
from portal.cells import read_day
from portal.errors import NotFound
from portal.law_texts.rules import DAY
from portal.paging import page_number

blueprint = Blueprint("bases", __name__, url_prefix="/bases")

MAX_KEYWORD = 60


def typed_keyword() -> str:
    """Return the word a reader filters by."""
    return request.args.get("q", "").replace("\x00", "").strip()[:MAX_KEYWORD]


@blueprint.context_processor
def words() -> dict[str, Any]:
    """Give every page of this room its words."""
    return {
        "article_key": rules.article_key,
        "level_labels": LEVEL_LABELS,
        "standing_labels": STANDING_LABELS,
        "standing_tones": STANDING_TONES,
        "starts_on": rules.starts_on,
        "last_day": lambda text: text.ended_on - DAY,
        "standing_of": lambda basis: queries.standing_of(basis, clock.today()),
    }


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """List the laws."""
    keyword = typed_keyword()
    level = request.args.get("level", "").replace("\x00", "")
    standing = next((item for item in Standing if item == request.args.get("status")), None)
    number = page_number(request.args.get("page"))
    page = queries.list_bases(keyword=keyword, level=level, standing=standing, on=clock.today(), number=number)
    return render_template(
        "public/bases/index.html",
        page=page,
        keyword=keyword,
        level=level,
        standing=standing,
        levels=queries.list_levels(),
    )


@blueprint.get("/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """Show one law: its contents, its text, its versions, and which of them held on a day."""
    newest = queries.find_newest(slug)
    if newest is not None:
        return redirect(url_for(".show", slug=newest))
    basis = queries.get_basis(slug)
    keyword, asked = typed_keyword(), request.args.get("on", "").replace("\x00", "").strip()[:40]
    articles = queries.list_articles(basis.id, keyword=keyword)
    return render_template(
        "public/bases/show.html",
        basis=basis,
        articles=articles,
        chapters=rules.chapters(articles),
        keyword=keyword,
        versions=queries.list_versions(basis, clock.today()),
        asked=asked,
        on=read_day(asked),
    )


@blueprint.get("/<slug>/chapters/<int:number>")
def chapter(slug: str, number: int) -> str:
    """Show one chapter, counted from the beginning of the text."""
    basis = queries.get_basis(slug)
    articles = queries.list_articles(basis.id)
    chapters = rules.chapters(articles)
    if not 1 <= number <= len(chapters):
        raise NotFound(_l("This law has no such chapter."))
    shown = [entry for entry in articles if entry.chapter == chapters[number - 1].title]
    return render_template("public/bases/chapter.html", basis=basis, articles=shown, chapters=chapters, number=number)


@blueprint.get("/<slug>/articles/<key>")
def article(slug: str, key: str) -> ResponseReturnValue:
    """Show one article, and what rests on it."""
    newest = queries.find_newest(slug)
    if newest is not None:
        return redirect(url_for(".article", slug=newest, key=key))
    basis = queries.get_basis(slug)
    found = queries.get_article(basis, rules.parse_article_key(key))
    return render_template(
        "public/bases/article.html", basis=basis, article=found, neighbours=queries.find_neighbours(found)
    )
