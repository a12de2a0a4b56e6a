"""Reading the text of a law: title, dates, headings and articles. Pure: text in, a parsed text out.

What a law looks like is data (`data/grammar.json`); nothing of a text is lost: what is no article and no heading is
kept as note (before the first article) or annex (after the last). A text without articles whose parts are numbered
one, two, three, as those of notices and of decisions that amend a law, has those parts for articles.
"""

import codecs
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from portal.patterns import later

GRAMMAR: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "grammar.json").read_text(encoding="utf-8"))
ARTICLE = later(GRAMMAR["article"], re.DOTALL)
ITEM = later(GRAMMAR["item"], re.DOTALL)
AMENDING = later(GRAMMAR["amending"])
HEADING = later(GRAMMAR["heading"])
CONTENTS = later(GRAMMAR["contents"])
ANNEX = later(GRAMMAR["annex"])
INFO_END = later(GRAMMAR["last_line_mark"])
PROMULGATED = later(GRAMMAR["promulgated"])
EFFECTIVE = later(GRAMMAR["effective"])
EFFECTIVE_NOW = later(GRAMMAR["effective_now"])
VALID_UNTIL = later(GRAMMAR["valid_until"])
VALID_YEARS = later(GRAMMAR["valid_years"])
NORMATIVE_NUMBER = later(GRAMMAR["normative_number"])
NORMATIVE_ISSUER = later(GRAMMAR["normative_issuer"])
ENDS_SENTENCE = later(GRAMMAR["ends_sentence"])
STARTS_ITEM = later(GRAMMAR["starts_item"])
DOCUMENT_NUMBER = later(GRAMMAR["document_number"])
FILE_DATE = later(r"[(（](\d{4})-(\d{1,2})-(\d{1,2})[)）]")
MAX_BYTES = 2 * 1024 * 1024
MAX_ARTICLES = 3000
MAX_TITLE = 200
MAX_NUMBER = 9999
# A heading broken over two lines stays a heading; what is longer is text. Lines without an end are not joined for ever.
MAX_HEADING = 120
MAX_PARAGRAPH = 20_000
MAX_LINE_SEARCHED = 2000
NORMATIVE = "normative_document"
DAY = timedelta(days=1)
CHAPTER, SECTION = (GRAMMAR["ranks"][GRAMMAR[name]] for name in ("chapter", "section"))


class Problem(StrEnum):
    """Why a file is not taken for a law."""

    TOO_LARGE = "too_large"
    BINARY = "binary"
    ENCODING = "encoding"
    NO_TITLE = "no_title"
    NO_ARTICLES = "no_articles"
    TOO_MANY = "too_many"


class Oddity(StrEnum):
    """What somebody should look at before a text is published."""

    GAP = "gap"
    INSERTED = "inserted"
    PARTS = "parts"
    UNCOUNTED = "uncounted"
    STRAY_HEADING = "stray_heading"
    ANNEX = "annex"
    NO_DAY = "no_day"
    NO_START = "no_start"
    NO_LEVEL = "no_level"


