"""Registers of some hundred rows in spreadsheets: read whole, then entered row by row in one transaction.

A row with a fault is left out and named with the reason; the same file again changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal.cells import fold, read_day
from portal.cli import current_settings
from portal.db import db
from portal.errors import Refusal
from portal.spreadsheets import Unreadable, find_table, keep_upload, load_columns, read_sheets

MOST_ROWS = 5000
Cells = dict[str, str]


@dataclass(frozen=True)
class Register:
    """A file as read: its rows by field, and under which name each field is shown."""

    rows: Sequence[tuple[int, Cells]]
    names: Mapping[str, str]


@dataclass
class Outcome:
    """What became of the rows; of those left out the number as the spreadsheet shows it, the column, and why."""

    imported: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: list[dict[str, object]] = field(default_factory=list)


def read_register(path: Path, columns: Path, required: Sequence[str]) -> Register:
    """Read a file without touching the database.

    Raises TooLarge or Unreadable, also when a required column is missing.
    """
    headings, names = load_columns(columns)
    table = find_table(read_sheets(path), headings, is_empty=lambda text: not fold(text))
    missing = [names[name] for name in required if name not in table.fields]
    if missing:
        raise Unreadable(_l("These columns are missing: %(names)s.", names=", ".join(missing)))
    rows = list(table.rows)
    if len(rows) > MOST_ROWS:
        raise Unreadable(_l("The file has too many rows. Split it into files of at most %(limit)d.", limit=MOST_ROWS))
    return Register(rows, names)


def read_upload(sent: FileStorage, columns: Path, required: Sequence[str]) -> Register:
    """Read a file that somebody sent; nothing of it is kept.

    Raises what `read_register` raises.
    """
    # Reading takes a second; nobody shall wait for this transaction meanwhile.
    db.session.commit()
    folder = current_settings().data_dir / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    upload = keep_upload(sent, folder, spare=list(folder.iterdir()))
    try:
        return read_register(upload.path, columns, required)
    finally:
        upload.path.unlink(missing_ok=True)


def take_rows(
    register: Register, *, key: str, required: Sequence[str], take: Callable[[Cells], bool | None]
) -> Outcome:
    """Enter rows one after the other; `take` says True for new, False for unchanged, None for changed.

    `take` raises Refusal before it writes anything; its `field` names the column.
    """
    outcome, taken = Outcome(), set()
    for number, cells in register.rows:
        try:
            _refuse_empty(cells, required)
            if fold(cells[key]) in taken:
                raise Refusal(_l("The same stands further up in this file."), field=key)
            result = take(cells)
        except Refusal as refusal:
            shown = register.names.get(refusal.field or "", "")
            outcome.rejected.append({"row": number, "field": shown, "reason": str(refusal.message)})
            continue
        taken.add(fold(cells[key]))
        if result is None:
            outcome.changed += 1
        elif result:
            outcome.imported += 1
        else:
            outcome.unchanged += 1
    return outcome


def _refuse_empty(cells: Cells, required: Sequence[str]) -> None:
    for name in required:
        if not cells.get(name):
            raise Refusal(_l("Nothing is entered here."), field=name)


def read_days(cells: Cells, *names: str) -> Iterator[date | None]:
    """Yield the days of some cells, none for an empty one; raises Refusal for what is no day."""
    for name in names:
        day = read_day(cells[name]) if cells.get(name) else None
        if cells.get(name) and day is None:
            raise Refusal(_l("This is not a day. Write it like 2026-12-31."), field=name)
        yield day


def refuse_long(cells: Cells, limits: Mapping[str, int]) -> None:
    """Raise Refusal for the first cell that holds more characters than fit."""
    for name, limit in limits.items():
        if len(cells.get(name, "")) > limit:
            raise Refusal(_l("The text is too long."), field=name)
