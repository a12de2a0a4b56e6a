"""Lengths, states and hours of text messages."""

import re
from datetime import time
from urllib.parse import urlsplit

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€")
# Receipts arrive in any order; a state only rises.
RANKS = {"queued": 0, "sending": 1, "unknown": 2, "accepted": 3, "failed": 5, "delivered": 6}


def count_segments(text: str) -> int:
    """Return how many SMS segments a text costs, signature included (3GPP TS 23.038).

    One segment holds 160 GSM-7 characters (153 each in a longer text) or 70 UTF-16 units (67 each);
    an escaped GSM-7 character or a surrogate pair is never split over two segments.
    """
    if all(letter in GSM_BASIC or letter in GSM_EXTENDED for letter in text):
        return _pack([2 if letter in GSM_EXTENDED else 1 for letter in text], 160, 153)
    return _pack([2 if ord(letter) > 0xFFFF else 1 for letter in text], 70, 67)


def _pack(widths: list[int], single: int, multiple: int) -> int:
    if sum(widths) <= single:
        return 1
    segments, used = 1, 0
    for width in widths:
        if used + width > multiple:
            segments, used = segments + 1, 0
        used += width
    return segments


def rises(old: str, new: str) -> bool:
    """Whether a receipt's state may replace the state a message has."""
    return RANKS.get(new, -1) > RANKS.get(old, 99)


def is_quiet(at: time, hours: tuple[time, time] | None) -> bool:
    """Whether a local time lies in the quiet hours, which may span midnight; the end is not quiet any more."""
    if hours is None or hours[0] == hours[1]:
        return False
    start, end = hours
    return start <= at < end if start < end else at >= start or at < end


def seconds_until(at: time, goal: time) -> int:
    """Return the seconds from a local time to the next time the clock shows another."""
    return (_seconds(goal) - _seconds(at)) % (24 * 3600)


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def backoff_seconds(attempts: int) -> int:
    """Return how long a message waits after so many attempts that reached nobody: 30 s doubling to half an hour."""
    return int(min(30 * 2 ** max(0, attempts - 1), 1800))


def ask_again_seconds(age: float, *, first: float) -> int:
    """Return after how long a provider is asked once more about a message of some age: as long as it is old already.

    `first` is the shortest wait, half a day the longest; all in seconds.
    """
    return int(min(max(age, first), 12 * 3600))


def split_links(text: str, public_url: str) -> list[tuple[str, str]]:
    """Cut a text at the links to our own pages; return pieces with the path they lead to, empty for plain text."""
    parts = urlsplit(public_url)
    pattern = re.compile(rf"((?:https?://)?{re.escape(parts.netloc + parts.path)}(/[A-Za-z0-9/_-]+))")
    pieces: list[tuple[str, str]] = []
    position = 0
    for found in pattern.finditer(text):
        pieces += [(text[position : found.start()], ""), (found.group(1), parts.path + found.group(2))]
        position = found.end()
    pieces.append((text[position:], ""))
    return [piece for piece in pieces if piece[0]]


def hide_tokens(text: str) -> str:
    """Return a text as staff read it: a one-time link is for its reader alone, so its token is left out."""
    return re.sub(r"(/r/)[A-Za-z0-9_-]+", r"\1…", text)