class BadText(ValueError):
    """A file that is not the text of a law; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass
class ParsedArticle:
    """One article with its headings; `label` as printed, number and suffix 3 and 1 for one inserted after the third."""

    number: int
    suffix: int
    label: str
    chapter: str
    section: str
    paragraphs: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.paragraphs)


@dataclass
class ParsedBasis:
    """A whole text; dates and issuer are empty where the text does not say them for certain."""

    title: str
    note: str
    articles: list[ParsedArticle]
    annex: str = ""
    issuer: str = ""
    level: str = ""
    document_number: str = ""
    version_on: date | None = None
    effective_on: date | None = None
    ended_on: date | None = None
    oddities: list[tuple[Oddity, str]] = field(default_factory=list)


def parse_number(text: str) -> int:
    """Return the value of a Chinese numeral up to 9999, or of plain digits.

    Raises ValueError when it is neither.
    """
    text = unicodedata.normalize("NFKC", text)
    if text.isascii() and text.isdigit():
        return int(text)
    total, digit = 0, None
    for letter in text:
        if letter in GRAMMAR["units"]:
            total += (1 if digit is None else digit) * GRAMMAR["units"][letter]
            digit = None
        elif letter in GRAMMAR["digits"]:
            digit = (digit or 0) * 10 + GRAMMAR["digits"][letter]
        else:
            raise ValueError(f"no numeral: {text!r}")
    if not text:
        raise ValueError("no numeral")
    return total + (digit or 0)


def full_titles(title: str) -> tuple[str, str]:
    """Return what a law may be called whose title is quoted: as it stands, or with the name of the state before it."""
    return title, GRAMMAR["full_title"] + title


def decode(raw: bytes) -> str:
    """Return the text of a file in UTF-8 (with or without mark) or GB18030, the two that offices produce.

    Raises BadText.
    """
    if len(raw) > MAX_BYTES:
        raise BadText(Problem.TOO_LARGE)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadText(Problem.ENCODING)
    if b"\x00" in raw:
        raise BadText(Problem.BINARY)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadText(Problem.ENCODING)


@dataclass
class Heading:
    """One heading; `place` is how many articles stand before it, `used` whether one stands under it."""

    text: str
    place: int
    used: bool = False


class Reader:
    """Walks through the lines of a text and sorts them into note, articles and annex."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.title = ""
        self.note: list[str] = []
        self.articles: list[ParsedArticle] = []
        self.annex: list[str] = []
        self.headings: list[Heading | None] = [None] * (SECTION + 1)
        self.all_headings: list[Heading] = []
        self.open_heading: Heading | None = None

    def take(self, line: str) -> None:
        """Sort in one line that is not empty."""
        plain = re.sub(r"^[#>\s]+", "", line).replace("**", "").strip()
        if not self.title:
            self.title = plain
        elif self.annex or (self.articles and ANNEX.match(plain)):
            self.annex.append(plain)
        elif not (self._take_article(plain) or self._take_heading(plain)):
            self._take_text(plain)

    def _take_article(self, line: str) -> bool:
        found = self.pattern.match(line)
        if found is None:
            return False
        place = parse_number(found["number"]), parse_number(found["suffix"]) if found["suffix"] else 0
        last = (self.articles[-1].number, self.articles[-1].suffix) if self.articles else (0, 0)
        # A wrapped line may begin with a reference: only the next number, or a later one set off by a space, counts.
        next_one = place in ((last[0] + 1, 0), (last[0], last[1] + 1))
        if place <= last or place[0] > MAX_NUMBER or not (found["gap"] or next_one):
            return False
        label = line[: found.start("gap")]
        chapter = " ".join(heading.text for heading in self.headings[: CHAPTER + 1] if heading)
        section = self.headings[SECTION]
        text = [found["text"].strip()] if found["text"].strip() else []
        self.articles.append(ParsedArticle(*place, label, chapter, section.text if section else "", text))
        for heading in filter(None, self.headings):
            heading.used = True
        self.open_heading = None
        return True

    def _take_heading(self, line: str) -> bool:
        found = HEADING.match(line) if self.pattern is ARTICLE else None
        if found is None or not (found["gap"] or not found["name"]):
            return False
        rank = GRAMMAR["ranks"][found["rank"]]
        self.open_heading = Heading(re.sub(r"\s+", " ", line), len(self.articles))
        self.all_headings.append(self.open_heading)
        self.headings[rank:] = [self.open_heading, *[None] * (SECTION - rank)]
        return True

    def _take_text(self, line: str) -> None:
        if self.open_heading is not None and len(self.open_heading.text) + len(line) <= MAX_HEADING:
            # The rest of a heading that was broken over two lines.
            self.open_heading.text += line
        elif self.articles:
            paragraphs = self.articles[-1].paragraphs
            if paragraphs and continues(paragraphs[-1], line):
                paragraphs[-1] += line
            else:
                paragraphs.append(line)
        elif not (INFO_END.search(line) or CONTENTS.match(line)):
            self.note.append(line)

    def finish(self) -> list[str]:
        """Keep the headings under which no article stands, and return them; a table of contents only repeats others."""
        used = {heading.text for heading in self.all_headings if heading.used}
        stray = [heading for heading in self.all_headings if not heading.used]
        kept = [heading for heading in stray if heading.place or heading.text not in used]
        for heading in kept:
            (self.articles[heading.place - 1].paragraphs if heading.place else self.note).append(heading.text)
        return [heading.text for heading in kept]


def continues(paragraph: str, line: str) -> bool:
    """Whether a line goes on with a paragraph that was broken off."""
    unfinished = not ENDS_SENTENCE.search(paragraph[-1:]) and not STARTS_ITEM.match(line)
    return unfinished and len(paragraph) < MAX_PARAGRAPH


