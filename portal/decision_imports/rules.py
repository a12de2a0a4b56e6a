"""What the rows of a file in the dual-publication columns say. Pure: words, headings and the day are handed in."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from pathlib import Path

from portal.cells import find_word, fold, read_day, tidy
from portal.decisions.rules import MAX_TEXT, MEASURES, number_key
from portal.imports.rules import Row
from portal.parties.rules import guess_kind, normalise_credit_code
from portal.person_names.rules import is_personal

PATTERNS: dict[str, str] = json.loads((Path(__file__).parent / "data" / "patterns.json").read_text(encoding="utf-8"))
FINE_IN_TEXT, PARTY_IN_TEXT, KNOWN_AS, CODE_IN_TEXT, NUMBER_IN_TITLE = (
    re.compile(PATTERNS[name], re.DOTALL)
    for name in ("fine_in_text", "party_in_text", "known_as", "code_in_text", "number_in_title")
)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d{1,3})?")
SEPARATORS = re.compile(r"[;,/|\n\u3001\uff0c\uff1b]+")
# As long as the columns of dual publication (development and reform commission 2018 no. 424, annex).
LIMITS = {
    "name": 200,
    "organ": 200,
    "organ_code": 50,
    "document_number": 128,
    "permit_number": 128,
    "title": 200,
    "violation": 2000,
    "facts": MAX_TEXT,
    "basis_text": 2048,
    "content": 4000,
    "certificate": 200,
    "legal_representative": 100,
    "document_name": 200,
    "permit_category": 100,
    "note": 4000,
    "industry": 100,
    "place": 200,
    "text": MAX_TEXT,
}
ONE_LINE = ("name", "organ", "document_number", "permit_number", "title")
DAYS = ("decided_on", "valid_from", "valid_to", "ends_on")
TO_FILL = {
    "penalty": ("violation", "facts", "basis_text", "measures", "content"),
    "permit": ("permit_category", "content"),
}
# Dual publication writes this day where something has no end.
NO_END = date(2099, 12, 31)
FIRST_DAY = date(1949, 10, 1)
MAX_TITLE = 200
# A decision names its party in its first lines.
HEAD = 1000
YUAN, TEN_THOUSAND = Decimal(1), Decimal(10_000)
# Columns by unit, the one that says most about it first; a heading without unit means the standard's.
AMOUNTS = (("_yuan", YUAN), ("", TEN_THOUSAND), ("_bare", TEN_THOUSAND))
MAX_AMOUNT = Decimal(99_999_999_999)
CENT = Decimal("0.01")
# Sums that a county's organ hardly ever imposes: more likely somebody has mistaken the unit.
LARGE, SMALL = Decimal(10_000_000), Decimal(10)

Words = Mapping[str, Mapping[str, str]]


class Problem(StrEnum):
    """Why a row is left out."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    BAD_DAY = "bad_day"
    FUTURE_DAY = "future_day"
    ENDS_BEFORE_START = "ends_before_start"
    BAD_CREDIT_CODE = "bad_credit_code"
    BAD_AMOUNT = "bad_amount"
    UNKNOWN_STATUS = "unknown_status"
    INVALID = "invalid"
    TWICE = "twice"
    OTHER_ORGAN = "other_organ"


class Remark(StrEnum):
    """Why somebody should look at a row that is taken."""

    NO_CODE = "no_code"
    KIND_GUESSED = "kind_guessed"
    PERSONS_NAME = "persons_name"
    PARTY_FROM_TEXT = "party_from_text"
    NUMBER_FROM_TITLE = "number_from_title"
    NO_UNIT = "no_unit"
    OTHER_AMOUNT = "other_amount"
    LARGE_AMOUNT = "large_amount"
    SMALL_AMOUNT = "small_amount"
    TWO_AMOUNTS = "two_amounts"
    NO_AMOUNT = "no_amount"
    UNKNOWN_MEASURE = "unknown_measure"
    TO_FILL = "to_fill"
    PERIOD_OVER = "period_over"


