"""A spreadsheet that is broken, empty, huge, locked, mislabelled or made to do harm is refused in plain words."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
import xlsxwriter
from flask import Flask

from portal.db import db
from portal.i18n import speaking
from portal.parties.models import Party
from portal.permits import importer, queries
from portal.permits.models import Permit
from portal.spreadsheets import Unreadable
from tests.factories.spreadsheets import HEADINGS, as_table, make_row, write_csv, write_xlsx

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def write_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (128 << 20))


def write_far_corner(path: Path) -> None:
    """Two cells, seventeen thousand million between them."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write(0, 0, "a")
    sheet.write(1048575, 16383, "b")
    book.close()


def write_torn(path: Path) -> None:
    write_xlsx(path, as_table([make_row(number) for number in range(200)]))
    path.write_bytes(path.read_bytes()[:-2000])


def write_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)


def write_document(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")


def write_without(path: Path, *missing: str) -> None:
    rows = [{name: cell for name, cell in make_row(1).items() if name not in missing}]
    write_csv(path, as_table(rows))


HOSTILE: list[tuple[str, Callable[[Path], object], str]] = [
    ("empty.xlsx", lambda path: path.touch(), "is empty"),
    ("torn.xlsx", write_torn, "is broken"),
    ("ole.xls", lambda path: path.write_bytes(OLE + b"\0" * 5000), "is broken"),
    ("locked.xlsx", lambda path: path.write_bytes(OLE + "EncryptedPackage".encode("utf-16-le") * 9), "password"),
    ("bomb.xlsx", write_bomb, "far more content"),
    ("corner.xlsx", write_far_corner, "far more content"),
    ("page.xls", lambda path: path.write_text("<html><table><tr><td>1</td></tr></table></html>"), "web page"),
    ("document.xlsx", write_document, "not a spreadsheet"),
    ("picture.csv", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9), "not a spreadsheet"),
    ("latin.csv", lambda path: path.write_bytes(b"\xff\xe9\x80\x80,abc\n" * 9), "characters"),
    ("wide.csv", lambda path: path.write_text(",".join("x" * 1_000_000)), "too many columns"),
    ("headings.csv", lambda path: write_csv(path, [list(HEADINGS)], encoding="gb18030"), "no rows below"),
    ("none.csv", lambda path: write_csv(path, [["a", "b"], ["1", "2"]]), "No row of headings"),
    ("gone.csv", lambda path: None, "no such file"),
    ("huge.xlsx", write_huge, "larger than 256 MB"),
]


@pytest.mark.parametrize(("name", "write", "words"), HOSTILE, ids=[name for name, _write, _words in HOSTILE])
def test_refused_with_a_reason_and_nothing_written(
    app: Flask, tmp_path: Path, name: str, write: Callable[[Path], object], words: str
) -> None:
    write(tmp_path / name)
    result = app.test_cli_runner().invoke(args=["import", "permits", str(tmp_path / name), "--json"])
    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stdout == ""
    assert db.session.scalar(sa.select(sa.func.count(Permit.id))) == 0
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 0


def test_whoever_uploads_is_told_of_missing_columns_at_once(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    for missing, words in ((("联系电话",), "联系电话"), (("许可编号", "许可机关"), "许可机关, 许可编号")):
        write_without(path, *missing)
        with speaking("en"), pytest.raises(Unreadable, match=f"missing: {words}"):
            importer.read_file(path, queries.load_known())
