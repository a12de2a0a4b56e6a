"""Spreadsheets from outside: read with limits, refused in plain words, and turned into rows under known headings."""

import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.cells import clean, fold
from portal.errors import Message, Refusal

READER = Path(__file__).parent / "spreadsheet_reader.py"
MAX_BYTES = 32 * 1024 * 1024
MAX_WAIT = 180
HEAD_ROWS = 30
# So many known headings make a row a row of headings.
ENOUGH = 3

KEPT_SECONDS = 24 * 3600

TOO_LARGE = _l("The file is larger than %(limit)d MB. Split it and try again.", limit=MAX_BYTES // 1024**2)
PROBLEMS: Mapping[str, Message] = {
    "empty": _l("The file is empty."),
    "broken": _l("The file is broken and cannot be read. Open it in a spreadsheet program and save it again as .xlsx."),
    "locked": _l("The file is protected by a password. Remove the password and upload it again."),
    "bomb": _l("The file claims far more content than its size allows. Save only the rows you need as a new file."),
    "too_long": _l("The file has too many rows. Split it into files of at most 200,000 rows."),
    "too_wide": _l("The file has too many columns. Remove the columns that are not needed."),
    "web_page": _l("This is a web page, not a spreadsheet. Open it in a spreadsheet program and save it as .xlsx."),
    "not_a_spreadsheet": _l("This is not a spreadsheet. Use a file of type .xlsx, .xls or .csv."),
    "encoding": _l("The characters of this text file cannot be read. Save it as CSV in UTF-8."),
}


class TooLarge(Refusal):
    """The file has more bytes than are taken."""

    status = 413


class Unreadable(Refusal):
    """The file cannot be used; nothing of it was taken."""

    status = 422


@dataclass(frozen=True)
class Sheet:
    """One sheet: its rows that hold something, each with the number a spreadsheet program shows."""

    name: str
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """The rows under the headings: row number, and the cells that hold something by field."""

    fields: frozenset[str]
    rows: list[tuple[int, dict[str, str]]]


def read_sheets(path: Path) -> list[Sheet]:
    """Return the sheets of a file; raises TooLarge or Unreadable with the reason."""
    if not path.is_file():
        raise Unreadable(_l("There is no such file."))
    if path.stat().st_size > MAX_BYTES:
        raise TooLarge(TOO_LARGE)
    try:
        answer = subprocess.run(  # noqa: S603 - our own reader, and a path that the portal chose or its operator typed
            [sys.executable, "-I", str(READER), str(path)], capture_output=True, timeout=MAX_WAIT, check=False
        )
    except subprocess.TimeoutExpired as problem:
        raise Unreadable(PROBLEMS["bomb"]) from problem
    sheets: list[Sheet] = []
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        take_line(sheets, line)
    if answer.returncode:
        # The reader was killed by its limits (below zero), or stumbled over something nobody thought of.
        raise Unreadable(PROBLEMS["bomb" if answer.returncode < 0 else "broken"])
    return sheets


def take_line(sheets: list[Sheet], line: str) -> None:
    """Add what one line of the reader says."""
    said = json.loads(line)
    if isinstance(said, list):
        sheets[-1].rows.append((said[0], said[1:]))
    elif "problem" in said:
        raise Unreadable(PROBLEMS[said["problem"]])
    else:
        sheets.append(Sheet(said["sheet"]))


def find_table(
    sheets: Iterable[Sheet], headings: Mapping[str, str], *, is_empty: Callable[[str], bool], enough: int = ENOUGH
) -> Table:
    """Return the rows of the first sheet that has a row of headings near its top.

    `headings` maps folded headings to fields. A second row of headings (names above codes) is passed over.
    Raises Unreadable when there is no such sheet, or nothing below the headings.
    """
    seen_headings = False
    for sheet in sheets:
        start = _find_headings(sheet, headings, enough)
        if start is None:
            continue
        seen_headings = True
        columns = _choose_columns(sheet.rows[start][1], headings)
        rows = [
            (number, _cells(cells, columns, is_empty))
            for number, cells in sheet.rows[start + 1 :]
            if len(_columns(cells, headings)) < enough
        ]
        rows = [(number, cells) for number, cells in rows if cells]
        if rows:
            return Table(frozenset(columns.values()), rows)
    if seen_headings:
        raise Unreadable(_l("The file has headings but no rows below them."))
    raise Unreadable(_l("No row of headings was found. The first rows must name the columns."))


def _find_headings(sheet: Sheet, headings: Mapping[str, str], enough: int) -> int | None:
    counts = [len(_columns(cells, headings)) for _number, cells in sheet.rows[:HEAD_ROWS]]
    best = max(counts, default=0)
    return counts.index(best) if best >= enough else None


def _columns(cells: list[str], headings: Mapping[str, str]) -> dict[int, str]:
    columns: dict[int, str] = {}
    for position, cell in enumerate(cells):
        name = headings.get(fold(cell)) if len(cell) < 100 else None
        if name and name not in columns.values():
            columns[position] = name
    return columns


def _choose_columns(cells: list[str], headings: Mapping[str, str]) -> dict[int, str]:
    """Return the field of each column; of several columns for one field, the heading that `headings` names first."""
    ranks = {heading: rank for rank, heading in enumerate(headings)}
    found = [(ranks[fold(cell)], position) for position, cell in enumerate(cells) if fold(cell) in ranks]
    chosen: dict[str, int] = {}
    for _rank, position in sorted(found):
        chosen.setdefault(headings[fold(cells[position])], position)
    return {position: name for name, position in chosen.items()}


def _cells(cells: list[str], columns: Mapping[int, str], is_empty: Callable[[str], bool]) -> dict[str, str]:
    found = {name: clean(cells[position]) for position, name in columns.items() if position < len(cells)}
    return {name: text for name, text in found.items() if not is_empty(text)}


@dataclass(frozen=True)
class Upload:
    """A file that somebody sent: where it lies for now, what they called it, and its seal."""

    path: Path
    name: str
    sha256: str


def keep_upload(sent: FileStorage, folder: Path, *, spare: Collection[Path] = ()) -> Upload:
    """Keep a sent file under a name of ours, and forget those older than a day; raises TooLarge or Unreadable.

    Files to spare are kept, however old they are.
    """
    for old in folder.iterdir():
        if old not in spare and old.is_file() and old.stat().st_mtime < clock.now().timestamp() - KEPT_SECONDS:
            old.unlink(missing_ok=True)
    content = sent.stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLarge(TOO_LARGE)
    path = folder / f"new-{secrets.token_hex(16)}"
    path.touch(mode=0o600)
    path.write_bytes(content)
    name = Path((sent.filename or "").replace("\\", "/")).name
    return Upload(path, clean(name)[:200], hashlib.sha256(content).hexdigest())
