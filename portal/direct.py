"""Runs a statement in the session's transaction past SQLAlchemy, which takes longer around one than the database in it.

For the few statements of what many people do at once. A statement is written once for each dialect, so it has to be
made once too; values go through the types' own functions. What comes back are the driver's plain cells. What the
session still holds back is not flushed first.
"""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from portal import rows
from portal.db import db

MOST_STATEMENTS = 128


def run(statement: Any, values: rows.Values) -> list[Any]:
    """Run a statement, or what a function makes for the dialect of a name, and return its rows, if it returns any.

    Raises SQLAlchemy's DBAPIError.
    """
    connection = _find_connection()
    if callable(statement):
        statement = statement(connection.dialect.name)
    written = _write(statement, connection.dialect)
    try:
        cursor = rows.ask(connection.connection.driver_connection, written.text, written.arrange(values))
        return list(cursor.fetchall()) if cursor.description else []
    except connection.dialect.loaded_dbapi.Error as problem:
        kind: Any = connection.dialect.loaded_dbapi.Error
        said = sa.exc.DBAPIError.instance(written.text, None, problem, kind, hide_parameters=True)
        raise said from problem


def _find_connection() -> sa.Connection:
    # The session looks for it anew each time, which takes as long as a statement.
    session = db.session
    kept: sa.Connection | None = session.info.get("direct")
    if kept is None or kept.closed or not kept.in_transaction():
        kept = session.info["direct"] = session.connection()
    return kept


@lru_cache(MOST_STATEMENTS)
def _write(statement: Any, dialect: sa.Dialect) -> rows.Written:
    return rows.Written(statement, dialect)
