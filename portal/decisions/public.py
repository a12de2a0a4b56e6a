"""Public pages of this feature."""

from flask import Blueprint

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return ""
