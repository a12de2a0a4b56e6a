"""How words lie side by side, what was found in them, each thing once, and what a person decides about it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from portal.masking.rules import POINTED_OUT, Choices, Context, Mark, find_marks, same_passage
from portal.personal_data.rules import Finding

# Why a passage that was found is no personal datum.
REASONS = ("authority", "firm", "word", "age")
MAX_PASSAGE = 200
# What may be added by hand.
ADDABLE = (Finding.OTHER, Finding.NAME, Finding.ADDRESS)


@dataclass(frozen=True)
class Group:
    """One thing that was found, wherever it stands; `why` says why it was left visible, if it was."""

    number: int
    kind: Finding
    passage: str
    shown: str
    count: int
    why: str = ""
    added: bool = False

    @property
    def hides(self) -> bool:
        return self.kind not in POINTED_OUT and not self.why


@dataclass(frozen=True)
class Piece:
    """A piece of a text and what stands there in public; `number` is the group of a finding, 0 of none."""

    text: str
    shown: str
    number: int = 0


@dataclass(frozen=True)
class Sheet:
    """The words of a record side by side; `seen` changes whenever anything on the sheet does."""

    columns: Mapping[str, Sequence[Piece]]
    groups: Sequence[Group]
    marks: Mapping[str, Sequence[Mark]]
    seen: str

    @property
    def found(self) -> Sequence[Group]:
        return [group for group in self.groups if not group.why]

    @property
    def left(self) -> Sequence[Group]:
        return [group for group in self.groups if group.why]

    @property
    def blocked(self) -> bool:
        """Whether the punished one is a minor, of whom nothing is published."""
        return any(group.kind is Finding.MINOR_PARTY for group in self.found)

    def public(self, name: str) -> str:
        """Return what the public reads of a column."""
        return "".join(piece.shown for piece in self.columns.get(name, ()))


def leave(choices: Choices, group: Group, why: str) -> Choices:
    """Return the choices after a mark was taken away, with the reason; one that was made by hand is simply gone."""
    if group.added:
        added = [one for one in choices.added if (one[0], same_passage(one[1])) != _key(group)]
        return replace(choices, added=tuple(added))
    return replace(choices, left=(*choices.left, (group.kind, group.passage, why)))


def hide_again(choices: Choices, group: Group) -> Choices:
    """Return the choices after what was left visible is masked again."""
    left = [one for one in choices.left if (one[0], same_passage(one[1])) != _key(group)]
    return replace(choices, left=tuple(left))


def add(choices: Choices, kind: Finding, passage: str) -> Choices:
    """Return the choices after a passage is to be masked wherever it stands."""
    left = [one for one in choices.left if same_passage(one[1]) != same_passage(passage)]
    return Choices(left=tuple(left), added=(*choices.added, (kind, passage)))


def is_passage(passage: str) -> bool:
    """Whether something is long enough to be looked for, and short enough."""
    return 2 <= len(same_passage(passage)) <= MAX_PASSAGE


def stands_in(passage: str, texts: Iterable[str]) -> bool:
    """Whether a passage stands in any of some texts, however wide or spaced its letters are."""
    wanted = same_passage(passage).lower()
    return any(wanted in same_passage(text).lower() for text in texts)


def _key(group: Group) -> tuple[Finding, str]:
    return group.kind, same_passage(group.passage)


@dataclass
class _Numbers:
    """Numbers for what was found, in the order of its first appearance."""

    choices: Choices
    known: dict[tuple[Finding, str], list[Any]] = field(default_factory=dict)

    def take(self, kind: Finding, passage: str, shown: str) -> int:
        key = (kind, same_passage(passage))
        entry = self.known.setdefault(key, [len(self.known) + 1, passage, shown, 0])
        entry[3] += 1
        return int(entry[0])

    def groups(self) -> list[Group]:
        left = {(kind, same_passage(passage)): why for kind, passage, why in self.choices.left}
        added = {(kind, same_passage(passage)) for kind, passage in self.choices.added}
        return [
            Group(number, key[0], passage, shown, count, left.get(key, ""), key in added)
            for key, (number, passage, shown, count) in self.known.items()
        ]


def lay_out(texts: Mapping[str, str], context: Context, choices: Choices, *, stamp: str = "") -> Sheet:
    """Lay the words of a record side by side; `stamp` is what else a person must have seen."""
    numbers = _Numbers(choices)
    all_marks = {name: find_marks(text, context, Choices(added=choices.added)) for name, text in texts.items()}
    marks = {name: find_marks(text, context, choices) for name, text in texts.items()}
    columns = {name: list(_pieces(text, all_marks[name], marks[name], numbers)) for name, text in texts.items()}
    groups = numbers.groups()
    content = [dict(texts), choices.written(), [vars(group) for group in groups], stamp]
    words = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return Sheet(columns, groups, marks, hashlib.sha256(words.encode()).hexdigest()[:32])


def _pieces(text: str, everything: Sequence[Mark], marks: Sequence[Mark], numbers: _Numbers) -> Iterator[Piece]:
    """Yield a text in pieces: what is masked, what was found and left visible, and the rest."""
    masked = {(mark.start, mark.end): mark for mark in marks}
    covered = {index for mark in marks for index in range(mark.start, mark.end)}
    free = [mark for mark in everything if not covered & set(range(mark.start, mark.end))]
    done = 0
    for mark in sorted([*marks, *free], key=lambda mark: mark.start):
        if mark.start > done:
            yield Piece(text[done : mark.start], text[done : mark.start])
        passage = text[mark.start : mark.end]
        shown = mark.replacement if (mark.start, mark.end) in masked else passage
        yield Piece(passage, shown, numbers.take(mark.kind, passage, shown))
        done = mark.end
    if done < len(text):
        yield Piece(text[done:], text[done:])
