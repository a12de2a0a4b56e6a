"""What may be published of a decision, how soon it must be, for how long, and which remedy it names."""

import json
import unicodedata
from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from portal.masking import rules as masking
from portal.person_names.rules import NameStyle, is_personal, public_name

DATA = Path(__file__).parent / "data"
WORDS: dict[str, Any] = json.loads((DATA / "words.json").read_text(encoding="utf-8"))
# Dated, each entry with its source: how soon a decision must be public, for how long, and what counts as a huge fine.
# "Huge" follows the filing of grave penalties until the thresholds of order 36's annex are confirmed.
PUBLICATION: dict[str, Any] = json.loads((DATA / "publication.json").read_text(encoding="utf-8"))
# The kinds of penalty of the administrative penalty law, article 9, as the dual-publication columns name them.
MEASURES: dict[str, dict[str, str]] = {measure["name"]: measure for measure in WORDS["measures"]}
FINE = next(name for name, measure in MEASURES.items() if measure.get("sum") == "fine")
PERMIT_CATEGORIES: list[dict[str, str]] = WORDS["permit_categories"]
# What a party can do, in the city's words, line by line with the articles it rests on; `{city}` is the city.
REMEDIES: dict[str, list[dict[str, str]]] = json.loads((DATA / "remedies.json").read_text(encoding="utf-8"))
MAX_TEXT = 5000
# The administrative penalty law of 1996 is the oldest that decisions of today rest on.
EARLIEST = date(1996, 10, 1)
MAX_KEYWORD = 60
# The columns whose words are masked before anybody but the organ reads them.
TEXTS = (
    "title",
    "violation",
    "facts",
    "basis_text",
    "content",
    "certificate",
    "place",
    "legal_representative",
    "document_name",
    "permit_number",
    "industry",
    "note",
)


class Weight(StrEnum):
    """How heavy a penalty is for the length of its publication."""

    MINOR = "minor"
    GENERAL = "general"
    SERIOUS = "serious"


@dataclass(frozen=True)
class Period:
    """How many months penalties stay public when published from a day on, counted from decision or publication.

    `least` is how many months must have passed before a publication may end early; None where no rule says so.
    """

    since: date
    counts_from: str
    months: dict[Weight, int]
    least: dict[Weight, int] | None
    source: str


def _weights(entry: dict[str, int]) -> dict[Weight, int]:
    return {Weight(name): months for name, months in entry.items()}


# The longest period of each class, newest rule first; the party may ask for an earlier end.
PERIODS = tuple(
    Period(
        date.fromisoformat(entry["since"]),
        entry["counts_from"],
        _weights(entry["months"]),
        _weights(entry["least"]) if entry["least"] else None,
        entry["source"],
    )
    for entry in PUBLICATION["periods"]
)
RESTRICTIONS = frozenset(PUBLICATION["restriction"]["measures"])
# Working days from an order to withdraw, an objection, an application for credit repair.
CLOCKS: dict[str, int] = {name: entry["working_days"] for name, entry in PUBLICATION["clocks"].items()}
WITHIN = {kind: entry["working_days"] for entry in PUBLICATION["within"] for kind in entry["kinds"]}

# Which steps lead from which state to which.
STEPS: dict[tuple[str, str], str] = {
    ("draft", "submit"): "review",
    ("sent_back", "submit"): "review",
    ("review", "publish"): "published",
    ("review", "send_back"): "sent_back",
    ("published", "order_withdrawal"): "published",
    ("published", "withdraw"): "withdrawn",
    ("published", "correct"): "published",
    ("published", "stop_early"): "expired",
    ("published", "expire"): "expired",
}
# Not public yet, so that the clock of publication runs.
OPEN = frozenset({"draft", "review", "sent_back"})
EDITABLE = frozenset({"draft", "sent_back"})


class Remedy(StrEnum):
    """What a party can do against a decision."""

    REVIEW_OR_COURT = "review_or_court"
    REVIEW_FIRST = "review_first"


# Whatever brackets a year is written in, they mean the tortoise-shell ones that official documents use.
BRACKETS = str.maketrans("([{<\u3010\u3016\u3008)]}>\u3011\u3017\u3009", "\u3014" * 7 + "\u3015" * 7)


