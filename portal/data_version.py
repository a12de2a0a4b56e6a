"""A number that grows with every change of what the public may read, so that nothing kept outlives a withdrawal.

Triggers of the database count, whoever writes. `flask db upgrade` gives each new table its trigger; only the tables
named here have none.

SQLite counts in one row, for it has one writer at a time. On PostgreSQL each transaction takes a row that no other one
holds, so that writers do not wait for each other; the version is the sum. A row's number is seen when the change is.
"""

import logging
import mmap
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, db, read_only

log = logging.getLogger(__name__)

Made = TypeVar("Made")

# What no kept page shows: the staff's own, citizens' own, the outbox. The front page counts complaints and messages;
# that count may be as old as a kept page may get.
UNWATCHED = frozenset(
    {
        "accountability", "answer_edition", "attempt", "audit_entry", "call", "complaint", "complaint_day",
        "complaint_event", "complaint_file", "complaint_named", "complaint_organ", "complaint_pause", "complaint_try",
        "complaint_words", "contact", "credit_repair", "data_version", "decision_check", "decision_correction",
        "decision_original", "dispatcher", "follow_up", "gate", "message", "network_count", "network_key", "permit",
        "provider_template", "receipt", "rectification", "reply", "revisit", "risk_batch", "risk_period",
        "risk_period_days", "saved_filter", "spreadsheet_import", "staff", "staff_recovery_code",
        "staff_second_factor", "staff_session", "supervision", "wording",
    }
)  # fmt: skip
EVENTS = ("insert", "update", "delete")
READ = "SELECT sum(number) FROM data_version"
ON_SQLITE = (
    "CREATE TRIGGER watch_{table}_{event} AFTER {event} ON {table} "
    "BEGIN UPDATE data_version SET number = number + 1; END"
)
ON_POSTGRESQL = (
    "CREATE TRIGGER watch_{table} AFTER INSERT OR UPDATE OR DELETE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION count_change()"
)
PATIENCE = 2
# Bytes of the header of SQLite's index of its write-ahead log that every commit changes.
HEADER = 48


class DataVersion(Model):
    """A row of the counter; see the module."""

    __tablename__ = "data_version"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(sa.BigInteger, default=0)


def watched() -> list[str]:
    """Return the names of the tables whose changes count."""
    return sorted(set(Model.metadata.tables) - UNWATCHED)


def list_triggers() -> set[str]:
    """Return the names of the triggers that count."""
    if db.engine.dialect.name == "sqlite":
        names = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'watch!_%' ESCAPE '!'")
    else:
        names = sa.text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'watch!_%' ESCAPE '!'")
    return set(db.session.scalars(names))


def watch() -> None:
    """Have the changes of every table counted that is there and to be watched."""
    tables = set(sa.inspect(db.session.connection()).get_table_names())
    present = list_triggers()
    for name, statement in triggers(db.engine.dialect.name, sorted(tables.intersection(watched()))).items():
        if name not in present:
            db.session.execute(sa.text(statement))


def triggers(dialect: str, tables: Sequence[str]) -> dict[str, str]:
    """Return the triggers that these tables have to have, and the statement that makes each."""
    if dialect != "sqlite":
        return {f"watch_{table}": ON_POSTGRESQL.format(table=table) for table in tables}
    return {
        f"watch_{table}_{event}": ON_SQLITE.format(table=table, event=event) for table in tables for event in EVENTS
    }


class Reader:
    """Reads the version over a connection of its own, one for each thread.

    Each read is a transaction of its own and sees whatever is committed. None when the database is not there.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._kept = threading.local()

    def __call__(self) -> int | None:
        """Return the version now."""
        try:
            found = self._kept.ask(READ).fetchone()
        except AttributeError:
            return self._read_anew()
        except Exception:
            # Whatever a driver raises: the connection is of no use, and the application says what is wrong.
            self._forget()
            return self._read_anew()
        return None if found is None else found[0]

    def _read_anew(self) -> int | None:
        try:
            connection = self._connect()
            self._kept.connection, self._kept.ask = connection, connection.execute
            found = connection.execute(READ).fetchone()
        except Exception as problem:
            log.warning("the version of the data cannot be read: %s", type(problem).__name__)
            self._forget()
            return None
        return None if found is None else found[0]

    def _forget(self) -> None:
        self._kept.__dict__.clear()


class FileReader(Reader):
    """Reads the version from a SQLite file, and asks SQLite only where something was committed since it was asked last.

    Every commit writes the header of the write-ahead log's index, a file that all connections share in memory and whose
    form is documented (sqlite.org/walformat.html); SQLite itself learns from it what there is to read. It stays as long
    as a connection is open, so as long as ours.
    """

    def __init__(self, path: str) -> None:
        super().__init__(partial(open_file, path))
        self._index = Path(f"{path}-shm")

    def __call__(self) -> int | None:
        """Return the version now."""
        kept = self._kept
        try:
            if kept.header[:HEADER] == kept.seen:
                found: int = kept.version
                return found
        except AttributeError:
            return self._look_anew()
        seen = kept.header[:HEADER]
        version = super().__call__()
        if version is not None and hasattr(kept, "header"):
            # Seen before the version was read: a commit in between makes them differ.
            kept.seen, kept.version = seen, version
        return version

    def _look_anew(self) -> int | None:
        version = super().__call__()
        if version is not None:
            try:
                with self._index.open("rb") as file:
                    self._kept.header = mmap.mmap(file.fileno(), HEADER, prot=mmap.PROT_READ)
                    self._kept.seen = b""
            except (OSError, ValueError):
                log.debug("no index of a write-ahead log")  # Then SQLite is asked each time.
        return version


def make_reader(engine: sa.Engine) -> Reader | None:
    """Return what reads the version of an engine's database; None when it lives in this process alone."""
    url = engine.url
    if engine.dialect.name != "sqlite":
        arguments, options = engine.dialect.create_connect_args(url)
        own = {"autocommit": True, "prepare_threshold": 0, "connect_timeout": PATIENCE}
        return Reader(partial(engine.dialect.loaded_dbapi.connect, *arguments, **{**options, **own}))
    if not url.database or url.database == ":memory:":
        return None
    return FileReader(url.database)


def open_file(path: str) -> sqlite3.Connection:
    """Open a SQLite database that is there, for reading."""
    connection = sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)
    connection.execute("PRAGMA query_only=1")
    return connection


def current() -> int | None:
    """Return the version of the data now; None when it cannot be read."""
    reader: Reader | None = current_app.extensions["data_version"]
    return reader() if reader else None


def kept(read: Callable[[], Made]) -> Callable[[], Made]:
    """Have a function read again only after a change; whoever may write reads each time, for they may have changed it.

    It has to read watched tables only, by `rows.read_rows`, which sees at least what the version read before counts.
    """

    @wraps(read)
    def find() -> Made:
        version = current() if read_only.get() else None
        if version is None:
            return read()
        known: dict[object, tuple[int, Made]] = current_app.extensions["kept_data"]
        found = known.get(read)
        if found is None or found[0] != version:
            found = known[read] = (version, read())
        return found[1]

    return find


def init_app(app: Flask) -> None:
    """Have the version read by whoever keeps something made of the data."""
    with app.app_context():
        app.extensions["data_version"] = make_reader(db.engine)
    app.extensions["kept_data"] = {}
    app.jinja_env.globals["data_version"] = current
