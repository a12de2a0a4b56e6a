"""Laws, each with its contents and an address for every article."""

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from portal.bases import queries, rules
from portal.bases.models import BasisStatus
from portal.paging import page_number

blueprint = Blueprint("bases", __name__, url_prefix="/bases")

STATUS_LABELS = {
    BasisStatus.IN_FORCE: _l("In force"),
    BasisStatus.AMENDED: _l("Amended"),
    BasisStatus.REPEALED: _l("Repealed"),
}
LEVEL_LABELS = {
    "law": _l("National law"),
    "administrative_regulation": _l("Administrative regulation"),
    "local_regulation": _l("Local regulation"),
    "department_rule": _l("Ministry rule"),
    "government_rule": _l("Local government rule"),
}
MAX_KEYWORD = 60


def typed_keyword() -> str:
    """Return the word a reader filters by."""
    return request.args.get("q", "").replace("\x00", "").strip()[:MAX_KEYWORD]


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """List the laws."""
    keyword = typed_keyword()
    level = request.args.get("level", "").replace("\x00", "")
    status = next((status for status in BasisStatus if status == request.args.get("status")), None)
    number = page_number(request.args.get("page"))
    page = queries.list_bases(keyword=keyword, level=level, status=status, number=number)
    return render_template(
        "public/bases/index.html",
        page=page,
        keyword=keyword,
        level=level,
        status=status,
        levels=queries.list_levels(),
        level_labels=LEVEL_LABELS,
        status_labels=STATUS_LABELS,
    )


@blueprint.get("/<slug>")
def show(slug: str) -> str:
    """Show one law: its contents and its text."""
    basis = queries.get_basis(slug)
    keyword = typed_keyword()
    return render_template(
        "public/bases/show.html",
        basis=basis,
        articles=queries.list_articles(basis.id, keyword=keyword),
        keyword=keyword,
        article_key=rules.article_key,
        level_labels=LEVEL_LABELS,
        status_labels=STATUS_LABELS,
    )


@blueprint.get("/<slug>/articles/<key>")
def article(slug: str, key: str) -> str:
    """Show one article, and the decisions that rest on it."""
    basis = queries.get_basis(slug)
    found = queries.get_article(basis, rules.parse_article_key(key))
    return render_template(
        "public/bases/article.html",
        basis=basis,
        article=found,
        neighbours=queries.find_neighbours(found),
        article_key=rules.article_key,
    )
