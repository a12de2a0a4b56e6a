"""Whether a text names somebody, by full name or by the number of an enforcement card. Pure.

What is found in doubt is kept from them: a wrong match costs a colleague's time, a missed one the sender's trust
(regulation on letters and visits, articles 30 and 46).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
# What people put between the characters of a name or the digits of a number, seen or unseen.
BETWEEN = re.compile(r"[\s\-‐-―·•・‧\u00ad\u200b-\u200f\u2060\ufeff]")
# A shorter number must not be the beginning or the end of another: numbers of so few digits are everywhere.
LONG_CARD = 8
MAX_REASON = 300


@dataclass(frozen=True)
class Person:
    """Somebody who may be named: an account, a card, or an account with a card."""

    staff_id: int | None
    officer_id: int | None
    name: str
    card: str


def fold(text: str) -> str:
    """Return a text as names and numbers are looked for in it: half-width capitals with nothing in between."""
    return BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()


def find_named(text: str, people: Iterable[Person]) -> list[Person]:
    """Return who is named in a text."""
    folded, plain = fold(text), unicodedata.normalize("NFKC", text).upper()
    return [person for person in people if _has_name(folded, person.name) or _has_card(folded, plain, person.card)]


def has_card(text: str, card: str) -> bool:
    """Whether a text names somebody by the number of their card."""
    return _has_card(fold(text), unicodedata.normalize("NFKC", text).upper(), card)


def _has_name(folded: str, name: str) -> bool:
    """A name of fewer than two Chinese characters is looked for nowhere: it would be in every text."""
    wanted = fold(name)
    return wanted in folded and len(HAN.findall(wanted)) >= 2


def _has_card(folded: str, plain: str, card: str) -> bool:
    wanted = fold(card)
    if not wanted or wanted not in folded:
        return False
    if len(wanted) >= LONG_CARD:
        return True
    alone = re.compile(rf"(?<![0-9A-Z]){re.escape(wanted)}(?![0-9A-Z])")
    return bool(alone.search(folded) or alone.search(plain))
