"""The front page and the pages about the portal itself."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import sqlalchemy as sa
from flask import Blueprint, render_template

from portal import clock
from portal.db import db
from portal.decisions.queries import list_newest, public_party_name
from portal.home import queries

log = logging.getLogger(__name__)

blueprint = Blueprint("home", __name__)

NEWEST = 5
FIGURE_DAYS = 30
T = TypeVar("T")


def block(name: str, build: Callable[[], T]) -> T | None:
    """Return a block of the page, or None when it fails: the rest of the page stays up."""
    try:
        return build()
    except sa.exc.SQLAlchemyError:
        log.exception("the front page is without its block %s", name)
        db.session.rollback()
        return None


@blueprint.get("/")
def index() -> str:
    """Say what can be done here, what is public, and what is new."""
    today = clock.today()
    since = clock.start_of(today - timedelta(days=FIGURE_DAYS))
    return render_template(
        "public/home/index.html",
        counts=block("counts", lambda: queries.count_public(on=today)),
        newest=block("newest", lambda: list_newest(on=today, limit=NEWEST)),
        figures=block("figures", lambda: queries.count_since(since, on=today)),
        party_name=public_party_name,
    )


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
