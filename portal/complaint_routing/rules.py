"""Which organ a case belongs to, and why. Pure.

An organ never judges a complaint about how it acted itself, nor does whoever follows it (regulation on letters and
visits, articles 28, 30 and 46); whoever supervises is no judge of its own conduct either. Everything else belongs to
whoever holds the power that it is about, else to the organ that was named, else to whoever supervises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.organs.rules import Life, acting


class Why(StrEnum):
    """Why a case belongs to an organ, or to none."""

    SUPERVISES = "supervises"
    OWN = "own"
    POWER = "power"
    PLACE = "place"
    UNHELD = "unheld"
    NAMED = "named"
    FOLLOWS = "follows"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Holder:
    """Who holds a power today, since when (none where it always did), and what the organ is called; none if nobody."""

    organ_id: int | None
    since: date | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What decides: whether it is about conduct, of whom, where, and who holds the power that it is about.

    `holders` are of that power first, then of others of the same name.
    """

    delicate: bool
    subjects: frozenset[int] = frozenset()
    organ_id: int | None = None
    street: str = ""
    holders: Sequence[Holder] = ()


@dataclass(frozen=True)
class Suggestion:
    """Which organ a case belongs to, none where nobody but administrators may decide, and why."""

    organ_id: int | None
    why: Why
    since: date | None = None


def suggest(matter: Matter, *, supervising_id: int | None, on: date, lives: Mapping[int, Life]) -> Suggestion:
    """Return which organ a case belongs to on a day."""
    supervisor = None if supervising_id is None else acting(supervising_id, on, lives)
    if matter.delicate:
        subjects = matter.subjects | {acting(organ_id, on, lives) for organ_id in matter.subjects}
        own = supervisor is None or supervisor in subjects
        return Suggestion(None, Why.OWN) if own else Suggestion(supervisor, Why.SUPERVISES)
    if matter.holders:
        return _by_power(matter, supervisor)
    if matter.organ_id is None:
        return Suggestion(supervisor, Why.UNKNOWN)
    found = acting(matter.organ_id, on, lives)
    if found is None:
        return Suggestion(supervisor, Why.UNKNOWN)
    return Suggestion(found, Why.NAMED if found == matter.organ_id else Why.FOLLOWS)


def _by_power(matter: Matter, supervisor: int | None) -> Suggestion:
    """Of several organs that hold a power of one name, that of the street comes first."""
    if matter.street:
        for holder in matter.holders:
            if holder.organ_id is not None and any(matter.street in name for name in holder.names):
                first = holder is matter.holders[0]
                return Suggestion(holder.organ_id, Why.POWER if first else Why.PLACE, holder.since)
    own = matter.holders[0]
    if own.organ_id is None:
        return Suggestion(supervisor, Why.UNHELD)
    return Suggestion(own.organ_id, Why.POWER, own.since)
