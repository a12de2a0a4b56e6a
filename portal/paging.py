"""Lists a page at a time, with a count that stops counting where nobody reads on; numbers that addresses carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from werkzeug.routing import IntegerConverter

from portal.db import db
from portal.rows import read_rows

T = TypeVar("T")
SIZE = 20
COUNT_CAP = 1001
LARGEST = 2**31 - 1  # What an INTEGER column of PostgreSQL holds.


class RecordNumber(IntegerConverter):
    """A record's number in a path; where no column could hold it there is no page, instead of a failing query."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": LARGEST, **options})


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; `total` stops at COUNT_CAP."""

    items: Sequence[T]
    number: int
    total: int
    size: int = SIZE

    @property
    def last(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def capped(self) -> bool:
        return self.total >= COUNT_CAP

    @property
    def around(self) -> range:
        return range(max(1, self.number - 2), min(self.last, self.number + 2) + 1)


def whole_number(text: str | None) -> int | None:
    """Return a number from an address, such as a record's; None when it is none that a database could hold."""
    # Other scripts' digits pass `isdigit`, and some of them, such as ², are no number to `int`.
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def page_number(value: str | None) -> int:
    """Return a page number from an address; nonsense is page one."""
    return min(max(1, whole_number(value) or 1), 10_000)


def capped_count(statement: sa.Select[*tuple[Any, ...]]) -> int:
    """Count the rows of a statement, at most COUNT_CAP of them."""
    return db.session.scalar(_counting(statement)) or 0


def _counting(statement: sa.Select[*tuple[Any, ...]]) -> sa.Select[int]:
    bare = statement.order_by(None).with_only_columns(sa.literal(1), maintain_column_froms=True)
    return sa.select(sa.func.count().label("total")).select_from(bare.limit(COUNT_CAP).subquery())


def list_page(
    statement: sa.Select[*tuple[Any, ...]], number: int, *, scalars: bool = False, size: int = SIZE
) -> Page[Any]:
    """Return one page of an ordered statement, as rows or (for entities) as scalars."""
    total = capped_count(statement)
    number = min(number, max(1, -(-total // size)))  # Past the end stands the last page, not an empty one.
    result = db.session.execute(statement.limit(size).offset((number - 1) * size))
    items = result.scalars().all() if scalars else result.all()
    return Page(items, number, total, size)


class Listing:
    """The statements of a list, made once and kept: making them anew costs more than the database takes for them.

    So does counting, of what nobody changed: a count is kept with the version of the data that was there before it.
    """

    def __init__(self, rows: sa.Select[*tuple[Any, ...]], counted: sa.Select[*tuple[Any, ...]]) -> None:
        """Take what reads named columns in order, and what has as many rows with fewer joins."""
        size, skip = (sa.bindparam(name, type_=sa.Integer) for name in ("size", "skip"))
        self.count = _counting(counted)
        self.rows = rows.limit(size).offset(skip)
        self.rows_and_total = self.rows.add_columns(self.count.scalar_subquery().label("total"))
        self._counted: tuple[sa.Engine, int, int] | None = None

    def read(self, number: int, version: int | None = None) -> Page[Any]:
        """Return one page; past the end stands the last one. `version` is that of the data, read before."""
        stretch = {"size": SIZE, "skip": (number - 1) * SIZE}
        total = self._find_total(version)
        if total is None:
            items = read_rows(self.rows_and_total, stretch)
            if items or number == 1:
                total = items[0].total if items else 0
                self._keep_total(version, total)
                return Page(items, number, total)
            total = read_rows(self.count)[0][0]
        else:
            items = read_rows(self.rows, stretch)
        last = max(1, -(-total // SIZE))
        return Page(items, number, total) if number <= last else self.read(last, version)

    def _find_total(self, version: int | None) -> int | None:
        kept = self._counted
        return kept[2] if kept and version is not None and kept[:2] == (db.engine, version) else None

    def _keep_total(self, version: int | None, total: int) -> None:
        if version is not None:
            self._counted = db.engine, version, total
