"""What a worklist can be narrowed to. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

VIEWS = ("mine", "today", "late", "told", "unassigned", "waiting", "answered", "all")
# Deadlines that passed, are today, within so many days, or do not run.
DUES = ("late", "today", "week", "none")
WEEK = 7
ME, NOBODY = "me", "none"
SIZE = 50
# How far a view's cases are counted: beyond it nobody needs to know how many.
COUNTED = 201
MAX_WORDS = 100
# Opening a case takes a tenth of a millisecond and more; whoever finds so many asks for too little.
MOST_OPENED = 300
MAX_NAME = 40
# So many cases are opened for one exported list.
MOST_EXPORTED = 2000
# One look at a page should find them all.
MOST_SAVED = 20


@dataclass(frozen=True)
class Filters:
    """What a worklist is narrowed to; empty or none narrows nothing.

    `handler` is the id of an account, `me` or `none`.
    """

    view: str = "all"
    words: str = ""
    organ_id: int | None = None
    kind: str = ""
    state: str = ""
    due: str = ""
    channel: str = ""
    handler: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the view narrows the list."""
        return self != Filters(self.view)

    def written(self) -> dict[str, str]:
        """Return the filters as an address carries them."""
        names = {"words": "q", "organ_id": "organ"}
        return {names.get(name, name): str(value) for name, value in asdict(self).items() if value}

    def to_keep(self) -> dict[str, str]:
        """Return the filters as they are kept: without words, which can be somebody's name."""
        return replace(self, words="").written()


def without(kept: Mapping[str, str], name: str) -> dict[str, Any]:
    """Return an address's filters without one of them."""
    return {key: value for key, value in kept.items() if key != name}
