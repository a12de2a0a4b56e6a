"""What was decided on the rows of a file, before the first of them is written."""

import json
import zlib
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

# More rows than these are not written while somebody waits for the answer.
SMALL = 2000
# Rows that are written in one transaction: others wait for it half a second at most.
PIECE = 1000


class Mark(IntEnum):
    """What a row brings, compared with the register before any row of its file was written."""

    UNCHANGED = 0
    NEW = 1
    CHANGED = 2


class Step(NamedTuple):
    """What is done with a row.

    `party` is an id, or below zero the party of the row at place `-party - 1`, which may be this one: then it is made.
    Only the `first` row that names a party changes it.
    """

    number: int
    mark: Mark
    party: int = 0
    first: bool = False


def pack(steps: Sequence[Step]) -> bytes:
    """Return steps as they are kept until the last of them is done."""
    return zlib.compress(json.dumps(steps).encode())


def unpack(kept: bytes) -> list[Step]:
    """Return steps that were kept."""
    return [Step(number, Mark(mark), party, first) for number, mark, party, first in json.loads(zlib.decompress(kept))]


def fits(steps: Sequence[Step], numbers: Sequence[int]) -> bool:
    """Whether steps are about the rows with these numbers and no others."""
    return [step.number for step in steps] == list(numbers)
