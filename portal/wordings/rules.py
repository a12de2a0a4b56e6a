"""The texts that the notifiers send, what fills them, and how a body is read, judged and filled.

A body marks its variables as `{permit}`. Its lines are joined as the language joins sentences; a line that begins with
`?` is left out where the text would cost a second segment. The signature is no part of it.
Texts and variables are data, in `data/texts.json` (`*` marks a variable that a body may not leave out) and
`data/variables.json` (a usual and a long value in each language).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from portal.messages.rules import GSM_BASIC, GSM_EXTENDED, count_segments

DATA = Path(__file__).parent / "data"
MAX_LENGTH = 500
# What carriers refuse, or keep for the signature; emoji are told by their blocks.
FORBIDDEN = re.compile("[【】¥￥★☆\u200d\u20e3\ufe0f\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
VARIABLE = re.compile(r"\{(\w+)\}")
# Chinese keyboards type the wide one; of braces they type wide ones, which mark nothing and would be sent as they are.
OPTIONAL = ("?", "\uff1f")
BRACES = "{}\uff5b\uff5d"
# Providers that send what they have approved beforehand, and how each writes a variable; none takes a link as one.
TEMPLATED = ("tencent", "aliyun")
# Why a text waits that none of them has approved.
NO_TEMPLATE = "no_template"
# How each language writes a day as briefly as a text needs it, with the names of its months.
DAYS: dict[str, dict[str, str]] = json.loads((DATA / "days.json").read_text(encoding="utf-8"))


class Kind(StrEnum):
    """What stands in a variable; `phone` is the office's own number, the same in every text."""

    TEXT = "text"
    DAY = "day"
    NUMBER = "number"
    PHONE = "phone"
    LINK = "link"


@dataclass(frozen=True)
class Variable:
    """Something that differs from one text to the next; `samples` holds a usual and a long value by language."""

    name: str
    kind: Kind
    samples: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Text:
    """One thing that readers are told; a body of it must hold the `required` variables and the reply `words`."""

    name: str
    group: str
    variables: tuple[Variable, ...]
    required: tuple[str, ...]
    words: tuple[str, ...]

    def known(self, *kinds: Kind) -> set[str]:
        """Return the names of its variables, of some kinds or of all."""
        return {item.name for item in self.variables if not kinds or item.kind in kinds}


def _read_texts() -> dict[str, Text]:
    variables = {
        name: Variable(name, Kind(row.pop("kind")), row)
        for name, row in json.loads((DATA / "variables.json").read_text(encoding="utf-8")).items()
    }
    texts = {}
    for name, row in json.loads((DATA / "texts.json").read_text(encoding="utf-8")).items():
        names = [item.removesuffix("*") for item in row["variables"]]
        required = tuple(item.removesuffix("*") for item in row["variables"] if item.endswith("*"))
        own = row.get("samples", {})
        filled = tuple(
            replace(variables[item], samples=dict.fromkeys(variables[item].samples, own[item]))
            if item in own
            else variables[item]
            for item in names
        )
        texts[name] = Text(name, row["group"], filled, required, tuple(row["words"]))
    return texts


TEXTS = _read_texts()


def sms_day(day: date, locale: str) -> str:
    """Write a day as briefly as a text needs it: 15 Dec."""
    form = DAYS[locale]
    return form["day"].format(day=day.day, month=form["months"].split()[day.month - 1])


class Fault(StrEnum):
    """What may be wrong with a body."""

    EMPTY = "empty"
    LONG = "long"
    UNKNOWN = "unknown"
    MISSING = "missing"
    WORD = "word"
    FORBIDDEN = "forbidden"
    LINK = "link"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Body:
    """A body ready to be filled: words and variables' names in turn, with its optional lines and without."""

    whole: tuple[str, ...]
    short: tuple[str, ...]


def read_body(source: str, locale: str) -> Body:
    """Return a body ready to be filled."""
    lines = [line.strip() for line in source.split("\n") if line.strip()]
    whole = _join([line[1:].strip() if line.startswith(OPTIONAL) else line for line in lines], locale)
    short = _join([line for line in lines if not line.startswith(OPTIONAL)], locale)
    return Body(tuple(VARIABLE.split(whole)), tuple(VARIABLE.split(short)))


def _join(lines: Sequence[str], locale: str) -> str:
    return (" " if locale == "en" else "").join(lines)


def fill(pieces: Sequence[str], values: Mapping[str, str]) -> str:
    """Return words and variables as one text; raises KeyError for a variable that has no value."""
    parts = list(pieces)
    parts[1::2] = [values[name] for name in pieces[1::2]]
    return "".join(parts)


