"""What a search takes in the database when a million entries can be found: the newest twenty, whatever was asked for.

Words that nearly every entry holds, words that none does, words of every second entry but only of old ones or of new
ones, pairs as rare as they come, and several together. On PostgreSQL a smaller index is told, not judged: filling it
takes longer than everything else here.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from portal import clock
from portal.db import db, reading
from portal.search import queries, service
from portal.search.models import EntryKind
from tests import databases
from tests.bench.entries import ABSENT, COMMON, NEW, OLD, fill
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare

ENTRIES, FEWER = 1_000_000, 100_000
QUERIES = 60
PUBLISHED = 60
HALF, MOST, PUBLICATION = 1.0, 10.0, 20.0


def sorts_of_queries() -> dict[str, list[str]]:
    """Return queries of each sort."""
    source = random.Random(22)
    statement = sa.text("SELECT passage FROM search_entry WHERE kind = 'decision' ORDER BY id DESC LIMIT 2000")
    texts: Sequence[str] = db.session.scalars(statement).all()

    def pair() -> str:
        start = source.randrange(50, 88)
        return source.choice(texts)[start : start + 2]

    asked: dict[str, Callable[[], str]] = {
        "in nearly every entry": lambda: COMMON,
        "in none": lambda: ABSENT,
        "in half, old": lambda: OLD,
        "in half, new": lambda: NEW,
        "never together": lambda: f"{OLD} {NEW}",
        "a pair": pair,
        "two pairs": lambda: f"{pair()} {pair()}",
        "a pair with a common one": lambda: f"{COMMON} {pair()}",
    }
    return {name: [make() for _ in range(QUERIES)] for name, make in asked.items()}


def seconds(work: Callable[[], object], ask_time: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that some work takes."""
    begun = ask_time()
    work()
    return ask_time() - begun


def spread(times: list[float]) -> tuple[float, float]:
    """Return the median and the 95th of a hundred, in milliseconds."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2] * 1000, ordered[len(ordered) * 95 // 100] * 1000


def measure(ask: Callable[[str], object]) -> tuple[tuple[float, str], tuple[float, str]]:
    """Return the worst median and the worst 95th of a hundred of any sort of query, each with that sort's name."""
    # SQLite works in this process: its CPU time, so that nobody else's work is counted.
    ask_time = time.process_time if db.engine.dialect.name == "sqlite" else time.perf_counter
    found = []
    with reading():
        for name, asked in sorts_of_queries().items():
            ask(asked[0])
            found.append((*spread([seconds(lambda query=query: ask(query), ask_time) for query in asked]), name))  # type: ignore[misc]
        db.session.rollback()
    return max((half, name) for half, _most, name in found), max((most, name) for _half, most, name in found)


def find_newest(query: str) -> None:
    """Read the newest page of what a query finds."""
    asked = queries.Asked(query=query, on=clock.today(), newest=True)
    queries.list_ids(asked, skipped=0, limit=20)


def find_best(query: str) -> None:
    """Read the page of what fits a query best."""
    queries.list_ids(queries.Asked(query=query, on=clock.today()), skipped=0, limit=20)


def count(query: str) -> None:
    """Count what a query finds of each kind."""
    queries.count_by_kind(queries.Asked(query=query, on=clock.today()))


def publish() -> list[float]:
    """Return the seconds that each of some publications takes to be indexed."""
    text = db.session.scalar(sa.text("SELECT passage FROM search_entry WHERE kind = 'decision' LIMIT 1"))
    db.session.rollback()

    def index(number: int) -> None:
        entry = service.Entry(
            record_id=ENTRIES + number, url="/x", title=text[:20], passage=text, published_on=clock.today()
        )
        service.index(EntryKind.DECISION, entry)
        db.session.commit()

    return [seconds(lambda number=number: index(number)) for number in range(PUBLISHED)]  # type: ignore[misc]


@contextmanager
def filled(database_url: str, folder: Path, entries: int) -> Iterator[None]:
    """Work with an index of so many entries in a new database."""
    settings = make_settings(folder, database_url)
    prepare(settings)
    with make_app(settings).app_context():
        fill(entries)
        yield
        db.session.rollback()
        db.engine.dispose()


def rows(entries: int, where: str, *, bound: bool) -> list[Row]:
    """Measure an index that is filled."""
    half, most = measure(find_newest)
    best, counted = measure(find_best)[1], measure(count)[1]
    published = spread(publish())[1]
    what = f"of {entries:,} entries{where}, in ms"
    return [
        Row(f"search, newest 20 {what}, p50", half[0], HALF if bound else None, detail=f"worst sort: {half[1]}"),
        Row(f"search, newest 20 {what}, p95", most[0], MOST if bound else None, detail=f"worst sort: {most[1]}"),
        Row(f"search, best 20 {what}, p95", best[0], detail=f"worst sort: {best[1]}"),
        Row(f"counts by kind {what}, p95", counted[0], detail=f"each up to 1,001; worst sort: {counted[1]}"),
        Row(f"one publication indexed among {entries:,}{where}, in ms, p95", published, PUBLICATION if bound else None),
    ]


def on_postgresql() -> list[Row]:
    """Measure on PostgreSQL, or say why not."""
    try:
        with databases.postgresql_server() as server, tempfile.TemporaryDirectory() as name:
            database = f"bench_{Path(name).name.lower()}"
            databases.run_on_server(server, f"CREATE DATABASE {database}")
            with filled(databases.address_of(server, database), Path(name), FEWER):
                found = rows(FEWER, " on PostgreSQL", bound=False)
            databases.run_on_server(server, f"DROP DATABASE {database} WITH (FORCE)")
            return found
    except databases.NoServer as problem:
        print(f"  not measured here: search on PostgreSQL ({problem})")
        return []


def run() -> list[Row]:
    """Return the figures of searching."""
    with tempfile.TemporaryDirectory() as name, filled(f"sqlite:///{name}/portal.db", Path(name), ENTRIES):
        found = rows(ENTRIES, "", bound=True)
    return [*found, *on_postgresql()]