def read_row(number: int, cells: Mapping[str, str], kind: str, words: Words, today: date) -> Row:
    """Read the cells of a row of permits or penalties.

    What cannot be read is a problem, each under its field, in the order of importance. Numbers of identity papers are
    not among what is returned.
    """
    row = Row(number, {"decision_kind": kind})
    _read_texts(row, cells, kind)
    _read_number(row, kind)
    _read_party(row, cells, words)
    _read_days(row, cells, words, today)
    if kind == "penalty":
        _read_measures(row, cells, words)
        _read_amounts(row, cells, words)
    status = find_word(cells["status"], words["status"]) if "status" in cells else "valid"
    if status != "valid":
        row.problems.append(("status", Problem.INVALID if status else Problem.UNKNOWN_STATUS))
    missing = (name for name in TO_FILL[kind] if not row.values.get(name))
    row.remarks += [(name, Remark.TO_FILL) for name in missing]
    return row


def _read_texts(row: Row, cells: Mapping[str, str], kind: str) -> None:
    for name, limit in LIMITS.items():
        text = re.sub(r"\s+", " ", cells.get(name, "")) if name in ONE_LINE else cells.get(name, "")
        if len(text) > limit:
            row.problems.append((name, Problem.TOO_LONG))
        elif text:
            row.values[name] = text
    whole = row.values.pop("text", None)
    if whole:
        _read_whole(row, whole, kind)


def _read_whole(row: Row, whole: str, kind: str) -> None:
    """Take the whole text of a decision for its facts or content, and the party from it where no column names that."""
    row.values.setdefault("facts" if kind == "penalty" else "content", whole)
    if "name" in row.values:
        return
    found = PARTY_IN_TEXT.search(whole[:HEAD])
    if found:
        name = KNOWN_AS.sub("", found[1]).strip()
        for opens, closes in ("()", "\uff08\uff09"):
            name += closes * (name.count(opens) - name.count(closes))
        row.values["name"] = name
        row.remarks.append(("name", Remark.PARTY_FROM_TEXT))
        code = CODE_IN_TEXT.search(whole[:HEAD])
        row.values["code_in_text"] = code[1] if code else ""


def _read_number(row: Row, kind: str) -> None:
    """Find the document number; permits without one are known by their permit number."""
    if kind == "permit" and "permit_number" in row.values:
        row.values.setdefault("document_number", row.values["permit_number"])
    if "document_number" not in row.values and "title" in row.values:
        found = NUMBER_IN_TITLE.search(row.values["title"])
        if found:
            row.values["document_number"] = found[1]
            row.remarks.append(("document_number", Remark.NUMBER_FROM_TITLE))
    number = row.values.get("document_number", "")
    if number:
        row.values["number_key"] = number_key(number)
    else:
        _refuse_empty(row, "document_number")


def _read_party(row: Row, cells: Mapping[str, str], words: Words) -> None:
    name = row.values.get("name", "")
    if not name:
        _refuse_empty(row, "name")
    said = find_word(cells.get("kind", ""), words["kind"])
    in_text = row.values.pop("code_in_text", "")
    code = None if said == "person" else _read_code(row, cells, in_text)
    kind = said or guess_kind(code, has_person_id="person_id" in cells or is_personal(name))
    row.values["kind"] = kind
    if said is not None:
        row.values["kind_said"] = said
    if said is None and code is None:
        row.remarks.append(("kind", Remark.KIND_GUESSED))
    if kind != "person" and code is None and "credit_code" not in cells:
        row.remarks.append(("credit_code", Remark.NO_CODE))
    if kind != "person" and is_personal(name):
        row.remarks.append(("name", Remark.PERSONS_NAME))


def _read_code(row: Row, cells: Mapping[str, str], in_text: str) -> str | None:
    code = normalise_credit_code(cells.get("credit_code", in_text))
    if code is not None:
        row.values["credit_code"] = code
    elif "credit_code" in cells:
        row.problems.append(("credit_code", Problem.BAD_CREDIT_CODE))
    return code


def _read_days(row: Row, cells: Mapping[str, str], words: Words, today: date) -> None:
    for name in DAYS:
        if name not in cells:
            continue
        day = NO_END if name == "valid_to" and fold(cells[name]) in words["no_end"] else read_day(cells[name])
        if day is None or day < FIRST_DAY:
            row.problems.append((name, Problem.BAD_DAY))
        else:
            row.values[name] = None if name == "valid_to" and day >= NO_END else day
    values = row.values
    if "decided_on" not in cells:
        _refuse_empty(row, "decided_on")
    elif values.get("decided_on", today) > today:
        row.problems.append(("decided_on", Problem.FUTURE_DAY))
    if values.get("valid_from") and (values.get("valid_to") or NO_END) < values["valid_from"]:
        row.problems.append(("valid_to", Problem.ENDS_BEFORE_START))
    if values.pop("ends_on", today) < today:
        row.remarks.append(("ends_on", Remark.PERIOD_OVER))


