"""Counting what a page asks of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from portal import rows
from portal.db import db


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Collect the SELECT statements that run inside."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    def ask(connection: Any, statement: str, values: Any, asked: Any = rows.ask) -> Any:
        note(None, None, statement)
        return asked(connection, statement, values)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with patch("portal.rows.ask", ask):
            yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
