"""What an anonymous list page costs against a bare Flask page in the same process: CPU time, rounds interleaved."""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextvars import Context
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from portal.db import db
from portal.decisions.models import Decision
from portal.rendering import KeptPieces
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ

ROUNDS = 30
REQUESTS = 20
ROWS = 200
# As many as a county has, all of them in the page's filter.
ORGANS = 12
BOUND = 7.0
# Our own, for readers who come after every row has changed.
NEW_BOUND = 20.0


def hello() -> Flask:
    """Return the least application Flask allows."""
    app = Flask("hello")
    app.add_url_rule("/", view_func=lambda: "hello")
    return app


def forget_rows(app: Flask) -> None:
    """Have the rows of the list written anew, as if all were new to the portal."""
    pieces = app.jinja_env.extensions[f"{KeptPieces.__module__}.{KeptPieces.__name__}"].pieces  # type: ignore[attr-defined]
    for key in [key for key in pieces if key[1] == "decision"]:
        del pieces[key]


def cost(app: Flask, path: str, *, before: Callable[[], object] = lambda: None) -> float:
    """Return the CPU time of one request, in microseconds, over a round of them; `before` each, something is done."""
    environ = EnvironBuilder(path).get_environ()
    begun = time.process_time()
    for _ in range(REQUESTS):
        before()
        chunks, status, _headers = Context().run(run_wsgi_app, app, dict(environ))
        b"".join(chunks)
        assert status.startswith("200"), status
    return (time.process_time() - begun) / REQUESTS * 1e6


def medians(*sides: Callable[[], float]) -> list[float]:
    """Return the median of each side, measured in turns so that a noisy moment meets all of them."""
    for side in sides:
        side()
    rounds = [[side() for side in sides] for _ in range(ROUNDS)]
    return [statistics.median(values) for values in zip(*rounds, strict=True)]


def fill_decisions(app: Flask, *, rows: int, organs: int) -> None:
    """Publish so many decisions of so many organs."""
    with app.app_context():
        some = [make_organ() for _ in range(organs)]
        for number in range(rows):
            make_decision(organ=some[number % organs])
        db.session.commit()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Decision)) == rows
        db.session.rollback()


def run() -> list[Row]:
    """Measure the list of decisions, with no page kept."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder), f"sqlite:///{folder}/portal.db", page_cache_mb=0)
        prepare(settings)
        app, bare = make_app(settings), hello()
        fill_decisions(app, rows=ROWS, organs=ORGANS)
        page, new, least = medians(
            lambda: cost(app, "/decisions"),
            lambda: cost(app, "/decisions", before=lambda: forget_rows(app)),
            lambda: cost(bare, "/"),
        )
        detail = "{:,.0f} µs against {:,.0f} µs of CPU a request"
        name = "anonymous list of 20 decisions, {} : bare Flask"
        return [
            Row(name.format("not kept"), page / least, BOUND, detail=detail.format(page, least)),
            Row(name.format("all rows new"), new / least, NEW_BOUND, detail=detail.format(new, least)),
        ]
