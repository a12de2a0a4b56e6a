"""The database: base model, column types, and how transactions begin.

SQLite: one writer at a time, first come first served. A write transaction waits on a file lock before
`BEGIN IMMEDIATE`, because SQLite's own busy handler starves late-comers and never helps a reader that turns writer.
A commit appends to the write-ahead log, gives the lock back, and returns once the log is on disk: those who come next
write meanwhile, and one wait for the disk serves all of them. GET and HEAD requests open read-only transactions and
never wait.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import event, orm

from portal import clock
from portal.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Item = TypeVar("Item")

read_only: ContextVar[bool] = ContextVar("read_only", default=False)

# Pages of the log, 16 MB: going through it waits for the disk twice, with the lock in its hands.
CHECKPOINT_AFTER = 4000
# What a file says of its own times need not be on disk.
_sync = getattr(os, "fdatasync", os.fsync)

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment, aware, kept in UTC; SQLite forgets the zone on the way back."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_enum(kind: type[Enum], length: int = 24) -> sa.Enum:
    """Return a column type that stores an enum by value, as text without a database-side type."""
    return sa.Enum(
        kind,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        create_constraint=False,
        length=length,
        validate_strings=True,
    )


def partial_index(name: str, *columns: str, where: str) -> sa.Index:
    """Return an index over the rows that fulfil a condition.

    The condition is only noted: given to SQLAlchemy at once it would load both dialects whole, at every start.
    Migrations, which alone create indexes, hand it on.
    """
    return sa.Index(name, *columns, info={"where": where})


class Model(orm.DeclarativeBase):
    """The base of every table."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {datetime: UtcDateTime(), str: sa.Text()}


class Recorded:
    """Adds the moment a row was written."""

    created_at: orm.Mapped[datetime] = orm.mapped_column(default=clock.now)


class LockedConnection(sqlite3.Connection):
    """A SQLite connection that holds the write lock's file from BEGIN to COMMIT or ROLLBACK."""

    lock_file: int | None = None
    refuses_writes: bool | None = None
    log: str | None = None

    def refuse_writes(self, refused: bool) -> None:
        """Refuse writes from now on, or take them again."""
        if refused is not self.refuses_writes:
            self.execute(f"PRAGMA query_only={refused:d}")
            self.refuses_writes = refused

    def lock(self, path: str) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        self.lock_file = handle

    def unlock(self) -> None:
        """Let the next one write."""
        if self.lock_file is not None:
            os.close(self.lock_file)
            self.lock_file = None

    def commit(self) -> None:
        wrote = self.lock_file is not None
        super().commit()
        self.unlock()
        if wrote and self.log:
            sync(self.log)

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.unlock()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.unlock()


def sync(path: str) -> None:
    """Return once everything that was written to a file is on disk; raises OSError when that cannot be said."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _sync(handle)
    finally:
        os.close(handle)


@contextmanager
def reading() -> Iterator[None]:
    """Open read-only transactions inside; a write raises an error."""
    token = read_only.set(True)
    try:
        yield
    finally:
        read_only.reset(token)


@contextmanager
def writing() -> Iterator[None]:
    """Let transactions that begin inside write, even in a request that only reads; what was open has to have ended."""
    token = read_only.set(False)
    try:
        yield
    finally:
        read_only.reset(token)


def _on_sqlite_connect(connection: LockedConnection, _record: object) -> None:
    connection.isolation_level = None
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    if path and connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",):
        connection.log = f"{path}-wal"
    # SQLite would wait for the disk with the lock in its hands.
    synchronous = "NORMAL" if connection.log else "FULL"
    # What is deleted is overwritten too: counts per network and their keys are to be gone when they are gone.
    settings = ("foreign_keys=ON", "busy_timeout=10000", "secure_delete=ON", f"wal_autocheckpoint={CHECKPOINT_AFTER}")
    for setting in (f"synchronous={synchronous}", *settings):
        connection.execute(f"PRAGMA {setting}")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    driver = cast("LockedConnection", connection.connection.driver_connection)
    driver.refuse_writes(read_only.get())
    if read_only.get():
        # Past SQLAlchemy, which would take as long for this word as for a query; it asks nothing of the file yet.
        driver.execute("BEGIN")
        return
    path = connection.engine.url.database
    if path and path != ":memory:":
        driver.lock(f"{path}.lock")
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as problem:
        driver.unlock()
        raise sa.exc.OperationalError("BEGIN IMMEDIATE", None, problem) from problem


def _on_postgresql_begin(connection: sa.Connection) -> None:
    if read_only.get():
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def engine_options(url: str) -> dict[str, Any]:
    """Return the engine's options for a database address."""
    if sa.make_url(url).get_backend_name() == "sqlite":
        return {"url": url, "hide_parameters": True, "connect_args": {"factory": LockedConnection, "timeout": 10}}
    return {"url": url, "hide_parameters": True, "pool_pre_ping": True, "pool_size": 5, "max_overflow": 10}


def prepare_engine(engine: sa.Engine) -> None:
    """Hang the transaction rules of this module on an engine."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    else:
        event.listen(engine, "begin", _on_postgresql_begin)


def batched(items: Sequence[Item], size: int = 500) -> Iterator[Sequence[Item]]:
    """Yield items in pieces that fit into one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def one_of(column: Any, numbers: Collection[int]) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds one of many numbers.

    SQLite gets them as one value: as many parameters would take longer to make than the rows to read.
    """
    condition: sa.ColumnElement[bool] = column.in_(numbers)
    if db.engine.dialect.name == "sqlite":
        listed = sa.func.json_each(json.dumps(list(numbers))).table_valued("value")
        condition = column.in_(sa.select(listed.c.value))
    return condition


def upsert(table: type[Model]) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT that knows ON CONFLICT, in the dialect of the database in use."""
    # Only the dialect in use is loaded: the other one costs a start 20 ms and 3 MB.
    dialect = import_module(f"sqlalchemy.dialects.{db.engine.dialect.name}")
    statement: sqlite.Insert | postgresql.Insert = dialect.insert(table)
    return statement


db = SQLAlchemy(session_options={"expire_on_commit": False})


def init_app(app: Flask, settings: Settings) -> None:
    """Connect the application to its database."""
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    app.config["SQLALCHEMY_ENGINES"] = {"default": engine_options(settings.database_url)}
    db.init_app(app)
    # We have no asynchronous sessions, and closing none of them would start a thread at the end of every request.
    app.teardown_appcontext_funcs = [f for f in app.teardown_appcontext_funcs if not iscoroutinefunction(f)]
    with app.app_context():
        prepare_engine(db.engine)
