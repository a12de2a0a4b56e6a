"""Whether an officer's card counts on a day, and which organ stands for one that has ended. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)
MAX_NUMBER = 40
MAX_NAME = 100
MAX_TEXT = 300
MAX_BODY = 20_000
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG = 60
# Addresses under /organs/ that belong to pages and not to an organ.
RESERVED = frozenset({"recognitions"})
CARD_NUMBER = re.compile(r"\w{4,40}")


class CardState(StrEnum):
    """What can be said of a card on a day."""

    VALID = "valid"
    NOT_YET = "not_yet"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True)
class Life:
    """Between which days an organ exists, and which organ follows it."""

    valid_from: date | None = None
    valid_to: date | None = None
    successor_id: int | None = None


def normalise_card_number(raw: str) -> str:
    """Return a card number as it is kept: half-width capitals and digits, without spaces or hyphens."""
    return re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", raw)).upper()[:MAX_NUMBER]


def is_identity_number(number: str) -> bool:
    """Whether a number is that of an identity card, which has no place in this register."""
    from stdnum.cn import ric

    return bool(ric.is_valid(number))


def card_state(valid_from: date, last_day: date, suspended_on: date | None, on: date) -> CardState:
    """Return what a card is on a day; a card whose time is over is over, suspended or not."""
    if on > last_day:
        return CardState.ENDED
    if suspended_on is not None and on >= suspended_on:
        return CardState.SUSPENDED
    return CardState.VALID if on >= valid_from else CardState.NOT_YET


def path(slug: str) -> str:
    """Return the address of an organ's page."""
    return f"/organs/{slug}"


def is_slug(text: str) -> bool:
    """Whether a text can be the address of an organ."""
    return len(text) <= MAX_SLUG and bool(SLUG.fullmatch(text)) and text not in RESERVED


def acting(organ_id: int, on: date, lives: Mapping[int, Life]) -> int | None:
    """Return the organ that stands for another on a day: itself, or who follows it; None when nobody does."""
    seen = set()
    current: int | None = organ_id
    while current is not None and current not in seen:
        seen.add(current)
        life = lives.get(current, Life())
        if life.valid_to is None or life.valid_to >= on:
            return current
        current = life.successor_id
    return None


def leads_back(organ_id: int, successor_id: int, lives: Mapping[int, Life]) -> bool:
    """Whether an organ would follow itself if another were its successor."""
    seen = {organ_id}
    current: int | None = successor_id
    while current is not None:
        if current in seen:
            return True
        seen.add(current)
        current = lives.get(current, Life()).successor_id
    return False


def is_credit_code(text: str) -> bool:
    """Whether a text is a unified social credit code, check character and all (GB 32100-2015)."""
    from stdnum.cn import uscc

    return bool(uscc.is_valid(text))
