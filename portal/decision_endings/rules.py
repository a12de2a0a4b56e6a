"""When the publication of a penalty may end early.

Sources: the credit repair measures (development and reform commission order 36, 2025) and order 45 of the state
administration for market regulation (2021), article 14; what is never ended early stands in `data/repair.json`.
"""

import json
from collections.abc import Collection
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from portal.decisions.rules import Weight, kinds_of, months_after, period_on

REPAIR: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "repair.json").read_text(encoding="utf-8"))
NEVER = frozenset(REPAIR["never"]["measures"])


class Obstacle(StrEnum):
    """Why no application can be made."""

    KIND = "kind"
    NEVER = "never"
    NO_RULE = "no_rule"
    TOO_EARLY = "too_early"


def first_repair_day(weight: Weight, *, decided_on: date, published_on: date, today: date) -> date | None:
    """Return the first day on which a publication may end early by the rule in force today, None where none says so."""
    period = period_on(today)
    if period.least is None:
        return None
    start = decided_on if period.counts_from == "decided_on" else published_on
    return months_after(start, period.least[weight])


def find_obstacle(*, kind: str, measures: Collection[str], first_day: date | None, applied_on: date) -> Obstacle | None:
    """Return why an application made on a day cannot succeed, None when nothing speaks against it."""
    if kind not in REPAIR["kinds"]:
        return Obstacle.KIND
    if NEVER & kinds_of(measures):
        return Obstacle.NEVER
    if first_day is None:
        return Obstacle.NO_RULE
    return Obstacle.TOO_EARLY if applied_on < first_day else None
