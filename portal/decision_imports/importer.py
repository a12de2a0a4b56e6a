"""Decisions as rows of a spreadsheet: the intake that reads, decides on and writes them.

Columns are those of dual publication for penalties (CF_*) or permits (XK_*), by name or code. Which headings and words
are understood is data. Rows are read from the file again whenever they are needed, so that memory does not grow with
it; columns with numbers of identity papers are never taken out of it.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask_babel import lazy_gettext as _l

from portal.cells import fold, tidy
from portal.decision_imports import queries, rules, service
from portal.decision_imports.queries import Known
from portal.decision_imports.rules import Problem, Remark
from portal.decisions.models import DecisionKind
from portal.errors import Message
from portal.imports.rules import Decided, Draft, Intake, Rejection, Row, Step
from portal.parties.rules import normalise_credit_code
from portal.spreadsheets import Sheet, Table, Unreadable, find_table, load_columns, load_words, read_sheets

DATA = Path(__file__).parent / "data"
HEADINGS = {DecisionKind.PENALTY: "penalties.csv", DecisionKind.PERMIT: "permits.csv"}
# Whoever has nothing to say uses few words.
LONGEST_NOTHING = 20
# Of each group one column has to be there.
REQUIRED = (("name", "text"), ("document_number", "permit_number", "title"), ("decided_on",), ("organ", "organ_code"))

REASONS: Mapping[str, Message] = {
    Problem.EMPTY: _l("Nothing is entered here."),
    Problem.TOO_LONG: _l("The text is too long."),
    Problem.BAD_DAY: _l("This is not a day. Write it like 2026-12-31."),
    Problem.FUTURE_DAY: _l("The day of the decision lies in the future."),
    Problem.ENDS_BEFORE_START: _l("The last day of validity is before the first."),
    Problem.BAD_CREDIT_CODE: _l("The unified social credit code is wrong: its check character does not fit."),
    Problem.BAD_AMOUNT: _l("This is not a sum of money. Write it in figures."),
    Problem.UNKNOWN_STATUS: _l("This state is not known. Use valid or invalid (1 or 2)."),
    Problem.INVALID: _l("This permit is no longer valid, so it is not published."),
    Problem.TWICE: _l("The same decision stands further up in this file."),
    Problem.OTHER_ORGAN: _l("This decision belongs to another organ. You may import only those of your own."),
    Remark.NO_CODE: _l("There is no unified social credit code."),
    Remark.KIND_GUESSED: _l("The file does not say whether this is a person, a shop or a firm. It was guessed."),
    Remark.PERSONS_NAME: _l("This name could be a person's. Check the kind of party before anything is published."),
    Remark.PARTY_FROM_TEXT: _l("No column names the party; it was read from the text."),
    Remark.NUMBER_FROM_TITLE: _l("The document number was read from the title."),
    Remark.NO_UNIT: _l("The heading names no unit. The sum was read as 10,000 yuan, as dual publication has it."),
    Remark.OTHER_AMOUNT: _l("The decision's own words name another sum. Check the unit: yuan or 10,000 yuan."),
    Remark.LARGE_AMOUNT: _l("This sum is very large. Check whether yuan were entered as 10,000 yuan."),
    Remark.SMALL_AMOUNT: _l("This sum is very small. Check whether 10,000 yuan were entered as yuan."),
    Remark.TWO_AMOUNTS: _l("Two columns name different sums; this one was taken."),
    Remark.NO_AMOUNT: _l("A fine was imposed, but no sum is entered."),
    Remark.UNKNOWN_MEASURE: _l("This kind of penalty is not one that dual publication knows."),
    Remark.TO_FILL: _l("Nothing is entered here; somebody has to fill it in before the review."),
    Remark.PERIOD_OVER: _l("The file says that publication is over. The portal works out the period by itself."),
}
NO_COLUMN = _l("The file has no such column; somebody has to fill it in before the review.")


class Layout(NamedTuple):
    """The headings of one kind of decision: the field of each, and the name under which each field is shown."""

    kind: DecisionKind
    headings: dict[str, str]
    names: dict[str, str]


@cache
def read_layouts() -> tuple[Layout, ...]:
    """Return the headings of both kinds of decision."""
    return tuple(Layout(kind, *load_columns(DATA / name)) for kind, name in HEADINGS.items())


@cache
def read_words() -> dict[str, dict[str, str]]:
    """Return the words that cells may hold, folded, with their meanings, by list."""
    return load_words(DATA / "words.csv")


class DecisionRows:
    """The good rows of a file; each is read from it again whenever it is asked for."""

    def __init__(self, table: Table, layout: Layout, known: Known) -> None:
        self.layout, self._table, self._known = layout, table, known
        self._places, self.numbers = array("L"), array("L")

    def add(self, place: int, number: int) -> None:
        """Take one more row in."""
        self._places.append(place)
        self.numbers.append(number)

    def read(self, number: int, cells: Mapping[str, str]) -> Row:
        """Read one row, and find the organ that it names."""
        row = rules.read_row(number, cells, self.layout.kind, read_words(), self._known.today)
        _match(row, self._known)
        return row

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: int) -> Row:
        return self.read(self.numbers[place], self._table.cells(self._places[place]))

    def __iter__(self) -> Iterator[Row]:
        return (self[place] for place in range(len(self)))


class DecisionIntake:
    """Takes decisions in."""

    kind = "decisions"

    def load_known(self, organ_id: int | None) -> Known:
        return queries.load_known(organ_id)

    def read_file(self, path: Path, known: Known, *, row_by_row: bool = False) -> Draft:
        layout, table = _find_table(read_sheets(path))
        missing = [layout.names[group[0]] for group in REQUIRED if not table.fields.intersection(group)]
        if missing and not row_by_row:
            raise Unreadable(_l("These columns are missing: %(names)s.", names=", ".join(missing)))
        rows = DecisionRows(table, layout, known)
        absent = [(name, Remark.TO_FILL) for name in rules.TO_FILL[layout.kind] if name not in table.fields]
        draft = Draft(rows, rows.numbers)
        draft.remarks += [Rejection(table.heading, layout.names[name], (NO_COLUMN,)) for name, _remark in absent]
        taken: set[int] = set()
        for place, number, cells in table.places:
            row = rows.read(number, cells)
            if not row.problems:
                identity = hash(queries.identity(row))
                row.problems += [("document_number", Problem.TWICE)] if identity in taken else []
                taken.add(identity)
            if row.problems:
                draft.rejected.append(_tell(row.number, row.problems, layout))
                continue
            rows.add(place, number)
            remarks = [remark for remark in row.remarks if remark not in absent]
            draft.remarks += [_tell(number, [remark], layout) for remark in remarks]
        return draft

    def decide(self, draft: Draft, known: Known) -> Decided:
        return queries.decide(draft, layout_of(draft).names)

    def write_rows(
        self, draft: Draft, steps: Sequence[Step], known: Known, span: range, staff_id: int | None
    ) -> Mapping[str, int]:
        return service.write_rows(draft.rows, steps, span, kind=layout_of(draft).kind, staff_id=staff_id)


def layout_of(draft: Draft) -> Layout:
    """Return which headings a file has."""
    assert isinstance(draft.rows, DecisionRows)
    return draft.rows.layout


def _find_table(sheets: Sequence[Sheet]) -> tuple[Layout, Table]:
    """Return the table under the headings that fit best: penalties and permits share some of theirs."""
    found: list[tuple[Layout, Table]] = []
    problem: Unreadable | None = None
    for layout in read_layouts():
        try:
            table = find_table(sheets, layout.headings, is_empty=_says_nothing)
            found.append((layout, table))
        except Unreadable as unreadable:
            problem = problem or unreadable
    if not found:
        assert problem is not None
        raise problem
    return max(found, key=lambda pair: len(pair[1].fields))


def _says_nothing(text: str) -> bool:
    return len(text) <= LONGEST_NOTHING and fold(text) in read_words()["empty"]


def _match(row: Row, known: Known) -> None:
    """Find the organ that a row names, by its name or else by its code; one that nobody knows keeps its name."""
    name, written = tidy(row.values.get("organ", "")), row.values.pop("organ_code", "")
    found = known.organs.get(fold(name)) if name else None
    if found is None and written:
        found = known.organ_codes.get(normalise_credit_code(written) or "")
    row.values["organ"] = found or name
    if not row.values["organ"]:
        row.problems.append(("organ", Problem.EMPTY))
    elif known.own_organ is not None and row.values["organ"] != known.own_organ:
        row.problems.append(("organ", Problem.OTHER_ORGAN))


def _tell(number: int, said: Sequence[tuple[str, str]], layout: Layout) -> Rejection:
    return Rejection(number, layout.names[said[0][0]], tuple(REASONS[word] for _name, word in said))


DECISIONS: Intake = DecisionIntake()
