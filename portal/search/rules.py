"""What is found by what: text is cut into pairs of Chinese characters and whole words, the same on every database."""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from datetime import date

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
RUN = re.compile(f"([{HAN}]+)|([^\\W_{HAN}]+)")
MAX_QUERY = 100
MAX_WORDS = 32
MAX_WORD = 64
PASSAGE = 120
MOST_SHORTER = 6
# Marks begin with a sign that is in no word, so that no reader's words can ask for them.
IN_TITLE = "\u00b6"
MARK = "\u00a7"
# What lies in an entry's id, from its lowest bit: the record's number, a number for its kind, the day.
RECORD_BITS, KIND_BITS = 31, 10
DAY_BITS = RECORD_BITS + KIND_BITS


# What has to be there: a word, or any of several.
Term = str | tuple[str, ...]


def entry_id(kind: str, record_id: int, on: date) -> int:
    """Return the id of an entry: it grows with the day of publication, and is the record's own for ever."""
    number = zlib.crc32(kind.encode()) % (1 << KIND_BITS)
    return first_id(on) | number << RECORD_BITS | record_id


def first_id(on: date) -> int:
    """Return the least id that an entry published on a day can have."""
    return on.toordinal() << DAY_BITS


def day_of(number: int) -> date:
    """Return the day of publication in an entry's id."""
    return date.fromordinal(number >> DAY_BITS)


def kind_mark(kind: str) -> str:
    """Return the mark of entries of a kind."""
    return f"{MARK}k{kind}"


def organ_mark(organ_id: int) -> str:
    """Return the mark of entries of an organ."""
    return f"{MARK}o{organ_id}"


def month_mark(on: date) -> str:
    """Return the mark of entries published in the month of a day."""
    return f"{MARK}m{on:%Y%m}"


def number_mark(number: str) -> str:
    """Return the mark of what has a document number, the same for every width and bracket; none of a text without.

    What may be a document number holds a figure.
    """
    plain = "".join(letter for letter in fold(number) if letter.isalnum())
    return f"{MARK}n{plain}" if any(letter.isdigit() for letter in plain) else ""


def months(since: date, until: date) -> list[date]:
    """Return the first day of each month from one day to another, the newest first."""
    numbers = range(until.year * 12 + until.month - 1, since.year * 12 + since.month - 2, -1)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def marks(kind: str, organ_id: int | None, on: date) -> list[str]:
    """Return the marks of an entry."""
    organ = [organ_mark(organ_id)] if organ_id else []
    return [kind_mark(kind), month_mark(on), *organ]


def title_words(title: str) -> list[str]:
    """Return the words of a title, as marks that say where they stand."""
    return in_title(search_text(title).split())


def in_title(words: Iterable[str]) -> list[str]:
    """Return what finds the same words in titles only."""
    return [f"{IN_TITLE}{word}" for word in words]


def fold(text: str) -> str:
    """Return a text without differences of width and case, so that a document number matches however it is typed."""
    return unicodedata.normalize("NFKC", text).casefold()


def runs(text: str) -> list[tuple[str, bool]]:
    """Return the words of a text, and whether each is Chinese."""
    return [(han or word[:MAX_WORD], bool(han)) for han, word in RUN.findall(fold(text))]


def title_key(title: str) -> str:
    """Return a title as titles are compared: only its words, without spaces or brackets."""
    return "".join(word for word, _han in runs(title))


def search_text(text: str) -> str:
    """Return the words under which a text is found: overlapping pairs of Chinese characters, other words whole."""
    return " ".join(dict.fromkeys(_words(runs(text))))


def query_words(query: str) -> list[str]:
    """Return what a query asks for; everything in it must be there.

    Characters typed one by one are one word. One alone beside others is not asked for: it is in too many texts.
    """
    found: list[tuple[str, bool]] = []
    for run, han in runs(query[:MAX_QUERY]):
        if han and len(run) == 1 and found and found[-1][1] and len(found[-1][0]) == 1:
            found[-1] = (found[-1][0] + run, True)
        else:
            found.append((run, han))
    return list(dict.fromkeys(_words(found)))[:MAX_WORDS]