def _read_measures(row: Row, cells: Mapping[str, str], words: Words) -> None:
    if "measures" not in cells:
        return
    measures = []
    for part in filter(None, (fold(part) and tidy(part) for part in SEPARATORS.split(cells["measures"]))):
        name = find_word(part, words["measure"]) or part
        measures.append(name)
        if name not in MEASURES and not name.startswith(PATTERNS["other"]):
            row.remarks.append(("measures", Remark.UNKNOWN_MEASURE))
    row.values["measures"] = list(dict.fromkeys(measures))


def _read_amounts(row: Row, cells: Mapping[str, str], words: Words) -> None:
    for name in ("fine", "confiscated"):
        found = []
        for suffix, unit in AMOUNTS:
            if name + suffix in cells:
                amount = read_amount(cells[name + suffix], unit, words)
                if amount is None:
                    row.problems.append((name + suffix, Problem.BAD_AMOUNT))
                else:
                    found.append((name + suffix, amount))
        if found:
            field, amount = found[0]
            row.values[name] = amount or None
            said = find_fines(row.values.get("content", ""), words) if name == "fine" else set()
            row.remarks += _find_doubts(field, amount, {other for _field, other in found}, said)
    if PATTERNS["fine"] in row.values.get("measures", ()) and not row.values.get("fine"):
        row.remarks.append(("fine", Remark.NO_AMOUNT))


def read_amount(text: str, unit: Decimal, words: Words) -> Decimal | None:
    """Return a sum in yuan, rounded to the cent, or None when the text is none; a unit or sign in it goes before."""
    plain = tidy(text).lower()
    for word, own in words["currency"].items():
        if plain.startswith(word):
            plain, unit = plain.removeprefix(word).lstrip(), Decimal(own or unit)
    found = NUMBER.match(plain)
    if not found:
        return None
    behind = fold(plain[found.end() :])
    if behind and behind not in words["unit"]:
        return None
    factor = Decimal(words["unit"][behind]) if behind else unit
    amount = Decimal(found[0].replace(",", "")) * factor
    # Before it is rounded: a number of more than 28 digits cannot be.
    return amount.quantize(CENT, ROUND_HALF_UP) if 0 <= amount <= MAX_AMOUNT else None


def _find_doubts(field: str, amount: Decimal, amounts: set[Decimal], said: set[Decimal]) -> list[tuple[str, str]]:
    """Return what is suspicious about a sum: its unit, its size, or that the decision's own words say others."""
    doubts = [Remark.TWO_AMOUNTS] if len(amounts) > 1 else []
    if said and amount:
        doubts += [] if amount in said else [Remark.OTHER_AMOUNT]
    elif amount >= LARGE:
        doubts.append(Remark.LARGE_AMOUNT)
    elif 0 < amount < SMALL:
        doubts.append(Remark.SMALL_AMOUNT)
    if field.endswith("_bare") and amount and amount not in said:
        doubts.append(Remark.NO_UNIT)
    return [(field, doubt) for doubt in doubts]


def find_fines(text: str, words: Words) -> set[Decimal]:
    """Return the fines that a decision's words name, in yuan."""
    plain = unicodedata.normalize("NFKC", text)
    found = ((hit[1] or hit[3], hit[2] or hit[4]) for hit in FINE_IN_TEXT.finditer(plain))
    return {Decimal(digits.replace(",", "")) * Decimal(words["unit"][unit]) for digits, unit in found}


def _refuse_empty(row: Row, name: str) -> None:
    if not any(wrong == name for wrong, _problem in row.problems):
        row.problems.append((name, Problem.EMPTY))


def make_title(row: Row, kind: str) -> str:
    """Return what a list shows of a decision that has no title: act and result, or what was permitted."""
    values = row.values
    if kind == "penalty":
        measures = PATTERNS["comma"].join(values.get("measures", ()))
        said = PATTERNS["colon"].join(filter(None, (values.get("violation", ""), measures)))
    else:
        said = values.get("document_name") or values.get("certificate") or values.get("content", "")
    title = re.sub(r"\s+", " ", said or values["document_number"])
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}\u2026"
