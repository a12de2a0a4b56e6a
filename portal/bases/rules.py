"""Where a text and its articles stand, and which version of a text holds on a day. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from portal.law_texts.rules import GRAMMAR, MAX_TITLE

VERSION_NOTE = re.compile(GRAMMAR["version_note"])


class Standing(StrEnum):
    """How a text stands on a day."""

    NOT_YET = "not_yet"
    IN_FORCE = "in_force"
    AMENDED = "amended"
    REPEALED = "repealed"
    LAPSED = "lapsed"


def make_slug(title: str) -> str:
    """Return a title's words as the stable part of its address."""
    return "-".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title)))[:MAX_TITLE]


def make_work(title: str) -> str:
    """Return what all versions of a text share: its title without a note such as (2021 revision)."""
    return make_slug(VERSION_NOTE.sub("", title.strip()) or title)


def version_slug(work: str, version_on: date | None) -> str:
    """Return the address of a version that is not the newest."""
    return f"{work}-{version_on.isoformat() if version_on else 'undated'}"


def starts_on(version_on: date | None, effective_on: date | None) -> date | None:
    """Return when a version begins to hold: an amended text still names the day on which the first one did."""
    return max(filter(None, (version_on, effective_on)), default=None)


def standing(status: str, start: date | None, ended_on: date | None, on: date) -> Standing:
    """Return how a text stands on a day; before its end it is in force whatever ends it."""
    if start is not None and on < start:
        return Standing.NOT_YET
    ends = status != Standing.IN_FORCE
    if (ended_on is not None and on < ended_on) or (ended_on is None and not ends):
        return Standing.IN_FORCE
    return Standing(status) if ends else Standing.LAPSED


def path(slug: str, number: int | None = None, suffix: int = 0) -> str:
    """Return the address of a basis, or of one of its articles."""
    address = f"/bases/{quote(slug)}"
    return address if number is None else f"{address}/articles/{article_key(number, suffix)}"


def article_key(number: int, suffix: int = 0) -> str:
    """Return an article's number as addresses and anchors write it: 37, 37-1."""
    return f"{number}-{suffix}" if suffix else str(number)


def parse_article_key(key: str) -> tuple[int, int] | None:
    """Return number and suffix from an address, or None when it is not one."""
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,3}))?", unicodedata.normalize("NFKC", key).strip())
    return (int(found[1]), int(found[2] or 0)) if found else None


@dataclass(frozen=True)
class Chapter:
    """One chapter: its heading, and the key of its first article."""

    title: str
    first: str


def chapters(articles: Iterable[Any]) -> list[Chapter]:
    """Return the chapters in which articles stand, in their order."""
    found: dict[str, Chapter] = {}
    for article in articles:
        if article.chapter and article.chapter not in found:
            found[article.chapter] = Chapter(article.chapter, article_key(article.number, article.suffix))
    return list(found.values())
