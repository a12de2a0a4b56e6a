"""Spreadsheets from outside: read with limits, refused in plain words, and turned into rows under known headings.

What was read waits in a nameless file, not in memory, so that a file may have as many rows as it likes.
"""

import csv
import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.cells import clean, fold
from portal.errors import Message, Refusal

READER = Path(__file__).parent / "spreadsheet_reader.py"
# What a browser may send is held in memory for a moment; a file that lies here already is read as it goes.
MAX_UPLOAD = 32 * 1024**2
MAX_BYTES = 256 * 1024**2
MAX_WAIT = 180
HEAD_ROWS = 30
# So many known headings make a row a row of headings.
ENOUGH = 3

KEPT_SECONDS = 24 * 3600

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


Numbered = tuple[int, list[str]]


class Lines:
    """The rows of a sheet that hold something, each with the number a spreadsheet program shows."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._starts, self._lengths = array("Q"), array("L")

    def add(self, start: int, length: int) -> None:
        """Note where one more row lies in the file."""
        self._starts.append(start)
        self._lengths.append(length)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, place: int) -> Numbered:
        number, *cells = json.loads(os.pread(self._file.fileno(), self._lengths[place], self._starts[place]))
        return number, cells

    def __iter__(self) -> Iterator[Numbered]:
        return (self[place] for place in range(len(self)))


@dataclass(frozen=True)
class Sheet:
    """One sheet of a file."""

    name: str
    rows: Lines


@dataclass(frozen=True)
class Table:
    """What stands under a row of headings; `columns` says which field stands at which position.

    `headings` maps folded headings to fields, `start` is the place of the first row below them.
    """

    lines: Lines
    start: int
    columns: Mapping[int, str]
    is_empty: Callable[[str], bool]
    is_headings: Callable[[list[str]], bool]

    @property
    def fields(self) -> frozenset[str]:
        """Which fields have a column."""
        return frozenset(self.columns.values())

    @property
    def heading(self) -> int:
        """The number of the row of headings."""
        return self.lines[self.start - 1][0]

    def cells(self, place: int) -> dict[str, str]:
        """Return the cells of one row that hold something, by field."""
        return _cells(self.lines[place][1], self.columns, self.is_empty)

    @property
    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Number and cells by field of every row; a second row of headings (names above codes) is passed over."""
        return ((number, cells) for _place, number, cells in self.places)

    @property
    def places(self) -> Iterator[tuple[int, int, dict[str, str]]]:
        """Where each of the rows stands, its number and cells."""
        for place in range(self.start, len(self.lines)):
            number, written = self.lines[place]
            cells = {} if self.is_headings(written) else _cells(written, self.columns, self.is_empty)
            if cells:
                yield place, number, cells


def read_sheets(path: Path) -> list[Sheet]:
    """Return the sheets of a file; raises TooLarge or Unreadable with the reason."""
    if not path.is_file():
        raise Unreadable(_l("There is no such file."))
    refuse_large(path.stat().st_size, MAX_BYTES)
    # It lives as long as the sheets that read from it.
    told = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        answer = subprocess.run(  # noqa: S603 - our own reader, and a path that the portal chose or its operator typed
            [sys.executable, "-I", str(READER), str(path)],
            stdout=told,
            stderr=subprocess.DEVNULL,
            timeout=MAX_WAIT,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise Unreadable(PROBLEMS["bomb"]) from problem
    told.seek(0)
    sheets: list[Sheet] = []
    start = 0
    for line in told:
        take_line(sheets, line, told, start)
        start += len(line)
    if answer.returncode:
        # The reader was killed by its limits (below zero), or stumbled over something nobody thought of.
        raise Unreadable(PROBLEMS["bomb" if answer.returncode < 0 else "broken"])
    return sheets


def refuse_large(size: int, limit: int) -> None:
    """Raise TooLarge when so many bytes are more than are taken."""
    if size > limit:
        message = _l("The file is larger than %(limit)d MB. Split it and try again.", limit=limit // 1024**2)
        raise TooLarge(message)


def take_line(sheets: list[Sheet], line: bytes, told: IO[bytes], start: int) -> None:
    """Add what one line of the reader says, and where it says so."""
    if line.startswith(b"["):
        sheets[-1].rows.add(start, len(line))
        return
    said = json.loads(line)
    if "problem" in said:
        raise Unreadable(PROBLEMS[said["problem"]])
    sheets.append(Sheet(said["sheet"], Lines(told)))


def find_table(
    sheets: Iterable[Sheet], headings: Mapping[str, str], *, is_empty: Callable[[str], bool], enough: int = ENOUGH
) -> Table:
    """Return the rows of the first sheet that has a row of headings near its top.

    `headings` maps folded headings to fields. Raises Unreadable when there is no such sheet, or nothing below the
    headings.
    """

    def is_headings(cells: list[str]) -> bool:
        return len(_columns(cells, headings)) >= enough

    seen_headings = False
    for sheet in sheets:
        place = _find_headings(sheet, headings, enough)
        if place is None:
            continue
        seen_headings = True
        columns = _choose_columns(sheet.rows[place][1], headings)
        table = Table(sheet.rows, place + 1, columns, is_empty, is_headings)
        if next(table.places, None):
            return table
    if seen_headings:
        raise Unreadable(_l("The file has headings but no rows below them."))
    raise Unreadable(_l("No row of headings was found. The first rows must name the columns."))


def _find_headings(sheet: Sheet, headings: Mapping[str, str], enough: int) -> int | None:
    head = (sheet.rows[place] for place in range(min(len(sheet.rows), HEAD_ROWS)))
    counts = [len(_columns(cells, headings)) for _number, cells in head]
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


def load_columns(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the field of every folded heading, and the name under which each field is shown, from a table of them."""
    headings, names = {}, {}
    with path.open(encoding="utf-8", newline="") as file:
        for column in csv.DictReader(file):
            names[column["field"]] = column["name"]
            for written in (column["code"], column["name"], *column["aliases"].split(";")):
                headings[fold(written)] = column["field"]
    headings.pop("", None)
    return headings, names


def load_words(path: Path) -> dict[str, dict[str, str]]:
    """Return the words that cells may hold, folded, with their meanings, by list, from a table of them."""
    words: dict[str, dict[str, str]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            words[line["list"]] |= {fold(word): line["meaning"] for word in line["words"].split(";")}
    return dict(words)


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
    content = sent.stream.read(MAX_UPLOAD + 1)
    refuse_large(len(content), MAX_UPLOAD)
    path = folder / f"new-{secrets.token_hex(16)}"
    path.touch(mode=0o600)
    path.write_bytes(content)
    name = Path((sent.filename or "").replace("\\", "/")).name
    return Upload(path, clean(name)[:200], hashlib.sha256(content).hexdigest())
