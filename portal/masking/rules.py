"""Finding personal data in a text, and what the public reads in its place.

What the authority says of itself stays: its payment account, its hotline, its officers' cards, credit codes. Where it
is unclear whose a number is, the number is marked; a person who confirms the masking can take the mark away.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from portal.person_names.rules import NameStyle, everywhere, find_names, public_name
from portal.personal_data.rules import GAP, Finding, Found, find_data, find_words, spelled_out

HIDDEN = "***"
POINTED_OUT = frozenset({Finding.HEALTH, Finding.MINOR, Finding.MINOR_PARTY})


@dataclass(frozen=True)
class Mark:
    """A passage of a text and the words that stand there in public.

    Words about health and minors are only pointed out: the same words stand there.
    """

    start: int
    end: int
    kind: Finding
    replacement: str


@dataclass(frozen=True, kw_only=True)
class Context:
    """Whom a text is about; `kept` are the authority's own numbers, addresses and names, which stay visible."""

    party_name: str
    party_is_person: bool
    representative: str = ""
    kept: tuple[str, ...] = ()
    style: NameStyle = NameStyle.SURNAME_SOMEBODY


def masked(text: str, marks: Iterable[Mark]) -> str:
    """Return a text with the public's words in place of every mark; marks must not overlap."""
    parts, done = [], 0
    for mark in sorted(marks, key=lambda mark: mark.start):
        parts += [text[done : mark.start], mark.replacement]
        done = mark.end
    return "".join([*parts, text[done:]])


def find_marks(text: str, context: Context, choices: "Choices | None" = None) -> list[Mark]:
    """Return what must not be published of a text, in its order and without overlaps; people's choices go first."""
    flat, at = _flattened(text)
    free = bytearray(b"\1" * len(flat))
    marks = []
    for found in _search(flat, context, choices or Choices()):
        whole = all(free[found.start : found.end])
        for piece in re.finditer(b"\1+", bytes(free[found.start : found.end])):
            start, end = found.start + piece.start(), found.start + piece.end()
            first, last = at[start], at[end - 1] + 1
            words = flat[start:end] if whole else ""
            mark = _mark(found.kind, words, text[first:last], context) if found.kind else None
            if mark:
                marks.append(replace(mark, start=first, end=last))
        free[found.start : found.end] = bytes(found.end - found.start)
    return sorted(marks, key=lambda mark: mark.start)


@dataclass(frozen=True)
class Choices:
    """What a person decided about the findings of one decision: passages to leave visible, and passages to hide."""

    left: tuple[tuple[Finding, str, str], ...] = ()  # kind, passage, why it is no personal datum
    added: tuple[tuple[Finding, str], ...] = ()

    @classmethod
    def read(cls, marks: Mapping[str, Any]) -> "Choices":
        """Return the choices kept among a decision's marks."""
        left = ((Finding(one["kind"]), one["passage"], one["why"]) for one in marks.get("left", ()))
        return cls(tuple(left), tuple((Finding(one["kind"]), one["passage"]) for one in marks.get("added", ())))

    def written(self) -> dict[str, list[dict[str, Any]]]:
        """Return the choices as they are kept."""
        left = [{"kind": kind.value, "passage": passage, "why": why} for kind, passage, why in self.left]
        return {"left": left, "added": [{"kind": kind.value, "passage": passage} for kind, passage in self.added]}


def same_passage(passage: str) -> str:
    """Return a passage in the form in which two of them are compared: half-width, without blanks."""
    return re.sub(r"\s", "", _flattened(passage)[0])


def _mark(kind: Finding, words: str, original: str, context: Context) -> Mark:
    if kind in POINTED_OUT:
        return Mark(0, 0, kind, original)
    if kind is not Finding.NAME or not words:
        return Mark(0, 0, kind, HIDDEN)
    name = re.sub(r"\s", "", words)
    # Nobody but the party is ever named in full.
    full = context.style is NameStyle.FULL
    return Mark(0, 0, kind, public_name(name, NameStyle.SURNAME_SOMEBODY if full else context.style))


def _flattened(text: str) -> tuple[str, list[int]]:
    """Return a text in half-width forms without invisible letters, and where each letter stood."""
    letters, at = [], []
    for index, letter in enumerate(text):
        plain = _plain(letter)
        if plain:
            letters.append(plain)
            at.append(index)
    return spelled_out("".join(letters)), at


@lru_cache(maxsize=20_000)
def _plain(letter: str) -> str:
    """Return one letter in its half-width form, nothing for an invisible one, digits of any script as ours."""
    category = unicodedata.category(letter)
    if category in ("Cf", "Mn"):
        return ""
    value = unicodedata.decimal(letter, None)
    if value is not None:
        return str(value)
    plain = letter if category == "No" else unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 else letter


def _search(flat: str, context: Context, choices: Choices) -> Iterator[Found]:
    """Yield all findings, those that win where two overlap first."""
    for kind, passage in choices.added:
        yield from (Found(*span, kind) for span in everywhere(flat, [same_passage(passage)]))
    left = {(kind, same_passage(passage)) for kind, passage, _why in choices.left}
    for found in _automatic(flat, context):
        gone = found.kind and (found.kind, re.sub(r"\s", "", flat[found.start : found.end])) in left
        if not gone:
            yield found


def _automatic(flat: str, context: Context) -> Iterator[Found]:
    person, name = context.party_is_person, _flattened(context.party_name)[0]
    own = [name] if person and context.style is not NameStyle.FULL else []
    for span in everywhere(flat, own):
        yield Found(*span, Finding.NAME)
    yield from _staying(flat, [*context.kept, *([] if own else [name])])
    yield from find_data(flat, party_is_person=person)
    for span in find_names(flat, [same_passage(context.representative), *own]):
        yield Found(*span, Finding.NAME)
    yield from find_words(flat, party_name=name, party_is_person=person)


def _staying(flat: str, words: Sequence[str]) -> Iterator[Found]:
    for word in (_flattened(word)[0].strip() for word in words):
        digits = re.sub(GAP, "", word)
        if digits.isdigit() and len(digits) > 4:
            pattern = rf"(?<!\d)\(?{f'{GAP}{{0,3}}'.join(digits)}(?!\d)"
        elif len(word) > 1:
            pattern = re.escape(word)
        else:
            continue
        yield from (Found(*hit.span(), None) for hit in re.finditer(pattern, flat))
