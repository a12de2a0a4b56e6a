"""Permits in spreadsheets: read and checked, row by row, without touching the database.

Columns are those of dual publication (XK_*) by name or code, and what this portal adds. Which words and headings are
understood is data: `data/columns.csv` and `data/words.csv`. What becomes of the rows is decided in `permit_imports`.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from flask_babel import lazy_gettext as _l

from portal.cells import fold
from portal.contacts.rules import PhoneProblem
from portal.errors import Message
from portal.imports.rules import Draft, Rejection, Row
from portal.permits import rules
from portal.permits.queries import Known
from portal.spreadsheets import Unreadable, find_table, load_columns, load_words, read_sheets

DATA = Path(__file__).parent / "data"
REQUIRED = ("name", "valid_to", "organ", "phone")

REASONS: Mapping[str, Message] = {
    rules.Problem.EMPTY: _l("Nothing is entered here."),
    rules.Problem.TOO_LONG: _l("The text is too long."),
    rules.Problem.BAD_DAY: _l("This is not a day. Write it like 2026-12-31."),
    rules.Problem.ENDS_BEFORE_START: _l("The last day of validity is before the first."),
    rules.Problem.BAD_CREDIT_CODE: _l("The unified social credit code is wrong: its check character does not fit."),
    rules.Problem.UNKNOWN_STATUS: _l("This state is not known. Use valid or invalid (1 or 2)."),
    rules.Problem.UNKNOWN_TYPE: _l("This type of permit is not known, so its last day to apply cannot be worked out."),
    rules.Problem.TWICE: _l("The same permit stands further up in this file."),
    rules.Problem.OTHER_ORGAN: _l("This permit belongs to another organ. You may import only those of your own."),
    PhoneProblem.MISSING: _l("There is no phone number."),
    PhoneProblem.MANGLED: _l("The spreadsheet has cut this number. Format the column as text and enter it again."),
    PhoneProblem.LANDLINE: _l("This is a landline; text messages need a mobile number."),
    PhoneProblem.FOREIGN: _l("This is not a number of mainland China."),
    PhoneProblem.NOT_MOBILE: _l("This is not a mobile number of 11 digits."),
}


@cache
def read_columns() -> tuple[dict[str, str], dict[str, str]]:
    """Return the field of every folded heading, and the name under which each field is shown."""
    return load_columns(DATA / "columns.csv")


@cache
def read_words() -> dict[str, dict[str, str]]:
    """Return the words that cells may hold, folded, with their meanings, by list."""
    return load_words(DATA / "words.csv")


def read_file(path: Path, known: Known, *, row_by_row: bool = False) -> Draft:
    """Read and check a file without touching the database; raises Unreadable when it is no table of permits.

    A required column that is missing makes it none, too; with `row_by_row` each row is rejected for it instead.
    """
    headings, names = read_columns()
    words = read_words()
    table = find_table(
        read_sheets(path), headings, is_empty=lambda text: not fold(text) or fold(text) in words["empty"]
    )
    missing = [names[name] for name in REQUIRED if name not in table.fields]
    if not table.fields & {"number", "document_number"}:
        missing.append(names["number"])
    if missing and not row_by_row:
        raise Unreadable(_l("These columns are missing: %(names)s.", names=", ".join(missing)))
    rows: list[Row] = []
    draft = Draft(rows, [])
    taken: set[tuple[str, str]] = set()
    for number, cells in table.rows:
        row = rules.read_row(number, cells, words)
        _match(row, known)
        identity = (str(row.values.get("organ")), str(row.values.get("number")))
        if not row.problems and identity in taken:
            row.problems.append(("number", rules.Problem.TWICE))
        if row.problems:
            reasons = tuple(REASONS[problem] for _name, problem in row.problems)
            draft.rejected.append(Rejection(number, names[row.problems[0][0]], reasons))
        else:
            taken.add(identity)
            rows.append(row)
    draft.numbers = [row.number for row in rows]
    return draft


def _match(row: Row, known: Known) -> None:
    """Find the organ and the type that a row names; the type may also be in the certificate's or document's name."""
    values = row.values
    if "organ" in values:
        values["organ"] = known.organs.get(fold(values["organ"]), values["organ"])
        if known.own_organ is not None and values["organ"] != known.own_organ:
            row.problems.append(("organ", rules.Problem.OTHER_ORGAN))
    for name in ("type", "certificate_name", "document_name"):
        keys = rules.type_keys(values.get(name, ""))
        found = next((known.type_ids[key] for key in keys if key in known.type_ids), None)
        if found is not None:
            values["type_id"] = found
            return
        # A document is often called no more than "decision"; a type or certificate says what it is about.
        if name in values and name != "document_name":
            row.problems.append((name, rules.Problem.UNKNOWN_TYPE))
            return
