"""Sitemaps as sitemaps.org writes them, and what robots are asked to leave alone. Pure."""

from collections.abc import Iterable, Iterator
from datetime import date
from urllib.parse import quote
from xml.sax.saxutils import escape

# The most addresses that one sitemap may hold (sitemaps.org).
MOST = 50_000
SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Private pages, forms, and lists of everything in every order; what they lead to stands in the sitemap.
CLOSED = ("/staff", "/complaints/", "/r/", "/me/", "/hooks/", "/sandbox/", "/search", "/exports/")


def location(root: str, path: str) -> str:
    """Return a path as a whole address, ready for XML."""
    return escape(root + quote(path))


def urlset(root: str, pages: Iterable[tuple[str, date | None]]) -> Iterator[str]:
    """Yield a sitemap line by line."""
    yield f'{HEAD}<urlset xmlns="{SPACE}">\n'
    for path, changed in pages:
        day = f"<lastmod>{changed.isoformat()}</lastmod>" if changed else ""
        yield f"<url><loc>{location(root, path)}</loc>{day}</url>\n"
    yield "</urlset>\n"


def index(root: str, paths: Iterable[str]) -> str:
    """Return the sitemap of sitemaps."""
    lines = "".join(f"<sitemap><loc>{location(root, path)}</loc></sitemap>\n" for path in paths)
    return f'{HEAD}<sitemapindex xmlns="{SPACE}">\n{lines}</sitemapindex>\n'


def robots(root: str, *, closed: bool) -> str:
    """Return robots.txt; a portal that is closed to robots, as a demonstration is, asks them to read nothing."""
    if closed:
        return "User-agent: *\nDisallow: /\n"
    lines = "".join(f"Disallow: {path}\n" for path in CLOSED)
    return f"User-agent: *\n{lines}\nSitemap: {root}/sitemap.xml\n"
