"""Two versions of a text, article by article."""

from flask import Blueprint, render_template

from portal.bases.queries import list_articles
from portal.bases.rules import article_key
from portal.basis_versions import queries, rules

blueprint = Blueprint("basis_versions", __name__, url_prefix="/bases")


@blueprint.get("/<slug>/compare/<other>")
def compare(slug: str, other: str) -> str:
    """Show what changed from the older of two versions to the newer."""
    old, new = queries.get_pair(slug, other)
    comparison = rules.compare(list_articles(old.id), list_articles(new.id))
    return render_template(
        "public/basis_versions/compare.html", old=old, new=new, comparison=comparison, article_key=article_key
    )
