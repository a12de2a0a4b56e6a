"""Reading the text of a law: title, dates, headings and articles. Pure: text in, a parsed text out.

What a law looks like is data (`data/grammar.json`); nothing of a text is lost: what is no article and no heading is
kept as note (before the first article) or annex (after the last).
"""

import codecs
import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

GRAMMAR: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "grammar.json").read_text(encoding="utf-8"))
ARTICLE = re.compile(GRAMMAR["article"], re.DOTALL)
HEADING = re.compile(GRAMMAR["heading"])
CONTENTS = re.compile(GRAMMAR["contents"])
ANNEX = re.compile(GRAMMAR["annex"])
INFO_END = re.compile(GRAMMAR["last_line_mark"])
PROMULGATED = re.compile(GRAMMAR["promulgated"])
EFFECTIVE = re.compile(GRAMMAR["effective"])
EFFECTIVE_NOW = re.compile(GRAMMAR["effective_now"])
ENDS_SENTENCE = re.compile(GRAMMAR["ends_sentence"])
STARTS_ITEM = re.compile(GRAMMAR["starts_item"])
DOCUMENT_NUMBER = re.compile(GRAMMAR["document_number"])
FILE_DATE = re.compile(r"[(（](\d{4})-(\d{1,2})-(\d{1,2})[)）]")
MAX_BYTES = 2 * 1024 * 1024
MAX_ARTICLES = 3000
MAX_TITLE = 200
CHAPTER, SECTION = (GRAMMAR["ranks"][GRAMMAR[name]] for name in ("chapter", "section"))


class Problem(StrEnum):
    """Why a file is not taken for a law."""

    TOO_LARGE = "too_large"
    BINARY = "binary"
    ENCODING = "encoding"
    NO_TITLE = "no_title"
    NO_ARTICLES = "no_articles"
    TOO_MANY = "too_many"


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


def make_slug(title: str) -> str:
    """Return a title's words as the stable part of its address."""
    return "-".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title)))[:MAX_TITLE]


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


class Reader:
    """Walks through the lines of a text and sorts them into note, articles and annex."""

    def __init__(self) -> None:
        self.title = ""
        self.note: list[str] = []
        self.articles: list[ParsedArticle] = []
        self.annex: list[str] = []
        self.headings = ["", "", "", ""]
        self.last_heading: int | None = None

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
        found = ARTICLE.match(line)
        if found is None:
            return False
        place = parse_number(found["number"]), parse_number(found["suffix"]) if found["suffix"] else 0
        last = (self.articles[-1].number, self.articles[-1].suffix) if self.articles else (0, 0)
        # A wrapped line may begin with a reference: only the next number, or a later one set off by a space, counts.
        next_one = place in ((last[0] + 1, 0), (last[0], last[1] + 1))
        if place <= last or not (found["gap"] or next_one):
            return False
        label = line[: found.start("gap")]
        chapter = " ".join(filter(None, self.headings[: CHAPTER + 1]))
        text = [found["text"].strip()] if found["text"].strip() else []
        self.articles.append(ParsedArticle(*place, label, chapter, self.headings[SECTION], text))
        self.last_heading = None
        return True

    def _take_heading(self, line: str) -> bool:
        found = HEADING.match(line)
        if found is None or not (found["gap"] or not found["name"]):
            return False
        rank = GRAMMAR["ranks"][found["rank"]]
        self.headings[rank] = re.sub(r"\s+", " ", line)
        self.headings[rank + 1 :] = [""] * (len(self.headings) - rank - 1)
        self.last_heading = rank
        return True

    def _take_text(self, line: str) -> None:
        if self.last_heading is not None:
            # The rest of a heading that was broken over two lines.
            self.headings[self.last_heading] += line
        elif self.articles:
            paragraphs = self.articles[-1].paragraphs
            if paragraphs and not ENDS_SENTENCE.search(paragraphs[-1]) and not STARTS_ITEM.match(line):
                paragraphs[-1] += line
            else:
                paragraphs.append(line)
        elif not (INFO_END.search(line) or CONTENTS.match(line)):
            self.note.append(line)


def parse(text: str, *, file_name: str = "") -> ParsedBasis:
    """Return the parsed text of a law.

    Raises BadText when it has no title or no articles. The version's day is the latest of those in the file's name and
    in the lines before the first article.
    """
    reader = Reader()
    for line in text.replace("\r", "\n").split("\n"):
        if line.strip():
            reader.take(line)
    if not reader.title or len(reader.title) > MAX_TITLE:
        raise BadText(Problem.NO_TITLE)
    if not reader.articles:
        raise BadText(Problem.NO_ARTICLES)
    if len(reader.articles) > MAX_ARTICLES:
        raise BadText(Problem.TOO_MANY)
    note = "\n".join(reader.note)
    parsed = ParsedBasis(reader.title, note, reader.articles, "\n".join(reader.annex))
    parsed.issuer, parsed.level = _issuer(reader.note)
    number = DOCUMENT_NUMBER.search(note)
    parsed.document_number = number.group() if number else ""
    days = [day for found in PROMULGATED.finditer(note) if (day := _day(found.groups()))]
    named = FILE_DATE.search(file_name)
    if named and (day := _day(named.groups())):
        days.append(day)
    parsed.version_on = max(days, default=None)
    parsed.effective_on = _effective_on(parsed)
    return parsed


def _issuer(lines: list[str]) -> tuple[str, str]:
    for line in lines:
        for known in GRAMMAR["issuers"]:
            found = re.search(known["match"], line)
            if found:
                return known["issuer"].format(**found.groupdict()), known["level"]
    return "", ""


def _effective_on(parsed: ParsedBasis) -> date | None:
    for article in reversed(parsed.articles):
        found = EFFECTIVE.search(article.text)
        if found:
            return _day(found.groups())
        if EFFECTIVE_NOW.search(article.text):
            return parsed.version_on
    return None


def _day(parts: tuple[str | Any, ...]) -> date | None:
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        return None
