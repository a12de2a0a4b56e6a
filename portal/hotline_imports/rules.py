"""A ticket of the town hotline, as a row of its spreadsheet. Pure.

The hotline (12345) hands tickets over and takes the answer back to whoever called; the departments handle them on their
own clocks (State Council General Office, document 53 of 2020). Its columns differ from town to town, so headings and
words are data.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from portal.cells import find_word, fold, read_day, tidy
from portal.contacts.rules import BadPhone, PhoneProblem, normalise_phone
from portal.imports.rules import Row

MAX_NUMBER, MAX_TITLE, MAX_FACTS, MAX_WANTS, MAX_PLACE, MAX_NAME = 64, 100, 10_000, 2_000, 200, 50
LENGTHS = {"number": MAX_NUMBER, "title": MAX_TITLE, "facts": MAX_FACTS, "wants": MAX_WANTS, "place": MAX_PLACE}
REQUIRED = ("number", "facts")


class Problem(StrEnum):
    """What is wrong with a cell."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    BAD_DAY = "bad_day"
    AHEAD = "ahead"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_WORD = "unknown_word"
    UNKNOWN_ORGAN = "unknown_organ"
    TWICE = "twice"


def read_row(
    number: int,
    cells: Mapping[str, str],
    words: Mapping[str, Mapping[str, str]],
    organs: Mapping[str, int],
    today: date,
) -> Row:
    """Return a ticket with its problems and what should be looked at.

    A kind, an organ or a number to call that cannot be read never keeps a ticket out: somebody called about something.
    """
    row = Row(number)
    for name in REQUIRED:
        if not cells.get(name):
            row.problems.append((name, Problem.EMPTY))
    for name, longest in LENGTHS.items():
        if len(cells.get(name, "")) > longest:
            row.problems.append((name, Problem.TOO_LONG))
        row.values[name] = cells.get(name, "")
    row.values["number"] = tidy(row.values["number"])
    _read_day(row, cells, today)
    _read_words(row, cells, words)
    _read_sender(row, cells)
    organ = cells.get("organ", "")
    row.values["organ_name"], row.values["organ_id"] = organ, organs.get(fold(organ))
    if organ and row.values["organ_id"] is None:
        row.remarks.append(("organ", Problem.UNKNOWN_ORGAN))
    return row


def _read_day(row: Row, cells: Mapping[str, str], today: date) -> None:
    written = cells.get("received_on", "")
    day = read_day(written) if written else today
    if day is None:
        row.problems.append(("received_on", Problem.BAD_DAY))
    elif day > today:
        row.problems.append(("received_on", Problem.AHEAD))
    row.values["received_on"] = day


def _read_words(row: Row, cells: Mapping[str, str], words: Mapping[str, Mapping[str, str]]) -> None:
    kind = find_word(cells.get("kind", ""), words["kind"])
    if kind is None:
        # The most careful reading: only supervisors see it, who can say what it is.
        row.remarks.append(("kind", Problem.UNKNOWN_KIND))
    row.values["kind"] = kind or "conduct"
    written = cells.get("secret", "")
    hidden = find_word(written, words["secret"]) if written else "no"
    if hidden is None:
        row.remarks.append(("secret", Problem.UNKNOWN_WORD))
    row.values["anonymous"] = hidden != "no"


def _read_sender(row: Row, cells: Mapping[str, str]) -> None:
    row.values |= {"name": cells.get("name", "")[:MAX_NAME], "phone": "", "other_phone": ""}
    written = cells.get("phone", "")
    if not written:
        return
    try:
        row.values["phone"] = normalise_phone(written)
    except BadPhone as problem:
        # A landline cannot get texts but can be called.
        row.values["other_phone"] = written[:MAX_NAME]
        if problem.problem is not PhoneProblem.LANDLINE:
            row.remarks.append(("phone", problem.problem))
