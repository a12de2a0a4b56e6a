"""Reads one spreadsheet in a process of its own: `python -I spreadsheet_reader.py FILE`.

A hostile file may claim a billion cells, so whoever parses it gets limits on memory and time, and may die of them
without taking the portal along. Judged by content, never by name. Every cell leaves as text: days as 2026-01-05,
numbers without `.0`. Prints one JSON object per line: a sheet, then its rows as [number, cell, …], with the row
numbers that a spreadsheet program shows; or one problem. Imports nothing of the portal, so that it starts fast.
"""

import codecs
import csv
import io
import json
import resource
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

MAX_MEMORY = 2 * 1024**3
MAX_SECONDS = 120
MAX_UNPACKED = 600 * 1024**2
MAX_RATIO = 400
MAX_TOLD = 200 * 1024**2
MAX_ROWS = 200_000
MAX_COLUMNS = 256
EXACT = 10**15  # Up to here every whole number survives in a spreadsheet's cell.
DELIMITERS = ",;\t|"
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LOCKED = "EncryptedPackage".encode("utf-16-le")
WIDE = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Unreadable(Exception):
    """The file cannot be read; the argument is a word that the portal explains."""


def read(path: Path) -> Iterator[tuple[str, Iterable[list[Any]]]]:
    """Yield each sheet's name and its rows."""
    with path.open("rb") as file:
        head = file.read(8)
    if not head.startswith((ZIP, OLE)):
        return read_text(path)
    content = path.read_bytes()
    if head.startswith(ZIP):
        check_zip(content)
    elif LOCKED in content:
        raise Unreadable("locked")
    return read_workbook(content)


def check_zip(content: bytes) -> None:
    """Refuse a zip archive that unpacks to far more than its size, before anything unpacks it."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as problem:
        raise Unreadable("broken") from problem
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * len(content) + 10 * 1024**2:
        raise Unreadable("bomb")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("locked")
    names = {entry.filename for entry in entries}
    if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
        raise Unreadable("not_a_spreadsheet")


def read_workbook(content: bytes) -> Iterator[tuple[str, Iterable[list[Any]]]]:
    """Yield the sheets of an Excel or OpenDocument workbook."""
    import python_calamine as calamine

    try:
        book = calamine.load_workbook(io.BytesIO(content))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height * sheet.total_width > MAX_ROWS * MAX_COLUMNS:
                raise Unreadable("too_long")
            # Empty columns on the left are left out; empty rows are not, so numbers are those that a program shows.
            yield name, ([as_text(cell) for cell in row] for row in sheet.iter_rows())
    except calamine.PasswordError as problem:
        raise Unreadable("locked") from problem
    except (calamine.CalamineError, OSError, ValueError) as problem:
        raise Unreadable("broken") from problem


def read_text(path: Path) -> Iterator[tuple[str, Iterable[list[Any]]]]:
    """Yield the one sheet of a text file with separators, read as it goes."""
    # With newline="" a quoted cell keeps its line breaks, as Excel writes them.
    with path.open(encoding=find_encoding(path), newline="") as lines:
        head = lines.read(200_000)
        if not head.strip():
            raise Unreadable("empty")
        if head[:2000].lstrip().lower().startswith("<"):
            raise Unreadable("web_page")
        lines.seek(0)
        declared = head[:6].lower().startswith("sep=")
        yield "", csv.reader(lines, delimiter=head[4] if declared else find_delimiter(head))


def find_encoding(path: Path) -> str:
    """Return a text file's encoding: UTF-8 with or without mark, UTF-16 with mark, else GB18030."""
    with path.open("rb") as file:
        head = file.read(2)
    encodings = [encoding for mark, encoding in WIDE if head == mark] or ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    if encoding != "utf-16" and b"\x00" in piece:
                        raise Unreadable("not_a_spreadsheet")
                    decoder.decode(piece)
                decoder.decode(b"", final=True)
        except UnicodeError:
            continue
        return encoding
    raise Unreadable("encoding")


def find_delimiter(text: str) -> str:
    """Return the separator that cuts the first lines into many cells, the same number again and again."""

    def evenness(delimiter: str) -> int:
        try:
            rows = islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 30)
            widths = Counter(len(row) for row in rows)
        except (csv.Error, ValueError):
            return 0
        return max(((width - 1) * count for width, count in widths.items()), default=0)

    return max(DELIMITERS, key=evenness)


def as_text(cell: Any) -> str:
    """Return a cell's text, the same for a number, a day and what somebody typed."""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
        return str(int(cell))
    return str(cell)


def tidy(rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Yield rows that hold something, each behind its number, without the empty cells at their end."""
    filled = 0
    for number, row in enumerate(rows, start=1):
        cells = list(row)
        while cells and not cells[-1].strip():
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            raise Unreadable("too_wide")
        filled += bool(cells)
        if filled > MAX_ROWS:
            raise Unreadable("too_long")
        if cells:
            yield [number, *cells]


def tell(what: object) -> int:
    """Print one line; return its length."""
    return sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")


def main(path: str) -> None:
    """Print a file's sheets."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        told = 0
        for name, rows in read(Path(path)):
            tell({"sheet": name})
            for row in tidy(rows):
                told += tell(row)
                if told > MAX_TOLD:
                    raise Unreadable("too_long")
    except Unreadable as problem:
        tell({"problem": problem.args[0]})
    except csv.Error:
        tell({"problem": "broken"})
    except MemoryError:
        tell({"problem": "bomb"})


if __name__ == "__main__":
    main(sys.argv[1])
