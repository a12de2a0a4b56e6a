"""Reads rows of named columns at little more than what the database takes for them.

SQLAlchemy writes a statement once for each dialect; asking, and turning cells into values, is done here, with the
types' own functions. No transaction is opened: one statement sees one state of the data. Only for statements that read,
and only where nothing may be written. When a driver fails, SQLAlchemy asks again and says what is wrong.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, cast

import sqlalchemy as sa

from portal.db import Model, db, read_only

MOST_STATEMENTS = 512

Values = Mapping[str, object]
Reader = Callable[[Any], Any]


def read_rows(statement: sa.Select[*tuple[Any, ...]], values: Values | None = None) -> Sequence[Any]:
    """Return rows of named columns."""
    if not read_only.get():
        return db.session.execute(statement, values).all()
    engine = db.engine
    known = _know(statement, engine.dialect)
    # What somebody typed is asked once, and written sooner by SQLAlchemy, which knows its shape.
    if known.is_new() or not known.written.whole:
        return known.read_slowly(engine, values)
    try:
        return known.read(engine, values or {})
    except engine.dialect.loaded_dbapi.Error:
        return known.read_slowly(engine, values)


def count_rows(model: type[Model], *wheres: sa.ColumnElement[bool]) -> int:
    """Count the rows of a table; `wheres` are about its columns, as `columns_of` gives them."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(model.__table__).where(*wheres)) or 0


def columns_of(model: type[Model]) -> Any:
    """Return a table's columns by name, for statements that need nothing of a model.

    The first statement that names a model's attributes has SQLAlchemy connect all models, which takes as long as some
    forty pages. The front page has none, so that it is there sooner after a start.
    """
    return model.__table__.c


@lru_cache(MOST_STATEMENTS)
def _know(statement: sa.Select[*tuple[Any, ...]], dialect: sa.Dialect) -> "Known":
    return Known(statement, dialect)


@lru_cache(MOST_STATEMENTS)
def _row_of(*names: str) -> Callable[[Sequence[Any]], Any]:
    kind: Any = namedtuple("Row", names)  # type: ignore[misc]
    return cast("Callable[[Sequence[Any]], Any]", kind._make)


def ask(connection: Any, text: str, values: Any) -> Any:
    """Run a statement on a driver's connection and return its cursor."""
    return connection.execute(text, values)


class Known:
    """A statement that was asked before, as one dialect writes it."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]], dialect: sa.Dialect) -> None:
        self.statement, self.dialect = statement, dialect
        self.columns = tuple(statement.selected_columns)
        self.make_row = _row_of(*(column.key for column in self.columns))
        self.readers: list[tuple[int, Reader]] | None = None
        self._asked = False

    def is_new(self) -> bool:
        """Whether nobody asked before; the next time somebody did."""
        asked, self._asked = self._asked, True
        return not asked

    @cached_property
    def written(self) -> "Written":
        """The statement in the dialect's words."""
        return Written(self.statement, self.dialect)

    def read_slowly(self, engine: sa.Engine, values: Values | None) -> Sequence[Any]:
        """Return the rows as SQLAlchemy reads them."""
        with engine.connect() as connection:
            return list(map(self.make_row, connection.execute(self.statement, values)))

    def read(self, engine: sa.Engine, values: Values) -> Sequence[Any]:
        """Return the rows for these values of the parameters that were left open."""
        text, given = self.written.text, self.written.arrange(values)
        held = engine.raw_connection()
        try:
            cursor = ask(held.driver_connection, text, given)
            found = cursor.fetchall()
            if self.readers is None:
                self.readers = self._find_readers(cursor.description)
        finally:
            held.close()
        return self._make_rows(found)

    def _find_readers(self, description: Sequence[Any]) -> list[tuple[int, Reader]]:
        kinds = [column.type.dialect_impl(self.dialect) for column in self.columns]
        made = [kind.result_processor(self.dialect, told[1]) for kind, told in zip(kinds, description, strict=True)]
        return [(place, read) for place, read in enumerate(made) if read is not None]

    def _make_rows(self, found: Sequence[Sequence[Any]]) -> Sequence[Any]:
        if not found or not self.readers:
            return list(map(self.make_row, found))
        columns: list[Sequence[Any]] = list(zip(*found, strict=True))
        for place, read in self.readers:
            columns[place] = tuple(map(read, columns[place]))
        return list(map(self.make_row, zip(*columns, strict=True)))


class Written:
    """The words of a statement and the values that go with them."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]], dialect: sa.Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.text = str(compiled)
        # Lists of values are written anew each time.
        self.whole = not compiled.post_compile_params
        self._names: list[str] | None = compiled.positiontup
        types = {name: parameter.type for parameter, name in compiled.bind_names.items()}
        writers = {name: kind.dialect_impl(dialect).bind_processor(dialect) for name, kind in types.items()}
        self._writers = {name: write for name, write in writers.items() if write}
        self._fixed = self._write(compiled.params) if self.whole else {}

    def arrange(self, values: Values) -> Any:
        """Return all values as the driver wants them, in order or by name."""
        given = {**self._fixed, **self._write(values)}
        return given if self._names is None else [given[name] for name in self._names]

    def _write(self, values: Values) -> dict[str, object]:
        return {name: self._writers[name](value) if name in self._writers else value for name, value in values.items()}
