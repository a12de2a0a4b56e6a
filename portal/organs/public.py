"""Public pages of this feature."""

from flask import Blueprint

blueprint = Blueprint("organs", __name__)


@blueprint.get("/organs")
def index() -> str:
    """Show the page."""
    return ""


@blueprint.get("/officers/check")
def check() -> str:
    """Show the page."""
    return ""