def _words(some: Iterable[tuple[str, bool]]) -> Iterator[str]:
    for run, han in some:
        yield from pairs(run) if han else (run,)


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run of characters."""
    return [run[at : at + 2] for at in range(len(run) - 1)]


def too_short(query: str) -> bool:
    """Whether a query holds fewer than two characters to look for."""
    return len(title_key(query[:MAX_QUERY])) < 2 or not query_words(query)


def fts5_query(terms: Iterable[Term], unless: Iterable[Iterable[str]] = ()) -> str:
    """Return a query in SQLite's language: all of the terms, but not all of any in `unless`.

    Words hold letters, digits and our own marks only, so nothing can break out of it.
    """
    return _query(terms, unless, word='"{}"', joins=(" AND ", " OR ", "({}) NOT ({})"))


def tsquery(terms: Iterable[Term], unless: Iterable[Iterable[str]] = ()) -> str:
    """Return a query in PostgreSQL's language; see `fts5_query`."""
    return _query(terms, unless, word="'{}'", joins=(" & ", " | ", "({}) & !({})"))


def _query(terms: Iterable[Term], unless: Iterable[Iterable[str]], *, word: str, joins: tuple[str, str, str]) -> str:
    every, some, but_not = joins

    def say(term: Term) -> str:
        return word.format(term) if isinstance(term, str) else f"({some.join(map(say, term))})"

    wanted = every.join(map(say, terms))
    unwanted = [every.join(map(say, others)) for others in unless]
    if len(unwanted) > 1:
        unwanted = [some.join(f"({others})" for others in unwanted)]
    return but_not.format(wanted, unwanted[0]) if unwanted else wanted


def shorter(query: str) -> list[str]:
    """Return queries that ask for less: each word for itself, and pieces of the longest Chinese one."""
    words = list(dict.fromkeys(run for run, _han in runs(query[:MAX_QUERY])))
    found = words if len(words) > 1 else []
    longest = max((run for run, han in runs(query[:MAX_QUERY]) if han), key=len, default="")
    middle = len(longest) // 2
    pieces = (longest[:-1], longest[1:], longest[:middle], longest[middle:], longest[:2], longest[-2:])
    found = [*found, *(piece for piece in pieces if len(longest) > 2)]
    return [text for text in dict.fromkeys(found) if not too_short(text) and text != fold(query)][:MOST_SHORTER]


def likeness(title: str, asked: Iterable[str]) -> float:
    """Return how much of a title is asked for: the share of its words that are among those."""
    words = search_text(title).split()
    return len(set(words).intersection(asked)) / max(1, len(words))


def shared_words(title: str, asked: Iterable[str]) -> int:
    """Return how many words of a title are asked for."""
    return len(set(search_text(title).split()).intersection(asked))


def marked(text: str, query: str, length: int = PASSAGE) -> list[tuple[str, bool]]:
    """Cut so long a passage out of a text around what was asked for: pieces, and whether each is to be marked."""
    words = [run for run, _han in runs(query[:MAX_QUERY])]
    pattern = _pattern(words)
    if pattern is None or not pattern.search(text):
        pattern = _pattern([pair for word in words for pair in (pairs(word) or [word])])
    first = pattern.search(text) if pattern else None
    start = max(0, first.start() - length // 3) if first and len(text) > length else 0
    cut = text[start : start + length]
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = 0
    for hit in pattern.finditer(cut) if pattern else ():
        pieces += [(cut[at : hit.start()], False), (hit.group(), True)]
        at = hit.end()
    pieces.append((cut[at:] + ("…" if start + length < len(text) else ""), False))
    return [piece for piece in pieces if piece[0]]


def _pattern(words: list[str]) -> re.Pattern[str] | None:
    longest_first = sorted(set(words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if longest_first else None
