"""Whether an officer's card counts on a day."""

import re
import unicodedata
from datetime import date
from enum import StrEnum

MAX_NUMBER = 40


class CardState(StrEnum):
    """What can be said of a card on a day."""

    VALID = "valid"
    NOT_YET = "not_yet"
    ENDED = "ended"


def normalise_card_number(raw: str) -> str:
    """Return a card number as it is kept: half-width capitals and digits, without spaces or hyphens."""
    return re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", raw)).upper()[:MAX_NUMBER]


def card_state(valid_from: date, ended_on: date, on: date) -> CardState:
    """Return what a card is on a day; `ended_on` is the first day on which it no longer counts."""
    if on >= ended_on:
        return CardState.ENDED
    return CardState.VALID if on >= valid_from else CardState.NOT_YET


def path(slug: str) -> str:
    """Return the address of an organ's page."""
    return f"/organs/{slug}"