def read_lines(text: str, pattern: re.Pattern[str]) -> tuple[Reader, list[str]]:
    """Return a text sorted by what its articles look like, and the headings that stand for themselves."""
    reader = Reader(pattern)
    for line in text.replace("\r", "\n").split("\n"):
        if line.strip():
            reader.take(line)
    return reader, reader.finish() if reader.articles else []


def parse(text: str, *, file_name: str = "") -> ParsedBasis:
    """Return the parsed text of a law.

    Raises BadText when it has no title or no articles. The version's day is the latest of those in the file's name and
    in the lines before the first article.
    """
    reader, stray = read_lines(text, ARTICLE)
    if not reader.title or len(reader.title) > MAX_TITLE:
        raise BadText(Problem.NO_TITLE)
    if not reader.articles or AMENDING.search(reader.title):
        by_parts, none = read_lines(text, ITEM)
        reader, stray = (by_parts, none) if by_parts.articles else (reader, stray)
    if not reader.articles:
        raise BadText(Problem.NO_ARTICLES)
    if len(reader.articles) > MAX_ARTICLES:
        raise BadText(Problem.TOO_MANY)
    note = "\n".join(reader.note)
    parsed = ParsedBasis(reader.title, note, reader.articles, "\n".join(reader.annex))
    number = DOCUMENT_NUMBER.search(note)
    parsed.document_number = number.group() if number else ""
    parsed.issuer, parsed.level = _issuer(reader.note, parsed)
    days = [day for found in PROMULGATED.finditer(note) if (day := _day(found.groups()))]
    named = FILE_DATE.search(file_name)
    if named and (day := _day(named.groups())):
        days.append(day)
    parsed.version_on = max(days, default=None)
    parsed.effective_on = _effective_on(parsed)
    parsed.ended_on = _ended_on(parsed)
    parsed.oddities = list(_oddities(parsed, reader, stray))
    return parsed


def _oddities(parsed: ParsedBasis, reader: Reader, stray: list[str]) -> Iterator[tuple[Oddity, str]]:
    """Yield what somebody should look at, each with the words it concerns."""
    last = 0
    for article in parsed.articles:
        if article.number > last + 1:
            yield Oddity.GAP, article.label
        if article.suffix:
            yield Oddity.INSERTED, article.label
        for found in map(ARTICLE.match, article.paragraphs):
            if found and found["gap"]:
                yield Oddity.UNCOUNTED, found.string[:40]
        last = article.number
    yield from ((Oddity.STRAY_HEADING, text) for text in stray)
    facts = (
        (Oddity.PARTS, reader.pattern is ITEM),
        (Oddity.ANNEX, bool(parsed.annex)),
        (Oddity.NO_DAY, parsed.version_on is None),
        (Oddity.NO_START, parsed.effective_on is None),
        (Oddity.NO_LEVEL, not parsed.level),
    )
    yield from ((oddity, "") for oddity, holds in facts if holds)


def _issuer(lines: list[str], parsed: ParsedBasis) -> tuple[str, str]:
    for line in lines:
        for known in GRAMMAR["issuers"]:
            found = re.search(known["match"], line[:MAX_LINE_SEARCHED])
            if found:
                return known["issuer"].format(**found.groupdict()), known["level"]
    if not NORMATIVE_NUMBER.search(parsed.document_number):
        return "", ""
    named = NORMATIVE_ISSUER.search(parsed.title)
    return (named["name"] if named else ""), NORMATIVE


def _effective_on(parsed: ParsedBasis) -> date | None:
    for article in reversed(parsed.articles):
        found = EFFECTIVE.search(article.text)
        if found:
            return _day(found.groups())
        if EFFECTIVE_NOW.search(article.text):
            return parsed.version_on
    return None


def _ended_on(parsed: ParsedBasis) -> date | None:
    """Return the first day on which a normative document holds no longer, where it says so beside its beginning."""
    for article in parsed.articles if parsed.level == NORMATIVE else ():
        until, years = VALID_UNTIL.search(article.text), VALID_YEARS.search(article.text)
        if not (EFFECTIVE.search(article.text) or EFFECTIVE_NOW.search(article.text)):
            continue
        if until and (day := _day(until.groups())):
            return day + DAY
        if years and parsed.effective_on:
            start, count = parsed.effective_on, parse_number(years["years"])
            return _day((start.year + count, start.month, start.day)) or _day((start.year + count, start.month + 1, 1))
    return None


def _day(parts: tuple[Any, ...]) -> date | None:
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        return None
