"""Static files: addressed by content, so that browsers keep them for a year and never show a stale one."""

import hashlib
from functools import cache
from pathlib import Path
from wsgiref.headers import Headers

from flask import Flask
from whitenoise import WhiteNoise

STATIC = Path(__file__).parent / "static"
SHEETS = ("tokens", "base", "parts", "public", "staff", "print")
YEAR = 365 * 24 * 3600


@cache
def digest(name: str) -> str:
    """Return ten characters that change when the file does."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def static_url(name: str) -> str:
    """Return the address of a static file."""
    return f"/static/{digest(name)}/{name}"


@cache
def addressed() -> dict[str, str]:
    """Return every static file's path under its address."""
    names = [path.relative_to(STATIC).as_posix() for path in sorted(STATIC.rglob("*")) if path.is_file()]
    return {static_url(name): str(STATIC / name) for name in names}


def _add_headers(headers: Headers, _path: str, _url: str) -> None:
    """Leave nothing to a browser's guess, nor to other sites; a picture opened by itself runs nothing."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"


def init_app(app: Flask) -> None:
    """Serve the static files in front of the application."""
    files = WhiteNoise(app.wsgi_app, max_age=YEAR, immutable_file_test=r"^/static/", add_headers_function=_add_headers)
    for url, path in addressed().items():
        files.add_file_to_dictionary(url, path)
    app.wsgi_app = files  # type: ignore[method-assign]
    app.jinja_env.globals.update(static_url=static_url, sheets=[f"css/{name}.css" for name in SHEETS])
