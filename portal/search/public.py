"""Public pages of this feature."""

from flask import Blueprint

blueprint = Blueprint("search", __name__, url_prefix="/search")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return ""
