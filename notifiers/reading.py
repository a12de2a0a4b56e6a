"""What a reply means. Pure: the text and what was asked go in, a meaning comes out; whatever is unclear is OTHER.

A person reads what is OTHER, so guessing gains nothing: `4 or 5`, `5 days ago` and `1 very satisfied` are no grades.
The words are data, in `data/reply_words.json`.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from portal.messages.models import Meaning

LONGEST = 500
WORDS = json.loads((Path(__file__).parent / "data" / "reply_words.json").read_text(encoding="utf-8"))
GRADES: dict[str, int] = WORDS["grades"]
NUMERALS: dict[str, str] = WORDS["numerals"]
# Categories of emoji, joiners, selectors, keycaps, controls and everything else that carries no word.
NOISE = frozenset({"So", "Sk", "Sc", "Cf", "Cs", "Cc", "Co", "Cn", "Me", "Mn"})


class Question(StrEnum):
    """What the newest text to a phone asked."""

    PERMIT = "permit"
    REVISIT = "revisit"


@dataclass(frozen=True)
class Reading:
    """A reply's meaning; `grade` (5 best, 1 worst) and what was said with it go with GRADE alone."""

    meaning: Meaning
    grade: int | None = None
    remark: str = ""


OTHER = Reading(Meaning.OTHER)
COMMANDS = {
    **dict.fromkeys(WORDS["stop"], Reading(Meaning.STOP)),
    **dict.fromkeys(WORDS["start"], Reading(Meaning.START)),
}
PERMIT_WORDS = {
    **dict.fromkeys(WORDS["done"], Reading(Meaning.DONE)),
    **dict.fromkeys(WORDS["call"], Reading(Meaning.CALL)),
}
PERMIT_NUMBERS = {"1": Reading(Meaning.DONE), "2": Reading(Meaning.CALL)}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# Polite words around a command change nothing about it.
BEFORE = re.compile(f"^(?:{_any_of(WORDS['before'])})+")
AFTER = re.compile(f"(?:{_any_of(WORDS['after'])})+$")
# A number that counts something is not an answer to a question.
COUNTED = re.compile(f"(?:{_any_of(WORDS['counted'])})(?![a-z])")
UNITS = re.compile(f"^(?:{_any_of(WORDS['units'])})")
GRADE_WORDS = re.compile(_any_of(GRADES))


def read(text: str, question: Question | None) -> Reading:
    """Return what a reply to a question means; never fails, whatever was typed."""
    if len(text) > LONGEST:
        return OTHER
    typed = _tidy(text)
    words = _squeeze(typed)
    bare = _strip_politeness(words)
    for candidate in (words, bare):
        if candidate in COMMANDS:
            return COMMANDS[candidate]
    if question is Question.REVISIT:
        return _read_grade(typed, bare, text)
    if question is Question.PERMIT:
        return _read_permit(typed, bare)
    return OTHER


def _tidy(text: str) -> str:
    """Return a text in half-width lower case, without emoji and without marks in front."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(" " if unicodedata.category(letter) in NOISE else letter for letter in plain)
    return re.sub(r"^[\W_]+", "", kept)


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _strip_politeness(words: str) -> str:
    return AFTER.sub("", BEFORE.sub("", words))


def _read_grade(typed: str, bare: str, text: str) -> Reading:
    if bare in GRADES:
        return Reading(Meaning.GRADE, GRADES[bare])
    number, remark = _split_number(typed, bare)
    if number not in {"1", "2", "3", "4", "5"}:
        return OTHER
    grade = int(number)
    said = {GRADES[word] for word in GRADE_WORDS.findall(_squeeze(remark))}
    if any((grade >= 3) != (other >= 3) for other in said):
        return OTHER  # Whoever writes `1 very satisfied` took 1 for the best.
    return Reading(Meaning.GRADE, grade, text.strip() if remark else "")


def _read_permit(typed: str, bare: str) -> Reading:
    if bare in PERMIT_WORDS:
        return PERMIT_WORDS[bare]
    number, remark = _split_number(typed, bare)
    reading = PERMIT_NUMBERS.get(number, OTHER)
    said = _strip_politeness(_squeeze(remark))
    return reading if not said or PERMIT_WORDS.get(said) == reading else OTHER


def _split_number(typed: str, bare: str) -> tuple[str, str]:
    """Return the one number a text starts with, and the remark after it; an empty number when it has none or more."""
    for text in (typed, bare):
        match = re.match(r"(\d)(.*)", text, re.DOTALL)
        if match is None:
            continue
        number, remark = match.group(1), match.group(2).strip()
        if re.search(r"\d", remark) or COUNTED.match(remark):
            return "", ""
        return number, UNITS.sub("", remark)
    numeral, unit = bare[:1], bare[1:]
    if numeral in NUMERALS and (not unit or UNITS.fullmatch(unit)):
        return NUMERALS[numeral], ""
    return "", ""
