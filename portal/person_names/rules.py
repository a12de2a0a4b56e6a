"""Finding natural persons' names in a Chinese text, and what stands in their place.

No list knows every name: what is looked for is a surname in a place where names stand, which is after a part that
somebody plays (witness, operator), before what only a person has (sex, identity card, statement), and before or after
a verb. Whoever was named once is found everywhere in the text.
"""

import json
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from portal.patterns import later

_WORDS: dict[str, str] = json.loads((Path(__file__).parent / "data" / "words.json").read_text(encoding="utf-8"))


class NameStyle(StrEnum):
    """What the public reads of a natural person's name."""

    FULL = "full"
    SURNAME_SOMEBODY = "surname-somebody"
    SURNAME_STAR = "surname-star"


class Span(NamedTuple):
    """A piece of a text."""

    start: int
    end: int


def _either(name: str) -> str:
    return "|".join(sorted(map(re.escape, _WORDS[name].split()), key=len, reverse=True))


_HAN = r"[\u3400-\u9fff]"
_RUN = later(f"{_HAN}*")
_USUAL = later(f"{_either('compound')}|[{_WORDS['common']}]")
_COMMON = frozenset(_WORDS["common"])
_SURNAME = later(f"{_either('compound')}|[{_WORDS['common']}{_WORDS['rare']}]")
_GIVEN = f"(?:[ \u3000]?(?![{_WORDS['stop']}]){_HAN})"
_LAST = f"(?:[ \u3000]?(?![{_WORDS['stop']}{_WORDS['stop_last']}]){_HAN})"
_GIVEN_OF = (later(_GIVEN + _LAST), later(_GIVEN))
_FOLLOWER = later(_either("follower"))
_NOT_NAMES = frozenset(_WORDS["not_names"].split())
_NOT_NAMES_AT = later(_either("not_names"))
_STRADDLING = later(f"(?:{_either('straddling')})$")
_ORGANISATION = later(f"(?:{_either('organisation_end')})$")
_COMPANY = later(f"(?:{'|'.join(word for word in _WORDS['organisation_end'].split() if len(word) > 1)})$")
_ROLE = later(f"(?:{_either('role')}){{1,3}}(?P<firm>{_WORDS['says']})?")
_OFFICIAL = later(f"(?:{_either('official_role')})(?P<firm>{_WORDS['says']})?")
_ANCHOR = later(_WORDS["anchor_pattern"] + f"|{_either('anchor')}")
_LINK = later(_either("link"))
_LEFT = later(f"(?:{_either('role')}|{_either('link')}|{_either('official_role')})$")
_AND = later(_WORDS["and"])
_CLAUSE = later(r"(?:^|(?<=[,.;:!?()\[\]\"\s\u3001\u3002\u201c\u201d\u300a\u300b]))(?=" + _HAN + ")")
_DOTS = "\u00b7\u2022\u30fb\u2027\u2219"
_DOTTED = later(f"{_HAN}{{2,12}}(?:[{_DOTS}]{_HAN}{{2,12}})+")
LONGEST_NAME = 4
PERSONAL_SIGNS = (*_DOTS, "(", "\uff08", " ", "\u3000")
_LATIN = later(r"[A-Z][A-Za-z.'-]+(?:[ ,]{1,2}[A-Z][A-Za-z.'-]*){0,3}")
# A line that holds a name and perhaps a number before it and figures behind.
_ROW = later(
    r"(?m)^[ \t\u3000|]*(?:[(\[]?\d{1,3}[)\].,:\u3001|]?[ \t|]*)?"
    rf"(?P<name>{_HAN}{{2,4}})(?P<rest>[^\u3400-\u9fff\n]*)$"
)
_LIST = later(_either("list"))
_LONG_NUMBER = later(r"\d{7}|\*{3}")
_LABELLED = later(f"{_HAN}{{2,4}}(?!{_HAN})")


def public_name(name: str, style: NameStyle) -> str:
    """Return what the public reads of a natural person's name; it tells nothing but the surname unless in full."""
    plain = name.strip()
    if style is NameStyle.FULL or not plain:
        return plain
    compound = next((known for known in _WORDS["compound"].split() if plain.startswith(known)), plain[:1])
    return compound + (_WORDS["somebody"] if style is NameStyle.SURNAME_SOMEBODY else "*")


