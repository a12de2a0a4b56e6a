"""What changed from one version of a text to the next: which article became which, and which words. Pure.

Every step counts against a budget, so that no pair of texts, however hostile, takes longer than a moment: what is
beyond it is shown as deleted and inserted whole, which is coarser but never wrong.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

# Steps of the innermost loops; these take one or two seconds at worst.
BUDGET = 1_500_000
# Articles that share fewer pairs of characters than this are two articles, not one that changed.
ALIKE = 0.4
# Differences that one cannot read: more changes than this are shown as one.
MAX_CHANGES = 600
WORD = re.compile(r"[A-Za-z]+|[0-9]+|\s+|.", re.DOTALL)
DASH = -1


class Op(StrEnum):
    """What became of some words."""

    SAME = "same"
    DELETED = "deleted"
    INSERTED = "inserted"


Piece = tuple[Op, str]


class Article(Protocol):
    """What a comparison needs to know of an article."""

    @property
    def label(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def suffix(self) -> int: ...
    @property
    def text(self) -> str: ...


@dataclass
class Budget:
    """How many steps are left."""

    left: int = BUDGET

    def take(self, steps: int) -> bool:
        """Whether there is room for so many steps; takes them if there is."""
        if steps > self.left:
            return False
        self.left -= steps
        return True


@dataclass(frozen=True)
class Change:
    """One article in both versions, or in one of them; `pieces` are its words when they changed."""

    old: Article | None
    new: Article | None
    pieces: Sequence[Piece] = ()

    @property
    def renumbered(self) -> bool:
        if self.old is None or self.new is None:
            return False
        return (self.old.number, self.old.suffix) != (self.new.number, self.new.suffix)

    @property
    def unchanged(self) -> bool:
        return self.old is not None and self.new is not None and not self.pieces and not self.renumbered

    @property
    def kinds(self) -> set[str]:
        """Return what it is: a renumbered article may have changed as well."""
        marks = {
            "inserted": self.old is None,
            "deleted": self.new is None,
            "changed": bool(self.pieces),
            "renumbered": self.renumbered,
            "unchanged": self.unchanged,
        }
        return {kind for kind, holds in marks.items() if holds}


@dataclass
class Comparison:
    """All changes in the order of the new text; `coarse` when the budget did not last for every word."""

    changes: list[Change] = field(default_factory=list)
    coarse: bool = False

    @property
    def groups(self) -> list[list[Change]]:
        """Return the changes, those without any difference that follow each other together."""
        found: list[list[Change]] = []
        for change in self.changes:
            if found and change.unchanged and found[-1][-1].unchanged:
                found[-1].append(change)
            else:
                found.append([change])
        return found

    def count(self, kind: str) -> int:
        """Count the articles that are `inserted`, `deleted`, `changed`, `renumbered` or `unchanged`."""
        return sum(kind in change.kinds for change in self.changes)


def compare(old: Sequence[Article], new: Sequence[Article], budget: Budget | None = None) -> Comparison:
    """Return what changed from one list of articles to another."""
    budget = budget or Budget()
    partners = match(old, new, budget)
    found = Comparison()
    taken = set(partners.values())
    waiting = 0
    for place, article in enumerate(new):
        partner = partners.get(place)
        if partner is not None:
            # What was deleted stands before the first article that followed it.
            while waiting < partner:
                if waiting not in taken:
                    found.changes.append(Change(old[waiting], None))
                waiting += 1
            waiting = max(waiting, partner + 1)
            found.changes.append(Change(old[partner], article, _pieces(old[partner].text, article.text, budget, found)))
        else:
            found.changes.append(Change(None, article))
    found.changes += [Change(old[place], None) for place in range(waiting, len(old)) if place not in taken]
    return found


def _pieces(old: str, new: str, budget: Budget, found: Comparison) -> Sequence[Piece]:
    if old == new:
        return ()
    pieces, fine = differences(old, new, budget)
    found.coarse = found.coarse or not fine
    return pieces


def match(old: Sequence[Article], new: Sequence[Article], budget: Budget) -> dict[int, int]:
    """Return which old article each new one was, by place: first by equal words, then by likeness between those."""
    by_text = {text: place for place, text in enumerate(article.text for article in old)}
    counts = Counter(article.text for article in old), Counter(article.text for article in new)
    equal = {
        place: by_text[article.text]
        for place, article in enumerate(new)
        if counts[0][article.text] == 1 and counts[1][article.text] == 1
    }
    partners, taken = dict(equal), set(equal.values())
    for olds, news in _gaps(equal, len(old), len(new)):
        open_olds = [place for place in olds if place not in taken]
        partners |= _alike(old, new, open_olds, [place for place in news if place not in equal], budget)
    return partners


def _gaps(equal: dict[int, int], olds: int, news: int) -> Iterator[tuple[range, range]]:
    """Yield the stretches between articles that are equal and in the same order in both."""
    anchors = [*_longest_rise(sorted(equal.items())), (news, olds)]
    last_new, last_old = -1, -1
    for place, partner in anchors:
        if place > last_new + 1 and partner > last_old + 1:
            yield range(last_old + 1, partner), range(last_new + 1, place)
        last_new, last_old = place, partner


def _longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of pairs whose second numbers rise, too."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_place, partner) in enumerate(pairs):
        at = bisect_left(tails, partner)
        tails[at : at + 1] = [partner]
        ends[at : at + 1] = [index]
        before.append(ends[at - 1] if at else DASH)
    rise: list[tuple[int, int]] = []
    index = ends[-1] if ends else DASH
    while index != DASH:
        rise.append(pairs[index])
        index = before[index]
    return rise[::-1]


def _alike(
    old: Sequence[Article], new: Sequence[Article], olds: list[int], news: list[int], budget: Budget
) -> dict[int, int]:
    """Pair articles in order so that their likeness adds up to the most; by number where that would take too long."""
    steps = sum(len(old[place].text) for place in olds) * len(news)
    if not budget.take(steps + 4 * len(olds) * len(news)):
        numbers = {(old[place].number, old[place].suffix): place for place in olds}
        keys = {place: (new[place].number, new[place].suffix) for place in news}
        return {place: numbers[key] for place, key in keys.items() if key in numbers}
    old_pairs = [_pairs(old[place].text) for place in olds]
    new_pairs = [_pairs(new[place].text) for place in news]
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    like = [[_likeness(mine, theirs) for theirs in new_pairs] for mine in old_pairs]
    for i in range(len(olds) - 1, -1, -1):
        for j in range(len(news) - 1, -1, -1):
            paired = like[i][j] + best[i + 1][j + 1] if like[i][j] >= ALIKE else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    found, i, j = {}, 0, 0
    while i < len(olds) and j < len(news):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            found[news[j]] = olds[i]
            i, j = i + 1, j + 1
    return found


def _pairs(text: str) -> Counter[str]:
    return Counter(text[at : at + 2] for at in range(max(1, len(text) - 1)))


def _likeness(mine: Counter[str], theirs: Counter[str]) -> float:
    """Return how much two texts have in common, from 0 to 1 (Dice's measure of their pairs of characters)."""
    shared = sum(min(count, theirs[pair]) for pair, count in mine.items() if pair in theirs)
    return 2 * shared / (mine.total() + theirs.total())


def differences(old: str, new: str, budget: Budget) -> tuple[list[Piece], bool]:
    """Return a text's words with what was deleted and inserted, and whether each word could be looked at."""
    mine, theirs = WORD.findall(old), WORD.findall(new)
    head = _common(mine, theirs)
    tail = _common(mine[head:][::-1], theirs[head:][::-1])
    middle = mine[head : len(mine) - tail], theirs[head : len(theirs) - tail]
    ops, fine = _walk(*middle, budget), True
    if ops is None:
        ops, fine = [(Op.DELETED, "".join(middle[0])), (Op.INSERTED, "".join(middle[1]))], False
    pieces = [(Op.SAME, "".join(mine[:head])), *ops, (Op.SAME, "".join(mine[len(mine) - tail :]))]
    return _readable([piece for piece in pieces if piece[1]]), fine


def _common(mine: Sequence[str], theirs: Sequence[str]) -> int:
    count = 0
    for one, other in zip(mine, theirs, strict=False):
        if one != other:
            break
        count += 1
    return count


def _walk(mine: Sequence[str], theirs: Sequence[str], budget: Budget) -> list[Piece] | None:
    """Return the shortest way from one list of words to another (Myers 1986), or None when it is too long."""
    reach = {1: 0}
    trail: list[dict[int, int]] = []
    for distance in range(min(len(mine) + len(theirs), MAX_CHANGES) + 1):
        if not budget.take(distance + 1):
            return None
        trail.append(dict(reach))
        for line in range(-distance, distance + 1, 2):
            down = line == -distance or (line != distance and reach[line - 1] < reach[line + 1])
            x = reach[line + 1] if down else reach[line - 1] + 1
            start = x
            while x < len(mine) and x - line < len(theirs) and mine[x] == theirs[x - line]:
                x += 1
            budget.left -= x - start
            reach[line] = x
            if x >= len(mine) and x - line >= len(theirs):
                return _way_back(mine, theirs, trail)
    return None


def _way_back(mine: Sequence[str], theirs: Sequence[str], trail: Sequence[dict[int, int]]) -> list[Piece]:
    x, y = len(mine), len(theirs)
    pieces: list[Piece] = []
    for distance in range(len(trail) - 1, -1, -1):
        reach, line = trail[distance], x - y
        down = line == -distance or (line != distance and reach[line - 1] < reach[line + 1])
        before = line + 1 if down else line - 1
        start_x = reach[before]
        start_y = start_x - before
        while x > max(start_x, 0) and y > max(start_y, 0):
            x, y = x - 1, y - 1
            pieces.append((Op.SAME, mine[x]))
        if distance:
            pieces.append((Op.INSERTED, theirs[y - 1]) if down else (Op.DELETED, mine[x - 1]))
            x, y = start_x, start_y
    return pieces[::-1]


def _readable(pieces: Sequence[Piece]) -> list[Piece]:
    """Join pieces, deleted before inserted, and let single words between two changes go with them."""
    joined: list[Piece] = []
    deleted = inserted = ""
    for place, (op, text) in enumerate(runs := _runs(pieces)):
        if op is Op.DELETED:
            deleted += text
        elif op is Op.INSERTED:
            inserted += text
        elif (deleted or inserted) and len(text) == 1 and place + 1 < len(runs) and text not in "\n。；":
            deleted, inserted = deleted + text, inserted + text
        else:
            joined += _flush(deleted, inserted)
            deleted = inserted = ""
            joined.append((op, text))
    return joined + _flush(deleted, inserted)


def _runs(pieces: Sequence[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for op, text in pieces:
        if found and found[-1][0] is op:
            found[-1] = (op, found[-1][1] + text)
        else:
            found.append((op, text))
    return found


def _flush(deleted: str, inserted: str) -> list[Piece]:
    return [piece for piece in ((Op.DELETED, deleted), (Op.INSERTED, inserted)) if piece[1]]
