"""Public pages of this feature."""

from flask import Blueprint

blueprint = Blueprint("procedures", __name__, url_prefix="/procedures")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return ""
