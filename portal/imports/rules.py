"""What a file was read as, what was decided on its rows before the first was written, and what takes rows in."""

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from portal.errors import Message

# More rows than these are not written while somebody waits for the answer.
SMALL = 2000
# Rows that are written in one transaction: others wait for it half a second at most.
PIECE = 1000
FIGURES = ("imported", "changed", "unchanged")


@dataclass
class Row:
    """One row of a spreadsheet as far as it could be read; fields that were empty are left out.

    `problems` keep it out, `remarks` only ask a person to look: each is a field and a word that says what is wrong.
    """

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Rejection:
    """A row that is left out, or should be looked at: its number as the spreadsheet shows it, the column, and why."""

    row: int
    field: str
    reasons: tuple[Message, ...]

    def as_dict(self) -> dict[str, object]:
        """Return it in the language in force."""
        return {"row": self.row, "field": self.field, "reason": " ".join(str(reason) for reason in self.reasons)}


class Rows(Protocol):
    """The good rows of a file, by place; an intake may read each anew whenever it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Row: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass
class Draft:
    """A file as read: the rows that can be taken, their numbers, those that cannot, and what should be looked at."""

    rows: Rows
    numbers: Sequence[int]
    rejected: list[Rejection] = field(default_factory=list)
    remarks: list[Rejection] = field(default_factory=list)


class Mark(IntEnum):
    """What a row brings, compared with the register before any row of its file was written."""

    UNCHANGED = 0
    NEW = 1
    CHANGED = 2
    REFUSED = 3


class Step(NamedTuple):
    """What is done with a row.

    `party` is an id, or below zero the party of the row at place `-party - 1`, which may be this one: then it is made.
    Only the `first` row that names a party changes it.
    """

    number: int
    mark: Mark
    party: int = 0
    first: bool = False


@dataclass
class Decided:
    """What is done with each row of a draft, and why some are left out that could be read."""

    steps: list[Step]
    refused: list[Rejection] = field(default_factory=list)

    def counts(self, draft: Draft) -> dict[str, int]:
        """Return the four figures of an import."""
        marks = Counter(step.mark for step in self.steps)
        figures = (marks[Mark.NEW], marks[Mark.CHANGED], marks[Mark.UNCHANGED])
        return dict(zip(FIGURES, figures, strict=True)) | {"rejected": len(draft.rejected) + len(self.refused)}


class Overtaken(Exception):
    """What was decided on a row no longer holds; all that is left has to be decided on anew."""


class Intake(Protocol):
    """What the rows of one kind of spreadsheet go into.

    What is known beforehand is loaded once and handed from step to step.
    """

    kind: str

    def load_known(self, organ_id: int | None) -> Any:
        """Load what rows are read against; `organ_id` is the only organ whose rows may be imported, if any."""

    def read_file(self, path: Path, known: Any, *, row_by_row: bool = False) -> Draft:
        """Read and check a file without touching the database; raises Unreadable when it cannot be used.

        A required column that is missing makes it so, too; with `row_by_row` each row is rejected for it instead.
        """

    def decide(self, draft: Draft, known: Any) -> Decided:
        """Decide on every row as the records stand now, without writing."""

    def write_rows(
        self, draft: Draft, steps: Sequence[Step], known: Any, span: range, staff_id: int | None
    ) -> Mapping[str, int]:
        """Write the rows at these places as was decided, in the caller's transaction; return the first three figures.

        Raises Overtaken, or the database's IntegrityError, when somebody else has changed what was decided on.
        """


def add(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of two sets of figures."""
    return {name: counts.get(name, 0) + more.get(name, 0) for name in (*FIGURES, "rejected")}


def pack(steps: Sequence[Step]) -> bytes:
    """Return steps as they are kept until the last of them is done."""
    return zlib.compress(json.dumps(steps).encode())


def unpack(kept: bytes) -> list[Step]:
    """Return steps that were kept."""
    return [Step(number, Mark(mark), party, first) for number, mark, party, first in json.loads(zlib.decompress(kept))]


def fits(steps: Sequence[Step], numbers: Sequence[int]) -> bool:
    """Whether steps are about the rows with these numbers and no others."""
    return [step.number for step in steps] == list(numbers)
