"""Public pages of this feature."""

from flask import Blueprint

blueprint = Blueprint("complaints", __name__, url_prefix="/complaints")


@blueprint.get("/new")
def new() -> str:
    """Show the page."""
    return ""


@blueprint.get("/track")
def track() -> str:
    """Show the page."""
    return ""
