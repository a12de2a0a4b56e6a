"""What may be published of a decision, how soon it must be, for how long, and which remedy it names."""

import json
import re
import unicodedata
from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "words.json").read_text(encoding="utf-8"))
# The kinds of penalty of the administrative penalty law, article 9, as the dual-publication columns name them.
MEASURES: dict[str, dict[str, str]] = {measure["name"]: measure for measure in WORDS["measures"]}
MAX_TEXT = 5000
MAX_KEYWORD = 60

# Working days from the decision to its publication: 7 for permits and penalties (State Council office 2018 no. 118,
# section 6; development and reform commission 2018 no. 424), 20 for everything else (the same section).
PUBLISH_WITHIN = {"penalty": 7, "permit": 7}
PUBLISH_WITHIN_ELSE = 20
# Henan provincial government order 168, article 3 (filing of grave penalties), stands in for "huge fine" until the
# thresholds of order 36's annex are confirmed.
HUGE_FINE_PERSON = Decimal(10_000)
HUGE_FINE_ORGANISATION = Decimal(100_000)


class Weight(StrEnum):
    """How heavy a penalty is for the length of its publication."""

    MINOR = "minor"
    GENERAL = "general"
    SERIOUS = "serious"


@dataclass(frozen=True)
class Period:
    """How many months penalties stay public when they are published from a day on."""

    since: date
    months: dict[Weight, int]
    source: str


# The longest period of each class; the party may ask for an earlier end.
PERIODS = (
    Period(
        date(2026, 4, 1),
        {Weight.MINOR: 3, Weight.GENERAL: 12, Weight.SERIOUS: 36},
        "National development and reform commission order 36 (2025), in force 2026-04-01",
    ),
    Period(
        date(2021, 9, 1),
        {Weight.MINOR: 3, Weight.GENERAL: 36, Weight.SERIOUS: 36},
        "State administration for market regulation order 45 (2021), article 13",
    ),
)

# Which steps lead from which state to which.
STEPS: dict[tuple[str, str], str] = {
    ("draft", "submit"): "review",
    ("sent_back", "submit"): "review",
    ("review", "publish"): "published",
    ("review", "send_back"): "sent_back",
    ("published", "withdraw"): "withdrawn",
}
EDITABLE = frozenset({"draft", "sent_back"})


class Remedy(StrEnum):
    """What a party can do against a decision."""

    REVIEW_OR_COURT = "review_or_court"
    REVIEW_FIRST = "review_first"


class Personal(StrEnum):
    """What must not stand in a published text."""

    IDENTITY_NUMBER = "identity_number"
    MOBILE_PHONE = "mobile_phone"


IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d{6}((?:19|20)\d{2})(\d{2})(\d{2})\d{3}[0-9Xx](?![0-9A-Za-z])")
MOBILE = re.compile(r"(?<!\d)(?:\+?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}(?!\d)")


def next_state(state: str, step: str) -> str | None:
    """Return the state a step leads to, or None when it is not permitted."""
    return STEPS.get((state, step))


def publish_within(kind: str) -> int:
    """Return how many working days after the decision it must be public."""
    return PUBLISH_WITHIN.get(kind, PUBLISH_WITHIN_ELSE)


def weight_of(measures: Collection[str], fine: Decimal | None, *, on_the_spot: bool, natural_person: bool) -> Weight:
    """Return the class of a penalty: the heaviest of its measures; a huge fine is serious, the spot procedure minor."""
    if on_the_spot:
        return Weight.MINOR
    weights = {Weight(MEASURES[name]["weight"]) if name in MEASURES else Weight.GENERAL for name in measures}
    huge = HUGE_FINE_PERSON if natural_person else HUGE_FINE_ORGANISATION
    if Weight.SERIOUS in weights or (fine or 0) >= huge:
        return Weight.SERIOUS
    if Weight.GENERAL in weights or fine:
        return Weight.GENERAL
    return Weight.MINOR if weights else Weight.GENERAL


def publish_until(kind: str, weight: Weight, published_on: date) -> date | None:
    """Return the last day on which a decision is public; None for kinds that stay."""
    if kind != "penalty":
        return None
    period = next((period for period in PERIODS if published_on >= period.since), PERIODS[-1])
    return months_after(published_on, period.months[weight])


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or that month's last day when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def public_party_name(kind: str, name: str) -> str:
    """Return a party's name as the public sees it: a natural person's surname only, a shop or firm in full."""
    if kind != "person":
        return name
    plain = name.strip()
    surname = next((known for known in WORDS["compound_surnames"] if plain.startswith(known)), plain[:1])
    return f"{surname}{WORDS['somebody']}"


def find_personal(text: str) -> list[Personal]:
    """Return which personal numbers a text holds.

    Eighteen digits count as an identity number only with a day of birth inside, and longer runs never do: the bank
    account of the authority and all-digit credit codes must stay visible.
    """
    plain = unicodedata.normalize("NFKC", text)
    found = []
    if any(_is_birthday(hit.groups()) for hit in IDENTITY.finditer(plain)):
        found.append(Personal.IDENTITY_NUMBER)
    if MOBILE.search(plain):
        found.append(Personal.MOBILE_PHONE)
    return found


def _is_birthday(parts: tuple[str | Any, ...]) -> bool:
    try:
        date(*(int(part) for part in parts))
    except ValueError:
        return False
    return True


def remedy(kind: str, *, on_the_spot: bool) -> Remedy:
    """Return the remedy against a decision (administrative reconsideration law, articles 20 and 23)."""
    return Remedy.REVIEW_FIRST if kind == "penalty" and on_the_spot else Remedy.REVIEW_OR_COURT


def path(decision_id: int) -> str:
    """Return the address of a decision's page."""
    return f"/decisions/{decision_id}"