def is_personal(name: str) -> bool:
    """Whether a name can be a natural person's, as that of a sole trader without a shop name is.

    Only names of at most LONGEST_NAME letters, or with one of PERSONAL_SIGNS, can be.
    """
    plain = name.strip()
    if len(plain) > 3:
        plain = re.sub(r"[\s(\uff08].*", "", plain)
    plain = re.sub(r"\s", "", plain)
    dotted = bool(_DOTTED.fullmatch(plain))
    return dotted or (_is_name(plain, 0, len(plain), firm=True) and not _ORGANISATION.search(plain))


def find_names(text: str, known: Iterable[str] = ()) -> list[Span]:
    """Return where natural persons are named, officers on duty left out; `known` are names to look for anyway.

    The text must be in half-width forms. Spans neither overlap nor touch blanks at their ends.
    """
    officers = {_bare(text, span) for span in _listed(text, _after(text, _OFFICIAL))}
    found = {*_after(text, _ROLE), *_before_anchors(text), *_dotted(text), *_in_clauses(text), *_in_rows(text)}
    called = {hit[1] for hit in re.finditer(_WORDS["called"], text)}
    names = {_bare(text, span) for span in _listed(text, found)} - officers
    names = {name for name in names if not any(word.startswith(name) for word in called)}
    return everywhere(text, names | set(known))


def everywhere(text: str, names: Iterable[str]) -> list[Span]:
    """Return every occurrence of some names, also with blanks between the letters; the longer name wins."""
    longest = sorted({re.sub(r"\s", "", name) for name in names}, key=len, reverse=True)
    spelled = [r"\s{0,3}".join(map(re.escape, name)) for name in longest if len(name) > 1]
    if not spelled:
        return []
    return [Span(*hit.span()) for hit in re.finditer("|".join(spelled), text, re.IGNORECASE)]


def _bare(text: str, span: Span) -> str:
    return re.sub(r"\s", "", text[span.start : span.end])


def _ends(text: str, start: int, *, firm: bool, apart: bool = False) -> list[int]:
    """Return where a name that starts here ends, if one does; `apart`: the word before ends here for certain."""
    surname = _SURNAME.match(text, start)
    run = _RUN.match(text, start)
    firm = firm and not (run and _ORGANISATION.search(run[0]))
    if not surname or (not firm and not _may_start(text, start, apart=apart)):
        return []
    given = [hit.end() for pattern in _GIVEN_OF if (hit := pattern.match(text, surname.end()))]
    closed = [end for end in given if _closing(text, end)] or (given if firm else [])
    # What follows a name says most of where it ends; of two readings the longer word after it is likelier.
    closed.sort(key=lambda end: -_closing(text, end) if not _goes_on(text, start, end) else -1)
    return [end for end in closed if text[start:end] not in _NOT_NAMES][:1]


def _may_start(text: str, start: int, *, apart: bool = False) -> bool:
    """Whether no other word begins with this letter, or ends with it."""
    if text[start] in _WORDS["doubtful"] or _NOT_NAMES_AT.match(text, start):
        return False
    return apart or not _STRADDLING.search(text, max(0, start - 3), start + 1)


def _closing(text: str, end: int) -> int:
    """Return how surely a name ends here: 0 when nothing says so."""
    if end == len(text) or not re.match(_HAN, text[end]):
        return 9
    follower = _FOLLOWER.match(text, end)
    return len(follower[0]) if follower else 0


def _goes_on(text: str, start: int, end: int) -> bool:
    """Whether a name whose letters stand apart may have another one behind the next blank."""
    return bool(re.search(r"\s", text[start:end]) and re.match(rf"\s{_HAN}", text[end : end + 2]))


def _after(text: str, role: re.Pattern[str]) -> Iterator[Span]:
    """Yield the names after the part that somebody plays; after a colon also those whose surname is in no list."""
    for hit in role.finditer(text):
        firm = hit["firm"] is not None
        ends = _ends(text, hit.end(), firm=firm, apart=True)
        yield from (Span(hit.end(), end) for end in ends)
        if ends:
            continue
        colon = firm and not hit["firm"].isspace()
        other = _LATIN.match(text, hit.end()) or (_LABELLED.match(text, hit.end()) if colon else None)
        if (
            other
            and other[0] not in _NOT_NAMES
            and not _ORGANISATION.search(other[0])
            and not set(other[0]) & set(_WORDS["stop"])
        ):
            yield Span(*other.span())


