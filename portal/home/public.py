"""The front page and the pages about the portal itself."""

from flask import Blueprint, render_template

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def index() -> str:
    """Say what can be done here."""
    return render_template("public/home/index.html")


@blueprint.get("/accessibility")
def accessibility() -> str:
    """Say how the portal is meant to be usable, and whom to tell when it is not."""
    return render_template("public/home/accessibility.html")


@blueprint.get("/privacy")
def privacy() -> str:
    """Give the notice of article 17 of the personal information protection law."""
    return render_template("public/home/privacy.html")


@blueprint.get("/sitemap")
def sitemap() -> str:
    """List the portal's pages."""
    return render_template("public/home/sitemap.html")
