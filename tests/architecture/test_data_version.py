"""Nothing that a kept page shows changes without the version of the data: on both databases, whoever writes."""

import re
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from portal import data_version
from portal.db import Model, db
from tests.counting import counted_queries
from tests.factories.bases import make_basis
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ

# The front page's figures of complaints and texts, which may be as old as a kept page may get.
FIGURES = {"complaint", "message"}
MOST_PAGES = 150
READ = re.compile(r"\b(?:FROM|JOIN)\s+\"?([a-z_]+)", re.IGNORECASE)


def test_every_table_is_watched_unless_it_is_said_why_not(app: Flask) -> None:
    assert set(Model.metadata.tables) >= data_version.UNWATCHED
    wanted = data_version.triggers(db.engine.dialect.name, data_version.watched())
    assert data_version.list_triggers() == set(wanted)


def test_every_change_of_a_watched_table_counts(app: Flask) -> None:
    read = data_version.make_reader(db.engine)
    assert read is not None
    make_organ()
    db.session.commit()
    certain = 1 if db.engine.dialect.name == "sqlite" else "true"
    for statement in (
        "UPDATE organ SET phone = '1'",
        f"INSERT INTO calendar_day (day, kind, name, certain) VALUES ('2031-01-01', 'holiday', 'x', {certain})",
        "DELETE FROM calendar_day WHERE day = '2031-01-01'",
    ):
        before = read()
        db.session.execute(sa.text(statement))
        assert read() == before
        db.session.commit()
        assert (read() or 0) > (before or 0), statement


def visit(app: Flask) -> Iterator[tuple[str, bool, set[str]]]:
    """Go from link to link; yields each page's address, whether it is kept, and the tables that it read."""
    reader = app.test_client(use_cookies=False)
    waiting, seen = ["/", "/sitemap"], {"/", "/sitemap"}
    for _ in range(MOST_PAGES):
        if not waiting:
            return
        path = waiting.pop(0)
        with counted_queries() as statements:
            answer = reader.get(path)
        tables = {name for statement in statements for name in READ.findall(statement)}
        yield path, "ETag" in answer.headers, tables & set(Model.metadata.tables)
        if "ETag" not in answer.headers or answer.mimetype != "text/html":
            continue
        for link in BeautifulSoup(answer.text, "html.parser").select("a[href^='/']"):
            target = str(link["href"]).partition("#")[0]
            # Who asks for a language or for large letters is given a cookie.
            if target not in seen and not re.search(r"[?&](lang|mode)=|^/static", target):
                seen.add(target)
                waiting.append(target)


def test_kept_pages_read_watched_tables_only(app: Flask, tmp_path: Path) -> None:
    make_basis(tmp_path)
    for number in range(3):
        make_decision(organ=make_organ(name=f"虚构{number}局"))
    db.session.commit()
    kept, wrong = set(), {}
    for path, is_kept, tables in visit(app):
        if is_kept:
            kept.add(path)
            allowed = FIGURES if path == "/" else set()
            unwatched = tables & data_version.UNWATCHED - allowed
            if unwatched:
                wrong[path] = unwatched
    assert wrong == {}
    assert {"/", "/decisions", "/organs", "/bases", "/procedures", "/search"} <= kept
    assert any(re.fullmatch(r"/decisions/\d+", path) for path in kept)
