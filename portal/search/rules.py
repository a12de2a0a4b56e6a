"""What is found by what: text is cut into pairs of Chinese characters and whole words, the same on every database."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
RUN = re.compile(f"([{HAN}]+)|([^\\W_{HAN}]+)")
MAX_QUERY = 100
MAX_TOKENS = 32
MAX_WORD = 64
PASSAGE = 120


@dataclass(frozen=True)
class Token:
    """One thing to look for; `prefix` when a single Chinese character stands alone."""

    text: str
    prefix: bool = False


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
    """Return the words under which a text is found.

    Runs of Chinese become overlapping pairs and their last character; Latin words and numbers stay whole.
    """
    words: dict[str, None] = {}
    for run, han in runs(text):
        if han:
            words.update(dict.fromkeys(pairs(run)))
            words[run[-1]] = None
        else:
            words[run] = None
    return " ".join(words)


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run of characters."""
    return [run[at : at + 2] for at in range(len(run) - 1)]


def query_tokens(query: str) -> list[Token]:
    """Return what a query asks for; everything in it must be there."""
    found: dict[Token, None] = {}
    for run, han in runs(query[:MAX_QUERY]):
        if not han:
            found[Token(run)] = None
        elif len(run) == 1:
            found[Token(run, prefix=True)] = None
        else:
            found.update(dict.fromkeys(Token(pair) for pair in pairs(run)))
    return list(found)[:MAX_TOKENS]


def too_short(query: str) -> bool:
    """Whether a query holds fewer than two characters to look for."""
    return len(title_key(query[:MAX_QUERY])) < 2


def fts5_query(tokens: Iterable[Token]) -> str:
    """Return a query in SQLite's language; tokens hold letters and digits only, so nothing can break out of it."""
    return " ".join(f'"{token.text}"{"*" if token.prefix else ""}' for token in tokens)


def tsquery(tokens: Iterable[Token]) -> str:
    """Return a query in PostgreSQL's language; see `fts5_query`."""
    return " & ".join(f"'{token.text}'{':*' if token.prefix else ''}" for token in tokens)


def marked(text: str, query: str) -> list[tuple[str, bool]]:
    """Cut a passage out of a text around what was asked for: pieces, and whether each is to be marked."""
    words = [run for run, _han in runs(query[:MAX_QUERY])]
    pattern = _pattern(words)
    if pattern is None or not pattern.search(text):
        pattern = _pattern([pair for word in words for pair in (pairs(word) or [word])])
    first = pattern.search(text) if pattern else None
    start = max(0, first.start() - PASSAGE // 3) if first else 0
    cut = text[start : start + PASSAGE]
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = 0
    for hit in pattern.finditer(cut) if pattern else ():
        pieces += [(cut[at : hit.start()], False), (hit.group(), True)]
        at = hit.end()
    pieces.append((cut[at:] + ("…" if start + PASSAGE < len(text) else ""), False))
    return [piece for piece in pieces if piece[0]]


def _pattern(words: list[str]) -> re.Pattern[str] | None:
    longest_first = sorted(set(words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if longest_first else None
