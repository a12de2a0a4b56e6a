"""Reading the index, with one face for both databases.

Ids grow with the day of publication, so the newest are found without sorting. SQLite's full-text table gives its hits
in that order. PostgreSQL's inverted index gives all hits in none, so what a search costs there is bounded in steps: a
look at the newest entries finds words that are common, a look into the index words that are rare; what is between is
looked for month by month.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.paging import COUNT_CAP, SIZE, Page, list_page
from portal.search import rules
from portal.search.models import EntryKind, SearchEntry
from portal.search.rules import Term

log = logging.getLogger(__name__)

# Results that have a page.
MOST = COUNT_CAP // SIZE * SIZE
# PostgreSQL: how many of the newest entries are looked at, and how many hits are read to be sorted.
LOOKED_AT, SORTED = 500, 1000
LONGEST_MONTH = 31
# Titles that are compared with what was asked for, and how many suggestions of a sort are shown.
COMPARED, MOST_SUGGESTED = 200, 3
# How much of a text is compared with titles, and how many words one has to share to be close to it.
SIMILAR_TO, LEAST_SHARED = 300, 2
MAY_SHOW = "{id} BETWEEN :first AND :last AND {id} NOT IN (SELECT id FROM search_entry WHERE published_until < :on)"

SQLITE_HITS = f"FROM search_index WHERE search_index MATCH :words AND {MAY_SHOW.format(id='rowid')}"
POSTGRESQL_HITS = f"FROM search_entry WHERE search_index @@ CAST(:words AS tsquery) AND {MAY_SHOW.format(id='id')}"
COUNTED = "(SELECT count(*) FROM (SELECT 1 {hits} LIMIT :cap) AS counted)"

ON_SQLITE = sa.text(f"SELECT rowid {SQLITE_HITS} ORDER BY rowid DESC LIMIT :limit OFFSET :skipped")
# Among so many of the newest.
NEWEST = sa.text(
    "SELECT id FROM (SELECT id, search_index, published_until FROM search_entry WHERE id BETWEEN :first AND :last "
    "ORDER BY id DESC LIMIT :looked_at) AS newest WHERE search_index @@ CAST(:words AS tsquery) "
    "AND (published_until IS NULL OR published_until >= :on) ORDER BY id DESC LIMIT :limit"
)
# Or the planner may walk the whole table in the order of ids and test every entry on the way.
MATERIALIZED = "WITH hits AS MATERIALIZED (SELECT id {hits} LIMIT :limit) SELECT id FROM hits"
HITS = sa.text(MATERIALIZED.format(hits=POSTGRESQL_HITS))
# The first of some months, the newest first, in which there is any hit.
MONTH = sa.text(
    "SELECT mark FROM unnest(CAST(:marks AS text[])) AS mark WHERE EXISTS (SELECT 1 FROM search_entry "
    "WHERE search_index @@ (CAST(:words AS tsquery) && CAST(quote_literal(mark) AS tsquery))) LIMIT 1"
)
ENDS = sa.text("SELECT min(id), max(id) FROM search_entry WHERE id BETWEEN :first AND :last")
COLUMNS = (
    SearchEntry.id,
    SearchEntry.kind,
    SearchEntry.url,
    SearchEntry.title,
    SearchEntry.passage,
    SearchEntry.published_on,
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a reader asks the index for, on which day; the period is that of publication."""

    query: str
    on: date
    number: int = 1
    kind: EntryKind | None = None
    organ_id: int | None = None
    since: date | None = None
    until: date | None = None
    newest: bool = False

    @property
    def narrowed(self) -> bool:
        """Whether anything but words is asked for."""
        return any((self.kind, self.organ_id, self.since, self.until))

    @property
    def period(self) -> dict[str, int]:
        """The ids that an entry of the period can have."""
        first, until = rules.first_id(self.since) if self.since else 0, self.until or date.max
        return {"first": first, "last": rules.first_id(until) | ((1 << rules.DAY_BITS) - 1)}


@dataclass(frozen=True)
class Found:
    """One page of results, the number of results of each kind, whether there are more than any page shows, and whether
    only titles were searched.
    """

    page: Page[Any]
    counts: Mapping[EntryKind, int] = field(default_factory=dict)
    capped: bool = False
    titles_only: bool = False

    @property
    def total(self) -> int:
        return min(sum(self.counts.values()), COUNT_CAP)


@dataclass(frozen=True)
class Suggestions:
    """What to ask instead: shorter queries with what they find, and things whose titles come near."""

    shorter: Sequence[tuple[str, int]]
    nearest: Sequence[Any]


