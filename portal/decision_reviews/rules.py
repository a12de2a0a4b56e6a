"""Which decisions need a risk assessment or a legal review before they are published, and which are on record.

Each rule is dated and names its source (`data/checks.json`); the day of the decision says which one applies.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from portal.decisions.rules import FINE, PUBLICATION, in_force, kinds_of, measures_in

RULES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "checks.json").read_text(encoding="utf-8"))
# How many decisions one batch takes.
MAX_BATCH = 50
# What the public page of a kind has to say: facts, grounds and content (administrative penalty law, article 59;
# administrative coercion law, article 24).
TOLD = {
    "penalty": ("facts", "basis_text", "content"),
    "coercion": ("facts", "basis_text", "content"),
    "inspection": ("facts", "content"),
    "permit": ("content",),
}


@dataclass(frozen=True)
class Need:
    """A check that a decision needs: for one of its measures, or for a sum of at least `limit` yuan."""

    check: str
    source: str
    measure: str = ""
    sum_of: str = ""
    limit: int = 0


class Recorded(Protocol):
    """What counts of a check on record."""

    kind: Any
    passed: bool


def find_needs(
    *,
    kind: str,
    measures: Collection[str],
    fine: Decimal | None,
    confiscated: Decimal | None,
    party_kind: str,
    decided_on: date,
) -> list[Need]:
    """Return why a decision needs which check, nothing when it needs none.

    A sole trader counts as a person here: that limit is lower, so nothing slips through.
    """
    sums, kinds = {"fine": fine, "confiscated": confiscated}, kinds_of(measures)
    needs = []
    for rule in RULES:
        if kind not in rule["kinds"] or decided_on.isoformat() < rule["since"]:
            continue
        needs += [Need(rule["check"], rule["source"], name) for name in rule["measures"] if name in kinds]
        for sum_of, amount in sums.items():
            limit = rule[sum_of]["organisation" if party_kind == "organisation" else "person"] if rule[sum_of] else None
            if limit is not None and amount is not None and amount >= limit:
                needs.append(Need(rule["check"], rule["source"], sum_of=sum_of, limit=limit))
    return needs


class Gap(StrEnum):
    """What a penalty does not say that decides which checks it needs and how long it is public."""

    MEASURES = "measures"
    FINE = "fine"
    FINE_MEASURE = "fine_measure"
    ON_THE_SPOT = "on_the_spot"


def find_gap(
    *,
    kind: str,
    measures: Collection[str],
    fine: Decimal | None,
    on_the_spot: bool,
    party_kind: str,
    decided_on: date,
) -> Gap | None:
    """Return what is missing or cannot be, None when nothing is; only penalties have gaps."""
    if kind != "penalty":
        return None
    if not measures:
        return Gap.MEASURES
    kinds = kinds_of(measures)
    if (FINE in kinds) != bool(fine):
        return Gap.FINE_MEASURE if fine else Gap.FINE
    spot = in_force(PUBLICATION["on_the_spot"], decided_on)
    limit = spot["person" if party_kind == "person" else "organisation"]
    if on_the_spot and (not kinds <= set(spot["measures"]) or (fine or 0) > limit):
        return Gap.ON_THE_SPOT
    return None


def find_untold(kind: str, texts: Mapping[str, str], *, has_article: bool) -> list[str]:
    """Return the columns of the words that the public page needs and that are empty; a linked article is a basis."""
    found = (name for name in TOLD[kind] if not texts[name].strip())
    return [name for name in found if name != "basis_text" or not has_article]


def find_unnamed(kind: str, measures: Collection[str], words: str) -> list[str]:
    """Return the kinds of penalty that a decision's words speak of without being entered as such."""
    return sorted(measures_in(words) - kinds_of(measures)) if kind == "penalty" else []


def find_missing(needs: Iterable[Need], newest_first: Iterable[Recorded]) -> list[Need]:
    """Return the needs that no check on record meets; of several of one kind the newest counts."""
    latest: dict[str, bool] = {}
    for check in newest_first:
        latest.setdefault(check.kind, check.passed)
    return [need for need in needs if not latest.get(need.check, False)]
