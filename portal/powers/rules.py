"""Who holds a power on which day, and what a text cites as the ground of one. Pure.

A power belongs to its organ; a transfer gives it to another for some time (administrative penalty law, articles 18 and
24); whoever follows an organ that has ended holds what that organ held.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

from portal.law_texts.rules import parse_number
from portal.organs.rules import DAY, Life

WORDS: dict[str, str] = json.loads((Path(__file__).parent / "data" / "citations.json").read_text(encoding="utf-8"))
LAW = re.compile(WORDS["law"])
ARTICLE = re.compile(WORDS["article"])
CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,63}")
MAX_NAME = 200
MAX_TEXT = 2000


@dataclass(frozen=True)
class Move:
    """A transfer: to which organ, from which day to which; no last day means until further notice."""

    id: int
    organ_id: int
    since: date
    until: date | None = None


@dataclass(frozen=True)
class Holding:
    """Which organ holds a power between two days, and by which transfer; no organ where nobody follows one that ended.

    No first or last day where none is known.
    """

    organ_id: int | None
    since: date | None
    until: date | None
    move_id: int | None = None

    def covers(self, on: date) -> bool:
        """Whether a day lies in it."""
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


@dataclass(frozen=True)
class Citation:
    """A law and one of its articles, as a text cites them."""

    title: str
    number: int
    suffix: int


def path(code: str) -> str:
    """Return the address of a power item's page."""
    return f"/powers/{quote(code)}"


def holdings(
    owner_id: int, valid_from: date | None, valid_to: date | None, moves: Iterable[Move], lives: Mapping[int, Life]
) -> list[Holding]:
    """Return who holds a power from its first day to its last, one after the other, without gaps.

    `moves` must not overlap; see `find_overlap`.
    """
    found: list[Holding] = []
    start, end = valid_from or date.min, valid_to or date.max
    for move in sorted(moves, key=lambda move: move.since):
        if move.since > end or (move.until or date.max) < start:
            continue
        if move.since > start:
            found += _in_turn(owner_id, start, move.since - DAY, lives)
        last = min(move.until or date.max, end)
        found += _in_turn(move.organ_id, max(start, move.since), last, lives, move.id)
        if last == end:
            return _joined(found)
        start = last + DAY
    return _joined([*found, *_in_turn(owner_id, start, end, lives)])


def _in_turn(
    organ_id: int, start: date, end: date, lives: Mapping[int, Life], move_id: int | None = None
) -> list[Holding]:
    """Return an organ's holding, and those of the organs that follow it before it is over."""
    found: list[Holding] = []
    current: int | None = organ_id
    seen: set[int] = set()
    while current is not None and current not in seen:
        seen.add(current)
        life = lives.get(current, Life())
        last = min(life.valid_to or date.max, end)
        if last >= start:
            found.append(_holding(current, start, last, move_id))
        if last >= end:
            return found
        start = max(start, last + DAY)
        current = life.successor_id
    return [*found, _holding(None, start, end, move_id)]


def _holding(organ_id: int | None, start: date, end: date, move_id: int | None) -> Holding:
    return Holding(organ_id, None if start == date.min else start, None if end == date.max else end, move_id)


def _joined(found: list[Holding]) -> list[Holding]:
    """Join what follows on another of the same organ by the same transfer."""
    joined: list[Holding] = []
    for holding in found:
        last = joined[-1] if joined else None
        if last and (last.organ_id, last.move_id) == (holding.organ_id, holding.move_id):
            joined[-1] = Holding(last.organ_id, last.since, holding.until, last.move_id)
        else:
            joined.append(holding)
    return joined


def holder_on(found: Iterable[Holding], on: date) -> Holding | None:
    """Return who holds a power on a day, or None when there is no such power on that day."""
    return next((holding for holding in found if holding.covers(on)), None)


def find_overlap(moves: Iterable[Move], since: date, until: date | None) -> Move | None:
    """Return the first transfer that has a day in common with a span, or None."""
    meeting = (
        move
        for move in sorted(moves, key=lambda move: move.since)
        if move.since <= (until or date.max) and since <= (move.until or date.max)
    )
    return next(meeting, None)


def find_citations(text: str) -> list[Citation]:
    """Return the articles that a text cites behind a law's title in angle brackets, each once, in order.

    Only those of the same sentence: the next one may be what the law itself says.
    """
    found: dict[Citation, None] = {}
    titles: Sequence[re.Match[str]] = list(LAW.finditer(text))
    for place, title in enumerate(titles):
        end = titles[place + 1].start() if place + 1 < len(titles) else len(text)
        sentence, _end, _rest = text[title.end() : end].partition(WORDS["sentence_end"])
        for article in ARTICLE.finditer(sentence):
            suffix = parse_number(article["suffix"]) if article["suffix"] else 0
            found[Citation(title["title"].strip(), parse_number(article["number"]), suffix)] = None
    return list(found)


def title_forms(title: str) -> tuple[str, str]:
    """Return a law's title as cited, and with the country's name in front put there or left out."""
    country = WORDS["country"]
    return title, title.removeprefix(country) if title.startswith(country) else country + title
