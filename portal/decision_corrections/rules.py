"""What a correction changes, and which marks of a person's choice hide something in it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from portal.masking import rules as masking
from portal.masking.rules import Choices, Mark
from portal.personal_data.rules import Finding

# Columns that JSON keeps as text.
DAYS = frozenset({"decided_on", "valid_from", "valid_to"})
SUMS = frozenset({"fine", "confiscated"})


def to_json(value: Any) -> Any:
    """Return the value of a column as JSON keeps it."""
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:.2f}" if isinstance(value, Decimal) else value


def from_json(name: str, value: Any) -> Any:
    """Return the value of a column as JSON kept it."""
    if value is None:
        return None
    if name in DAYS:
        return date.fromisoformat(value)
    return Decimal(value) if name in SUMS else value


def find_changes(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that would change, with their new values as JSON keeps them."""
    pairs = {name: (to_json(present[name]), to_json(value)) for name, value in wanted.items()}
    return {name: new for name, (old, new) in pairs.items() if (old or None) != (new or None)}


@dataclass(frozen=True)
class Text:
    """One changed text with what would be hidden in it."""

    column: str
    words: str
    marks: list[Mark]

    def names(self) -> dict[str, Mark]:
        """Return the marks by the names that a form gives them."""
        return {f"{self.column}-{mark.start}-{mark.end}": mark for mark in self.marks}


def choose(base: Choices, texts: Iterable[Text], *, hidden: Collection[str], why: str, more: Iterable[str]) -> Choices:
    """Return a person's choices over the marks of some texts, added to those made of the decision before.

    What is not among the names in `hidden` stays visible, for the reason `why`; the passages in `more` are hidden too.
    """
    left, added = list(base.left), list(base.added)
    for text in texts:
        for name, mark in text.names().items():
            passage = text.words[mark.start : mark.end]
            if name not in hidden and mark.kind not in masking.POINTED_OUT:
                added = [entry for entry in added if entry[1] != passage]
                left.append((mark.kind, passage, why))
    added += [(Finding.OTHER, passage) for passage in filter(None, map(str.strip, more))]
    return Choices(tuple(dict.fromkeys(left)), tuple(dict.fromkeys(added)))
