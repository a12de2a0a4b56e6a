"""The first page after sign-in: what waits for this member of staff."""

from flask import Blueprint, render_template

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def index() -> str:
    """Show what waits."""
    return render_template("staff/home/index.html")
