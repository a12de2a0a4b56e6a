"""Tickets as rows of a spreadsheet: the intake that reads, decides on and files them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from flask_babel import lazy_gettext as _l

from portal.cells import fold
from portal.contacts.rules import PhoneProblem
from portal.errors import Message
from portal.hotline_imports import queries, rules, service
from portal.hotline_imports.queries import Known
from portal.imports.rules import FIGURES, Decided, Draft, Intake, Mark, Rejection, Row, Step
from portal.spreadsheets import Unreadable, find_table, load_columns, load_words, read_sheets

DATA = Path(__file__).parent / "data"

REASONS: Mapping[str, Message] = {
    rules.Problem.EMPTY: _l("Nothing is entered here."),
    rules.Problem.TOO_LONG: _l("The text is too long."),
    rules.Problem.BAD_DAY: _l("This is not a day. Write it like 2026-12-31."),
    rules.Problem.AHEAD: _l("This day is ahead of today."),
    rules.Problem.UNKNOWN_KIND: _l(
        "This kind is not known; only supervisors see the ticket until one says what it is."
    ),
    rules.Problem.UNKNOWN_WORD: _l("This should be yes or no; the caller is kept anonymous to be safe."),
    rules.Problem.UNKNOWN_ORGAN: _l("There is no organ of this name; the ticket goes where its matter belongs."),
    rules.Problem.TWICE: _l("The same ticket stands further up in this file."),
    PhoneProblem.MISSING: _l("There is no phone number."),
    PhoneProblem.MANGLED: _l("The spreadsheet has cut this number. Format the column as text and enter it again."),
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


def _reject(row: Row, found: Sequence[tuple[str, str]]) -> Rejection:
    names = read_columns()[1]
    return Rejection(row.number, names[found[0][0]], tuple(REASONS[problem] for _name, problem in found))


class TicketIntake:
    """Takes tickets in. A ticket that is in the register stays as it is there: it has its own history by then."""

    kind = "tickets"

    def load_known(self, organ_id: int | None) -> Known:
        return queries.load_known()

    def read_file(self, path: Path, known: Known, *, row_by_row: bool = False) -> Draft:
        headings, names = read_columns()
        words = read_words()
        empty = words["empty"]
        table = find_table(read_sheets(path), headings, is_empty=lambda text: not fold(text) or fold(text) in empty)
        missing = [names[name] for name in rules.REQUIRED if name not in table.fields]
        if missing and not row_by_row:
            raise Unreadable(_l("These columns are missing: %(names)s.", names=", ".join(missing)))
        rows: list[Row] = []
        draft = Draft(rows, [])
        taken: set[str] = set()
        for number, cells in table.rows:
            row = rules.read_row(number, cells, words, known.organs, known.today)
            if not row.problems and row.values["number"] in taken:
                row.problems.append(("number", rules.Problem.TWICE))
            if row.problems:
                draft.rejected.append(_reject(row, row.problems))
                continue
            taken.add(row.values["number"])
            rows.append(row)
            draft.remarks += [_reject(row, [remark]) for remark in row.remarks]
        draft.numbers = [row.number for row in rows]
        return draft

    def decide(self, draft: Draft, known: Known) -> Decided:
        filed = queries.list_filed({row.values["number"] for row in draft.rows})
        marks = ((row, Mark.UNCHANGED if row.values["number"] in filed else Mark.NEW) for row in draft.rows)
        return Decided([Step(row.number, mark) for row, mark in marks])

    def write_rows(
        self, draft: Draft, steps: Sequence[Step], known: Known, span: range, staff_id: int | None
    ) -> Mapping[str, int]:
        wanted = [draft.rows[place] for place in span if steps[place].mark is Mark.NEW]
        made = service.file_tickets(wanted, staff_id=staff_id)
        return dict(zip(FIGURES, (made, 0, len(span) - made), strict=True))


TICKETS: Intake = TicketIntake()