def next_state(state: str, step: str) -> str | None:
    """Return the state a step leads to, or None when it is not permitted."""
    return STEPS.get((state, step))


def publish_within(kind: str) -> int:
    """Return how many working days after the decision it must be public."""
    days: int = WITHIN[kind]
    return days


def in_force(entries: Sequence[dict[str, Any]], on: date) -> dict[str, Any]:
    """Return the dated entry in force on a day; of a day before all of them, the oldest."""
    newest_first = sorted(entries, key=lambda entry: str(entry["since"]), reverse=True)
    return next((entry for entry in newest_first if entry["since"] <= on.isoformat()), newest_first[-1])


def measures_in(text: str) -> set[str]:
    """Return the kinds of penalty of the law that words speak of, such as a licence whose revocation they name."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    signs = ((name, sign) for name, words in MEASURES.items() for sign in words.get("signs", "").split())
    return {name for name, sign in signs if sign in plain}


def kinds_of(measures: Iterable[str]) -> set[str]:
    """Return measures by the names of the law, also those that a file calls by another name."""
    return {kind for name in measures for kind in ([name] if name in MEASURES else measures_in(name) or [name])}


def weight_of(
    measures: Collection[str], fine: Decimal | None, *, on_the_spot: bool, natural_person: bool, decided_on: date
) -> Weight:
    """Return the class of a penalty: the heaviest of its measures; a huge fine is serious, the spot procedure minor."""
    if on_the_spot:
        return Weight.MINOR
    weights = {Weight(MEASURES[name]["weight"]) if name in MEASURES else Weight.GENERAL for name in kinds_of(measures)}
    huge = in_force(PUBLICATION["huge_fine"], decided_on)["person" if natural_person else "organisation"]
    if Weight.SERIOUS in weights or (fine or 0) >= huge:
        return Weight.SERIOUS
    if Weight.GENERAL in weights or fine:
        return Weight.GENERAL
    return Weight.MINOR if weights else Weight.GENERAL


def period_on(day: date) -> Period:
    """Return the rule of periods that is in force on a day."""
    return next((period for period in PERIODS if day >= period.since), PERIODS[-1])


def publish_until(
    kind: str, weight: Weight, *, decided_on: date, published_on: date, restricted_until: date | None = None
) -> date | None:
    """Return the last day on which a decision is public; None for kinds that stay.

    A restriction of business or trade that lasts longer keeps the decision public to its end (order 45, article 13).
    """
    if kind != "penalty":
        return None
    period = period_on(published_on)
    start = decided_on if period.counts_from == "decided_on" else published_on
    until = months_after(start, period.months[weight])
    return max(until, restricted_until) if restricted_until else until


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or that month's last day when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def public_party_name(kind: str, name: str, style: NameStyle) -> str:
    """Return a party's name as the public sees it: a shop or firm in full, a natural person by the city's setting.

    A sole trader without a shop name is registered by the operator's own.
    """
    if kind == "person" or (kind == "sole_trader" and is_personal(name)):
        return public_name(name, style)
    return name


def mask_texts(texts: Mapping[str, str], context: masking.Context, choices: masking.Choices) -> dict[str, str]:
    """Return what the machine would publish of a decision's words, after what people decided about them before."""
    return {
        name: masking.masked(text, masking.find_marks(text, context, choices)) if text else ""
        for name, text in texts.items()
    }


def remedy(kind: str, *, on_the_spot: bool) -> Remedy:
    """Return the remedy against a decision (administrative reconsideration law, articles 20 and 23)."""
    return Remedy.REVIEW_FIRST if kind == "penalty" and on_the_spot else Remedy.REVIEW_OR_COURT


def number_key(number: str) -> str:
    """Return a document number as it is compared: in one width, without spaces, its year in tortoise-shell brackets."""
    return "".join(unicodedata.normalize("NFKC", number).split()).lower().translate(BRACKETS)


def path(decision_id: int) -> str:
    """Return the address of a decision's page."""
    return f"/decisions/{decision_id}"
