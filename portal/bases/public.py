"""Public pages of this feature."""

from flask import Blueprint

blueprint = Blueprint("bases", __name__, url_prefix="/bases")


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    return ""
