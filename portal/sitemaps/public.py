"""Sitemaps, robots.txt, and what the head of every public page says of its place in the site."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TypedDict
from urllib.parse import urlencode

from flask import Blueprint, Response, request, stream_with_context, url_for
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.cli import current_settings
from portal.errors import NotFound
from portal.security import is_private
from portal.sitemaps import queries, rules

blueprint = Blueprint("sitemaps", __name__)

# Pages that stand by themselves.
PAGES = (
    "home.index",
    "decisions.index",
    "figures.index",
    "organs.index",
    "organs.recognitions",
    "powers.index",
    "discretion.index",
    "bases.index",
    "procedures.index",
    "organs.check",
    "answers.index",
    "transparency.index",
    "open_data.index",
    "complaints.new",
    "complaints.track",
    "home.accessibility",
    "home.privacy",
    "home.sitemap",
)
COLUMNS = {
    "decisions": (_l("Enforcement decisions"), _l("Permits, penalties, inspections and coercive measures.")),
    "figures": (_l("Enforcement decisions"), _l("Figures over what is published.")),
    "organs": (_l("Enforcement organs"), _l("Who may enforce, and whose card is valid.")),
    "powers": (_l("Power list"), _l("What the organs may do, and on which article it rests.")),
    "discretion": (
        _l("Discretion standards"),
        _l(
            "What a violation costs, from no penalty to the heaviest, and on what it depends. "
            "Look up your own case or trade."
        ),
    ),
    "bases": (_l("Enforcement bases"), _l("Laws, regulations and rules, article by article.")),
    "procedures": (_l("Enforcement procedures"), _l("What happens in which order, and within what time.")),
    "answers": (_l("Cases and answers"), _l("What others have complained about or asked, and what came of it.")),
    "transparency": (_l("Public log of publication"), _l("What was published, corrected and withdrawn, and when.")),
    "open_data": (_l("Open data"), _l("Feeds, exports and an interface for programs.")),
}
# What an address may carry without naming another page.
LOOKS = ("lang", "mode")


class Column(TypedDict):
    """A column of the site, as the tags of government sites describe it."""

    name: str
    description: str
    keywords: str


@blueprint.get("/sitemap.xml")
def index() -> Response:
    """List the sitemaps."""
    parts = [url_for("sitemaps.pages"), url_for("sitemaps.registers")]
    parts += [url_for("sitemaps.decisions", part=part) for part in queries.list_parts(clock.today())]
    return xml([rules.index(current_settings().public_url, parts)])


@blueprint.get("/sitemaps/pages.xml")
def pages() -> Response:
    """List the pages that stand by themselves."""
    return xml(urlset([(url_for(endpoint), None) for endpoint in PAGES]))


@blueprint.get("/sitemaps/registers.xml")
def registers() -> Response:
    """List what the registers hold, each with its own page."""
    return xml(urlset([(path, None) for path in queries.list_registers(clock.today())]))


@blueprint.get("/sitemaps/decisions-<int:part>.xml")
def decisions(part: int) -> Response:
    """List the public decisions of one stretch of ids."""
    if part > 2**31 // rules.MOST:
        raise NotFound(_l("There is nothing at this address."))
    found = queries.walk_decisions(part, clock.today())
    return xml(stream_with_context(urlset(found)))


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Say what robots may read; a demonstration's invented cases belong in no search engine."""
    settings = current_settings()
    return Response(rules.robots(settings.public_url, closed=settings.demo), mimetype="text/plain")


def urlset(found: Iterable[tuple[str, date | None]]) -> Iterator[str]:
    """Yield a sitemap of this site."""
    return rules.urlset(current_settings().public_url, found)


def xml(lines: Iterable[str]) -> Response:
    """Return an answer in XML."""
    return Response(lines, mimetype="application/xml")


@blueprint.app_template_global("canonical_url")
def canonical_url() -> str:
    """Return the one address of this page, whatever language or mode it is read in; empty for private ones."""
    if request.endpoint is None or is_private(request.path):
        return ""
    address = f"{current_settings().public_url}{request.path}"
    if not request.query_string:
        return address
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in LOOKS and value]
    return f"{address}?{urlencode(kept)}" if kept else address


@blueprint.app_template_global("site_column")
def site_column() -> Column | None:
    """Return the column that this page belongs to, if it belongs to one."""
    words = COLUMNS.get(request.blueprint or "")
    if words is None:
        return None
    name, description = map(str, words)
    return Column(name=name, description=description, keywords=f"{name},{current_settings().city_name}")