def _before_anchors(text: str) -> Iterator[Span]:
    """Yield the names before what only a person has, such as a sex or a statement."""
    for hit in _ANCHOR.finditer(text):
        span = _name_before(text, hit.start(), firm=hit.lastgroup is not None)
        if span:
            yield span


def _name_before(text: str, end: int, *, firm: bool) -> Span | None:
    """Return the name that ends here; one after a boundary is likelier than a longer one."""
    spans = [Span(start, end) for start in range(max(0, end - 6), end - 1) if _is_name(text, start, end, firm=firm)]
    bounded = [span for span in spans if _opens(text, span.start)]
    if bounded:
        return next((span for span in bounded if firm or text[span.start] in _COMMON or end - span.start > 2), None)
    likely = [span for span in spans if firm and _may_start(text, span.start)]
    return likely[0] if likely else None


def _is_name(text: str, start: int, end: int, *, firm: bool) -> bool:
    surname = _SURNAME.match(text, start, end)
    if not surname or text[start:end] in _NOT_NAMES or (not firm and not _may_start(text, start)):
        return False
    if _COMPANY.search(text, start, end):
        return False
    return any(pattern.fullmatch(text, surname.end(), end) for pattern in _GIVEN_OF)


def _opens(text: str, start: int) -> bool:
    return start == 0 or not re.match(_HAN, text[start - 1]) or bool(_LEFT.search(text, max(0, start - 8), start))


def _in_clauses(text: str) -> Iterator[Span]:
    """Yield the names with which a clause starts, and those after a verb or preposition that takes a person."""
    for hit in _CLAUSE.finditer(text):
        ends = [end for end in _ends(text, hit.end(), firm=False) if _FOLLOWER.match(text, end)]
        if _USUAL.match(text, hit.end()):
            yield from (Span(hit.end(), end) for end in ends)
    for hit in _LINK.finditer(text):
        if _USUAL.match(text, hit.end()):
            yield from (Span(hit.end(), end) for end in _ends(text, hit.end(), firm=False))


def _in_rows(text: str) -> Iterator[Span]:
    """Yield the names that stand alone in a line with a long number, or one below the other under a list's heading."""
    rows = [hit for hit in _ROW.finditer(text) if _is_row(text, hit)]
    listed = _LIST.search(text)
    for hit in rows:
        near = any(abs(other.start() - hit.end()) == 1 or abs(hit.start() - other.end()) == 1 for other in rows)
        if _LONG_NUMBER.search(hit["rest"]) or (near and listed and listed.start() < hit.start()):
            yield Span(*hit.span("name"))


def _is_row(text: str, hit: re.Match[str]) -> bool:
    start, end = hit.span("name")
    return bool(_USUAL.match(text, start)) and _is_name(text, start, end, firm=False)


def _listed(text: str, found: Iterable[Span]) -> set[Span]:
    """Return the names and those that stand in a row with them."""
    spans = set(found)
    waiting = list(spans)
    while waiting:
        span = waiting.pop()
        joint = _AND.match(text, span.end)
        following = [Span(joint.end(), end) for end in _ends(text, joint.end(), firm=False)] if joint else []
        before = re.search(f"(?:{_WORDS['and']})$", text[max(0, span.start - 40) : span.start])
        earlier = _name_before(text, span.start - len(before[0]), firm=True) if before else None
        for new in (*following, *([earlier] if earlier else [])):
            if new not in spans:
                spans.add(new)
                waiting.append(new)
    return spans


def _dotted(text: str) -> Iterator[Span]:
    """Yield names whose parts are joined by a dot, as those of many national minorities are written."""
    for hit in _DOTTED.finditer(text):
        start, end = hit.span()
        dots = [index for index in range(start, end) if not re.match(_HAN, text[index])]
        lefts = [at.end() for at in re.finditer(f"{_LEFT.pattern[:-1]}|[{_WORDS['stop']}]", text[start : dots[0]])]
        first = start + max((left for left in lefts if dots[0] - start - left > 1), default=0)
        ends = [at.start() for at in _FOLLOWER.finditer(text, dots[-1] + 3, end)]
        if text[first : dots[0]] not in _NOT_NAMES and not _ORGANISATION.search(text[first : dots[0]]):
            yield Span(max(first, dots[0] - 6), min([*ends, dots[-1] + 6, end]))
