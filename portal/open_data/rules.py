"""The columns of the exports, cells that no spreadsheet program takes for a formula, and Atom. Pure.

Columns: development and reform commission 2018 no. 424, annex (dual publication of permits and penalties). Left out are
those with the numbers of people's certificates, which are never public.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from portal.cells import cell
from portal.patterns import later

_DATA: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "columns.json").read_text(encoding="utf-8"))
KINDS: dict[str, str] = _DATA["kinds"]
PARTY_KINDS: dict[str, str] = _DATA["party_kinds"]
SHEETS: dict[str, str] = _DATA["sheet"]
# "No end" in the dual-publication columns.
NO_END: str = _DATA["no_end"]
TEN_THOUSAND = Decimal(10_000)
NOT_XML = later(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ATOM = "http://www.w3.org/2005/Atom"


class Column(NamedTuple):
    """One column: its code, its heading, and the value it shows."""

    code: str
    heading: str
    field: str


COLUMNS: dict[str, list[Column]] = {
    name: [Column(*entry) for entry in entries] for name, entries in _DATA["columns"].items()
}


@dataclass(frozen=True)
class Entry:
    """One entry of a feed; `address` is whole and never changes."""

    address: str
    title: str
    summary: str
    author: str
    published: datetime
    updated: datetime


def columns_of(kind: str | None) -> tuple[str, Sequence[Column]]:
    """Return the name and the columns of a list of one kind, or of several."""
    name = kind if kind in COLUMNS else "any"
    return str(name), COLUMNS[str(name)]


def day(value: date | None) -> str:
    """Write a day as the dual-publication columns do: 2026/11/22."""
    return value.strftime("%Y/%m/%d") if value else ""


def ten_thousands(yuan: Decimal | None) -> str:
    """Return a sum in units of ten thousand yuan, without needless zeros."""
    return f"{(yuan / TEN_THOUSAND).normalize():f}" if yuan is not None else ""


def cells(values: Mapping[str, str], columns: Sequence[Column]) -> list[str]:
    """Return a row of cells."""
    return [cell(values[column.field]) for column in columns]


def atom(*, address: str, page: str, title: str, updated: datetime, entries: Iterable[Entry]) -> bytes:
    """Return an Atom feed (RFC 4287)."""
    # Half a thousandth of a second that only feeds need to pay.
    from xml.etree import ElementTree as Tree

    def add(parent: Tree.Element, name: str, text: str = "", **attributes: str) -> Tree.Element:
        child = Tree.SubElement(parent, name, attributes)
        child.text = NOT_XML.sub("", text) or None
        return child

    feed = Tree.Element("feed", {"xmlns": ATOM, "xml:lang": "zh-Hans"})
    add(feed, "id", address)
    add(feed, "title", title)
    add(feed, "updated", updated.isoformat())
    add(feed, "link", rel="self", href=address, type="application/atom+xml")
    add(feed, "link", rel="alternate", href=page, type="text/html")
    for entry in entries:
        item = add(feed, "entry")
        add(item, "id", entry.address)
        add(item, "title", entry.title)
        add(item, "published", entry.published.isoformat())
        add(item, "updated", entry.updated.isoformat())
        add(item, "link", rel="alternate", href=entry.address, type="text/html")
        add(add(item, "author"), "name", entry.author)
        add(item, "summary", entry.summary)
    text: bytes = Tree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text
