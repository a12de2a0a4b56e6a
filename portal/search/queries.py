"""Reading the index, with one face for both databases."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.paging import COUNT_CAP, SIZE, Page
from portal.search import rules
from portal.search.models import EntryKind, SearchEntry

log = logging.getLogger(__name__)

MATCH = {
    "sqlite": "SELECT rowid AS id FROM search_index WHERE search_index MATCH :query",
    "postgresql": "SELECT id FROM search_entry "
    "WHERE array_to_tsvector(string_to_array(search_text, ' ')) @@ CAST(:query AS tsquery)",
}
COUNTED = COUNT_CAP * len(EntryKind)


@dataclass(frozen=True)
class Found:
    """One page of results, the number of results of each kind, and whether only titles were searched."""

    page: Page[Any]
    counts: dict[EntryKind, int]
    titles_only: bool = False

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a reader asks the index for, on which day."""

    query: str
    on: date
    number: int = 1
    kind: EntryKind | None = None
    newest: bool = False


def list_found(asked: Asked) -> Found:
    """Return what a query finds among what is public that day; only titles are searched when the index fails."""
    try:
        return _found(_hits(rules.query_tokens(asked.query)), asked)
    except sa.exc.DBAPIError:
        log.exception("the search index failed; titles only")
        db.session.rollback()
    return _found(_title_hits(asked.query), asked, titles_only=True)


def _hits(tokens: Sequence[rules.Token]) -> sa.CTE:
    dialect = db.engine.dialect.name
    words = rules.fts5_query(tokens) if dialect == "sqlite" else rules.tsquery(tokens)
    statement = sa.text(MATCH[dialect]).bindparams(query=words).columns(sa.column("id", sa.Integer))
    # Materialised, or PostgreSQL may walk the whole date index and test every entry on the way.
    return statement.cte("hits").prefix_with("MATERIALIZED")


def _title_hits(query: str) -> sa.CTE:
    words = [SearchEntry.title_key.contains(word, autoescape=True) for word, _han in rules.runs(query)]
    return sa.select(SearchEntry.id).where(*words).cte("hits")


def _found(hits: sa.CTE, asked: Asked, *, titles_only: bool = False) -> Found:
    entry = SearchEntry
    public = entry.published_until.is_(None) | (entry.published_until >= asked.on)
    kinds = sa.select(entry.kind).join(hits, hits.c.id == entry.id).where(public).limit(COUNTED).subquery()
    counted = db.session.execute(sa.select(kinds.c.kind, sa.func.count()).group_by(kinds.c.kind))
    counts = {EntryKind(kind): min(number, COUNT_CAP) for kind, number in counted}
    statement = (
        sa.select(entry.kind, entry.url, entry.title, entry.passage, entry.published_on)
        .join(hits, hits.c.id == entry.id)
        .where(public)
    )
    if asked.kind:
        statement = statement.where(entry.kind == asked.kind)
    if not asked.newest:
        in_title = entry.title_key.contains(rules.title_key(asked.query), autoescape=True)
        statement = statement.order_by(sa.case((in_title, 0), else_=1))
    statement = statement.order_by(entry.published_on.desc(), entry.kind, entry.record_id)
    rows = db.session.execute(statement.limit(SIZE).offset((asked.number - 1) * SIZE)).all()
    total = counts.get(asked.kind, 0) if asked.kind else min(sum(counts.values()), COUNT_CAP)
    return Found(Page(rows, asked.number, total), counts, titles_only)