def write(body: Body, values: Mapping[str, str], signature: str) -> tuple[str, int]:
    """Return a text, signature in front, and its segments; raises KeyError for a variable that has no value."""
    text = signature + fill(body.whole, values)
    segments = count_segments(text)
    if segments > 1 and body.short != body.whole:
        text = signature + fill(body.short, values)
        segments = count_segments(text)
    return text, segments


def find_faults(text: Text, source: str, locale: str) -> list[tuple[Fault, str]]:
    """Return what is wrong with a city's own body, each with what it concerns; empty when it can be sent."""
    body = read_body(source, locale)
    words = "".join(body.short[::2])
    faults = _common_faults(text, body.whole)
    faults += [(Fault.MISSING, name) for name in text.required if name not in body.short[1::2]]
    faults += [(Fault.WORD, word) for word in text.words if word not in words]
    return [(Fault.EMPTY, "")] if not words.strip() else faults


def find_template_faults(text: Text, source: str) -> list[tuple[Fault, str]]:
    """Return why a provider would not approve a body, or would not send it once approved.

    A link is refused as a variable; the office's own number is written out, for it may be longer than a variable.
    """
    pieces = tuple(VARIABLE.split(source))
    faults = _common_faults(text, pieces)
    faults += [(Fault.LINK, name) for name in pieces[1::2] if name in text.known(Kind.LINK)]
    faults += [(Fault.PHONE, name) for name in pieces[1::2] if name in text.known(Kind.PHONE)]
    return [(Fault.EMPTY, "")] if not "".join(pieces[::2]).strip() else faults


def _common_faults(text: Text, pieces: Sequence[str]) -> list[tuple[Fault, str]]:
    words, names = "".join(pieces[::2]), pieces[1::2]
    faults = [(Fault.UNKNOWN, name) for name in dict.fromkeys(names) if name not in text.known()]
    faults += [(Fault.UNKNOWN, mark) for mark in BRACES if mark in words]
    faults += [(Fault.FORBIDDEN, mark) for mark in dict.fromkeys(FORBIDDEN.findall(words))]
    if len(words) + sum(len(name) + 2 for name in names) > MAX_LENGTH:
        faults.append((Fault.LONG, str(MAX_LENGTH)))
    return faults


def suggest_template(text: Text, source: str, locale: str, *, signature: str, hotline: str) -> str:
    """Return what to have approved by a provider for a body: one line, without links, our own number written out.

    Optional lines stay where the text fills one segment with them.
    """
    links = text.known(Kind.LINK)
    kept = [line.strip() for line in source.split("\n") if not links & set(VARIABLE.findall(line))]
    body = read_body("\n".join(kept), locale)
    values = samples(text, locale, hotline=hotline)
    pieces = body.whole if count_segments(signature + fill(body.whole, values)) == 1 else body.short
    kept_variables = {name: hotline if name in text.known(Kind.PHONE) else f"{{{name}}}" for name in text.known()}
    return fill(pieces, kept_variables)


def samples(text: Text, locale: str, *, hotline: str, link: str = "", long: bool = False) -> dict[str, str]:
    """Return values that could fill a text: usual ones, or long ones."""
    own = {Kind.PHONE: hotline, Kind.LINK: link}
    return {
        item.name: own[item.kind] if item.kind in own else item.samples[locale][1 if long else 0]
        for item in text.variables
    }


def console_body(provider: str, source: str) -> str:
    """Return a body in the words of a provider's console: Tencent counts its variables, Aliyun names them."""
    names = list(dict.fromkeys(VARIABLE.findall(source)))
    if provider == "tencent":
        return VARIABLE.sub(lambda found: f"{{{names.index(found.group(1)) + 1}}}", source)
    return VARIABLE.sub(lambda found: f"${{{found.group(1)}}}", source)


def fits(shape: str, text: str, longest: int = MAX_LENGTH) -> bool:
    """Whether a text is an approved body with nothing but its variables filled, each in at most `longest` characters.

    Both come without signature.
    """
    pieces = VARIABLE.split(shape)
    names = list(dict.fromkeys(pieces[1::2]))
    pattern = ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            pattern += re.escape(piece)
        elif piece in pieces[1:place:2]:
            pattern += f"(?P=v{names.index(piece)})"
        else:
            pattern += f"(?P<v{names.index(piece)}>.{{1,{longest}}})"
    return re.fullmatch(pattern, text) is not None


def measure(text: str) -> tuple[int, int]:
    """Return how many characters a text counts, and how many one segment of its kind holds: 160 or 70."""
    if all(letter in GSM_BASIC or letter in GSM_EXTENDED for letter in text):
        return len(text) + sum(letter in GSM_EXTENDED for letter in text), 160
    return len(text) + sum(ord(letter) > 0xFFFF for letter in text), 70


def may_replace(old_status: str, new_status: str) -> bool:
    """Whether a template's status may become another: what is approved is in use, and is never a draft again."""
    return old_status != "approved" or new_status in ("approved", "refused")
