"""What a fine may be, as a text says it and as a bar is drawn; which article a text cites. Pure."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from portal.law_texts.rules import full_titles, parse_number

WORDS: dict[str, str] = json.loads((Path(__file__).parent / "data" / "amounts.json").read_text(encoding="utf-8"))
RANGE_END = re.compile(f"{WORDS['amount']}(?P<side>{WORDS['from']}|{WORDS['to']})")
AMOUNT = re.compile(WORDS["amount"])
PLAIN = re.compile(r"[0-9][0-9,]{0,17}(?:\.[0-9]{1,2})?")
CITATION = re.compile(WORDS["citation"])
CODE = re.compile(r"\S{1,64}")
MAX_FINE = Decimal(10) ** 12
MAX_VIOLATION = 300
MAX_TEXT = 2000
MAX_SHORT = 128
MAX_TIERS = 30
WIDTH = 320


class Validity(StrEnum):
    """How a standard stands on a day."""

    NOT_YET = "not_yet"
    APPLIED = "applied"
    ENDED = "ended"


class Ranged(Protocol):
    """What a bar needs to know of a tier."""

    @property
    def fine_from(self) -> Decimal | None: ...
    @property
    def fine_to(self) -> Decimal | None: ...


@dataclass(frozen=True)
class Bar:
    """One range on a scale from nothing to the highest fine, in units of the drawing; `open` without an upper end."""

    x: float
    width: float
    open: bool


@dataclass(frozen=True)
class Cited:
    """An article that a text cites."""

    title: str
    number: int
    suffix: int

    @property
    def titles(self) -> tuple[str, str]:
        """Return what the law may be called: its short name stands for the full one."""
        return full_titles(self.title)


def validity(valid_from: date | None, valid_to: date | None, on: date) -> Validity:
    """Return how a standard stands on a day; the last day still counts."""
    if valid_to is not None and valid_to < on:
        return Validity.ENDED
    return Validity.NOT_YET if valid_from is not None and on < valid_from else Validity.APPLIED


def read_amount(text: str) -> Decimal | None:
    """Return an amount in yuan as people type it: 2000, 2,000.00, 2 wan; None when it is none."""
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    written = AMOUNT.fullmatch(plain)
    if written:
        return _amount(written)
    scale = 10_000 if plain.endswith(WORDS["unit"]) else 1
    plain = plain.removesuffix(WORDS["unit"])
    if not PLAIN.fullmatch(plain):
        return None
    amount = Decimal(plain.replace(",", "")) * scale
    return amount if amount <= MAX_FINE else None


def read_range(text: str) -> tuple[Decimal | None, Decimal | None]:
    """Return the lower and upper fine that a text names in yuan; none where it names shares, or nothing, or several."""
    if WORDS["fine"] not in text:
        return None, None
    ends: dict[str, list[Decimal]] = {WORDS["from"]: [], WORDS["to"]: []}
    for found in RANGE_END.finditer(unicodedata.normalize("NFKC", text)):
        amount = _amount(found)
        if amount is not None:
            ends[found["side"]].append(amount)
    lower, upper = ends[WORDS["from"]], ends[WORDS["to"]]
    if len(lower) > 1 or len(upper) > 1:
        return None, None
    first, last = next(iter(lower), None), next(iter(upper), None)
    return (None, None) if first is not None and last is not None and last < first else (first, last)


def _amount(found: re.Match[str]) -> Decimal | None:
    digits = found["number"].replace(",", "").replace("，", "")
    try:
        amount = Decimal(digits) if digits.isascii() else Decimal(parse_number(digits))
    except (ValueError, InvalidOperation):
        return None
    amount *= 10_000 if found["unit"] else 1
    return amount if amount <= MAX_FINE else None


def find_citation(text: str) -> Cited | None:
    """Return the first article that a text cites."""
    found = CITATION.search(unicodedata.normalize("NFC", text))
    if found is None:
        return None
    return Cited(found["title"], parse_number(found["number"]), parse_number(found["suffix"]) if found["suffix"] else 0)


def highest(tiers: Iterable[Ranged]) -> Decimal:
    """Return the highest fine that any tier names."""
    return max((amount for tier in tiers for amount in (tier.fine_from, tier.fine_to) if amount), default=Decimal(0))


def bars(tiers: Sequence[Ranged]) -> list[Bar | None]:
    """Return each tier's bar on one common scale; none for a tier that names no fine in yuan."""
    top = highest(tiers)
    return [_bar(tier, top) for tier in tiers]


def _bar(tier: Ranged, top: Decimal) -> Bar | None:
    if not top or (tier.fine_from is None and tier.fine_to is None):
        return None
    start = float((tier.fine_from or Decimal(0)) / top * WIDTH)
    end = WIDTH if tier.fine_to is None else float(tier.fine_to / top * WIDTH)
    # A fixed sum is a line that can be seen.
    width = max(end - start, 3.0)
    return Bar(round(min(start, WIDTH - width), 1), round(width, 1), tier.fine_to is None)


def path(standard_id: int) -> str:
    """Return the address of a standard's page."""
    return f"/discretion/{standard_id}"