def list_found(asked: Asked) -> Found:
    """Return what a query finds among what is public that day; only titles are searched when the index fails."""
    try:
        return _found(asked)
    except sa.exc.DBAPIError:
        log.exception("the search index failed; titles only")
        db.session.rollback()
    return _found_by_title(asked)


def _found(asked: Asked) -> Found:
    counts = count_by_kind(asked)
    kinds = [asked.kind] if asked.kind else list(counts)
    found = sum(counts.get(kind, 0) for kind in kinds)
    total = min(found, MOST)
    number = min(asked.number, max(1, -(-total // SIZE)))
    ids = list_ids(asked, skipped=(number - 1) * SIZE, limit=SIZE) if total else []
    rows = db.session.execute(sa.select(*COLUMNS).where(SearchEntry.id.in_(ids))) if ids else ()
    by_id = {row.id: row for row in rows}
    return Found(
        Page([by_id[number] for number in ids if number in by_id], number, total), counts, capped=found > total
    )


def list_ids(asked: Asked, *, skipped: int, limit: int) -> Sequence[int]:
    """Return the ids of entries: the newest first, or what has the very document number that is asked for, then those
    with the words in their title, then the newest others.
    """
    groups, marks = _groups(asked), _marks(asked)
    ids: list[int] = []
    for place, words in enumerate(groups):
        terms, before = [*words, *marks], groups[:place]
        found = _newest(terms, before, asked, skipped, limit - len(ids))
        ids += found
        if len(ids) == limit or place == len(groups) - 1:
            break
        skipped = 0 if found or not skipped else max(0, skipped - _counts([(terms, before)], asked)[0])
    return ids


def _groups(asked: Asked) -> list[list[str]]:
    """Return the words that entries have to hold, of the group that is shown first and of those after it."""
    words, number = rules.query_words(asked.query), rules.number_mark(asked.query)
    if asked.newest:
        return [words]
    groups = [rules.in_title(words), words]
    return [[number, *words], *groups] if number else groups


def count_by_kind(asked: Asked) -> dict[EntryKind, int]:
    """Return how many entries of each kind a query finds, each counted up to COUNT_CAP; kinds without any are left out.

    The kind that is asked for narrows nothing here.
    """
    terms = [*rules.query_words(asked.query), *_marks(replace(asked, kind=None))]
    counted = _counts([([*terms, rules.kind_mark(kind)], ()) for kind in EntryKind], asked)
    return {kind: number for kind, number in zip(EntryKind, counted, strict=True) if number}


def suggest(asked: Asked) -> Suggestions:
    """Return what a reader might ask instead, who found nothing."""
    words = rules.shorter(asked.query)
    counted = _counts([(rules.query_words(text), ()) for text in words], Asked(query="", on=asked.on))
    shorter = [(text, number) for text, number in zip(words, counted, strict=True) if number]
    return Suggestions(shorter[:MOST_SUGGESTED], _nearest(asked))


def list_similar(text: str, *, kinds: Sequence[EntryKind], on: date, most: int) -> Sequence[Any]:
    """Return public things of some kinds whose titles share words with a text, at least two, the closest first.

    Only the first words of the text count, and of those things the newest are looked at.
    """
    words = rules.search_text(text[:SIMILAR_TO]).split()
    marks = tuple(rules.kind_mark(kind) for kind in kinds)
    if len(words) < LEAST_SHARED:
        return []
    ids = _newest([tuple(rules.in_title(words)), marks], (), Asked(query="", on=on), 0, COMPARED)
    rows = db.session.execute(sa.select(*COLUMNS).where(SearchEntry.id.in_(ids))).all() if ids else []
    shared = {row.id: rules.shared_words(row.title, words) for row in rows}
    near = [row for row in rows if shared[row.id] >= LEAST_SHARED]
    near.sort(key=lambda row: (-shared[row.id], -rules.likeness(row.title, words), -row.id))
    return near[:most]


def _nearest(asked: Asked) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the organs, bases and procedures whose titles share most with what was asked for."""
    words = rules.query_words(asked.query)
    kinds = tuple(rules.kind_mark(kind) for kind in (EntryKind.ORGAN, EntryKind.BASIS, EntryKind.PROCEDURE))
    ids = _newest([tuple(rules.in_title(words)), kinds], (), Asked(query="", on=asked.on), 0, COMPARED)
    rows = db.session.execute(sa.select(*COLUMNS).where(SearchEntry.id.in_(ids))).all() if ids else []
    return sorted(rows, key=lambda row: (-rules.likeness(row.title, words), -row.id))[:MOST_SUGGESTED]


def _marks(asked: Asked) -> list[str]:
    kinds = [rules.kind_mark(asked.kind)] if asked.kind else []
    return [*kinds, *([rules.organ_mark(asked.organ_id)] if asked.organ_id else [])]


def _on_sqlite() -> bool:
    return bool(db.engine.dialect.name == "sqlite")


def _counts(questions: Sequence[tuple[Sequence[Term], Sequence[Sequence[str]]]], asked: Asked) -> list[int]:
    """Return how many entries each question finds, terms and what is not to be there, counted up to COUNT_CAP, in one
    statement.
    """
    if not questions:
        return []
    hits, say = (SQLITE_HITS, rules.fts5_query) if _on_sqlite() else (POSTGRESQL_HITS, rules.tsquery)
    parts = [COUNTED.format(hits=hits.replace(":words", f":words{place}")) for place in range(len(questions))]
    values = {f"words{place}": say(*question) for place, question in enumerate(questions)}
    row = db.session.execute(
        sa.text(f"SELECT {', '.join(parts)}"), {**_bounds(asked), **values, "cap": COUNT_CAP}
    ).one()
    return [int(number) for number in row]


def _bounds(asked: Asked) -> dict[str, Any]:
    return {**asked.period, "on": asked.on.isoformat() if _on_sqlite() else asked.on}


def _newest(
    terms: Sequence[Term], unless: Sequence[Sequence[str]], asked: Asked, skipped: int, limit: int
) -> Sequence[int]:
    """Return the ids of the newest entries that hold all terms, but not all of any in `unless`, after those skipped."""
    if not _on_sqlite():
        return _newest_on_postgresql(rules.tsquery(terms, unless), asked, skipped + limit)[skipped:]
    values = {**_bounds(asked), "words": rules.fts5_query(terms, unless), "limit": limit, "skipped": skipped}
    return db.session.scalars(ON_SQLITE, values).all()


def _newest_on_postgresql(words: str, asked: Asked, wanted: int) -> list[int]:
    values = {**_bounds(asked), "words": words, "limit": wanted}
    ids = list(db.session.scalars(NEWEST, {**values, "looked_at": max(LOOKED_AT, wanted)}))
    if len(ids) >= wanted:
        return ids
    hits = db.session.scalars(HITS, {**values, "limit": SORTED + 1}).all()
    if len(hits) <= SORTED:
        return sorted(hits, reverse=True)[:wanted]
    ids = []
    for ids_of_month in _month_by_month(words, values):
        ids += ids_of_month[: wanted - len(ids)]
        if len(ids) >= wanted:
            break
    return ids


def _month_by_month(words: str, values: Mapping[str, Any]) -> Iterator[Sequence[int]]:
    """Yield the hits of each month, the newest first; of a month with very many only as many as are wanted."""
    oldest, newest = db.session.execute(ENDS, {"first": values["first"], "last": values["last"]}).one()
    months = rules.months(rules.day_of(oldest), rules.day_of(newest)) if oldest else []
    while months:
        marks = {rules.month_mark(month): month for month in months}
        mark = db.session.scalar(MONTH, {"words": words, "marks": list(marks)})
        if mark is None:
            return
        month = marks[mark]
        end = rules.first_id(month) + (LONGEST_MONTH << rules.DAY_BITS) - 1
        period = {"first": max(values["first"], rules.first_id(month)), "last": min(values["last"], end)}
        asked = {**values, **period, "words": f"({words}) & '{mark}'"}
        hits = db.session.scalars(HITS, {**asked, "limit": SORTED + 1}).all()
        if len(hits) > SORTED:
            yield db.session.scalars(NEWEST, {**asked, "looked_at": None}).all()
        else:
            yield sorted(hits, reverse=True)
        months = [other for other in months if other < month]


def _found_by_title(asked: Asked) -> Found:
    """Find what has every word in its title, the slow way: when the index is broken."""
    words = [SearchEntry.title_key.contains(word, autoescape=True) for word, _han in rules.runs(asked.query)]
    public = SearchEntry.published_until.is_(None) | (SearchEntry.published_until >= asked.on)
    period = SearchEntry.id.between(asked.period["first"], asked.period["last"])
    statement = sa.select(*COLUMNS).where(*words, public, period)
    if asked.kind:
        statement = statement.where(SearchEntry.kind == asked.kind)
    if asked.organ_id:
        statement = statement.where(SearchEntry.organ_id == asked.organ_id)
    page = list_page(statement.order_by(SearchEntry.id.desc()), asked.number)
    return Found(page, {asked.kind or EntryKind.DECISION: page.total}, titles_only=True)
