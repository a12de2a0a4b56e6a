"""Lengths, states and hours of text messages, and how a queue is drawn."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from portal.calendar.rules import WorkingCalendar

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€")
# Receipts arrive in any order; a state only rises.
RANKS = {"queued": 0, "sending": 1, "unknown": 2, "accepted": 3, "person": 4, "failed": 5, "delivered": 6}
# In segments: what no provider takes more of in one text.
LONGEST_TEXT = 10
# In days: no calendar holds texts for longer than that on end.
LONGEST_HOLD = 60


# Many readers get the same words on one day.
@lru_cache(maxsize=512)
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


def backoff_seconds(attempts: int, chance: float) -> int:
    """Return how long a message waits after so many attempts that reached nobody: 30 s doubling to half an hour.

    `chance` (0 to 1) moves that by up to a fifth, so that what failed together does not come back together.
    """
    wait = min(30 * 2 ** min(10, max(0, attempts - 1)), 1800)
    return int(wait * (0.8 + 0.4 * chance))


def breaker_seconds(openings: int) -> int:
    """Return how long a breaker stays open that opens for the nth time in a row: 30 s doubling to ten minutes."""
    return int(min(30 * 2 ** min(10, max(0, openings - 1)), 600))


def is_open(until: datetime | None, now: datetime) -> bool:
    """Whether a breaker is open that was opened until a moment.

    One that would stay open for longer than any does was opened before the clock was set back.
    """
    return until is not None and now < until <= now + timedelta(seconds=breaker_seconds(99))


def bucket_size(rate: float) -> float:
    """Return how many segments may leave at once at a rate per second: a second's worth, and any text at least."""
    return max(rate, float(LONGEST_TEXT))


def fill_bucket(tokens: float, rate: float, seconds: float) -> float:
    """Return the segments that may leave after so many seconds more; a clock that was set back gives none."""
    return min(bucket_size(rate), tokens + rate * max(0.0, seconds))


def extension_code(message_id: int) -> str:
    """Return the two digits behind our number that a message is sent with, and a reply to it carries back."""
    return f"{message_id % 100:02d}"


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


def is_hold_day(kind: str, calendar: WorkingCalendar, day: date) -> bool:
    """Whether a city does not text on a day; `kind` is its choice of days, `SMS_HOLD_DAYS`."""
    if kind == "holidays":
        return calendar.exceptions.get(day) is False
    return kind == "non-working" and not calendar.is_working_day(day)


@dataclass(frozen=True)
class Hold:
    """A time in which nothing but what is urgent goes out; `quiet` is false when a day off alone is the cause."""

    since: datetime
    until: datetime
    quiet: bool


def find_hold(at: datetime, hours: tuple[time, time] | None, kind: str, calendar: WorkingCalendar) -> Hold | None:
    """Return the hold that a local moment lies in, from its first to its last moment, or None."""

    def held(moment: datetime) -> bool:
        return is_quiet(moment.time(), hours) or is_hold_day(kind, calendar, moment.date())

    if not held(at):
        return None
    marks = {time(), *(hours or ())}
    days = [at.date() + timedelta(days=number) for number in range(-LONGEST_HOLD, LONGEST_HOLD)]
    turns = sorted(datetime.combine(day, mark, at.tzinfo) for day in days for mark in marks)
    starts = (turn for turn in reversed(turns) if turn <= at and not held(turn - timedelta(seconds=1)))
    ends = (turn for turn in turns if turn > at and not held(turn))
    return Hold(next(starts, turns[0]), next(ends, turns[-1]), is_quiet(at.time(), hours))


@dataclass(frozen=True)
class Piece:
    """One part of a stacked bar: where it begins and how wide it is, in the units of the whole."""

    part: str
    count: int
    x: float
    width: float


def stack(counts: Sequence[Mapping[str, int]], parts: Sequence[str], width: float) -> list[list[Piece]]:
    """Lay the parts of each bar side by side, to one scale from zero: the longest bar is `width` wide."""
    largest = max((sum(row.get(part, 0) for part in parts) for row in counts), default=0) or 1
    bars: list[list[Piece]] = []
    for row in counts:
        x, bar = 0.0, []
        for part in parts:
            if count := row.get(part, 0):
                bar.append(Piece(part, count, round(x, 2), round(count * width / largest, 2)))
                x += count * width / largest
        bars.append(bar)
    return bars
