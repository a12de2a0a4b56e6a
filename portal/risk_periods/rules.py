"""When a period falls, on which day its texts leave, for how long they are of use, and how a year is drawn.

Pure. Days that a law or practice fixes are `MM-DD`; the end of February is written 02-29 and moves to the 28th in
common years. Lunar feasts, and what a notice sets anew each year, stand in a table by year.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.calendar.rules import Result, WorkingCalendar
from portal.wordings.rules import sms_day

DAY = timedelta(days=1)
# A batch is laid before the staff so many days before its texts leave: time to read it, to change it, to approve it.
PREPARED_DAYS = 30
# A text about a period is of use until a few days into it.
USEFUL_DAYS = 3
MAX_DAYS_AHEAD = 60
# Signature, words around it and way out leave about so much of the 70 characters of one segment.
MAX_NAME, MAX_NAME_EN = 12, 30
MAX_ADVICE, MAX_ADVICE_EN = 40, 60
MAX_BASIS = 200
CHART_WIDTH = 360
BARS = 12

# What may follow what; whatever is not named here is not permitted.
STEPS = {
    ("prepared", "submit"): "submitted",
    ("refused", "submit"): "submitted",
    ("submitted", "take_back"): "prepared",
    ("submitted", "approve"): "approved",
    ("submitted", "refuse"): "refused",
    ("approved", "withdraw"): "refused",
    ("planned", "withdraw"): "refused",
}


@dataclass(frozen=True, order=True)
class Span:
    """The days of a period in one year, both included."""

    starts_on: date
    ends_on: date

    @property
    def useful_until(self) -> date:
        """The last day on which a text about it is still of use."""
        return min(self.starts_on + DAY * USEFUL_DAYS, self.ends_on)


@dataclass(frozen=True)
class Dates:
    """When a period falls: from one day of the year to another, or as the table of years says."""

    first_day: str = ""
    last_day: str = ""
    table: Sequence[Span] = ()

    @property
    def fixed(self) -> bool:
        return bool(self.first_day and self.last_day)


@dataclass(frozen=True)
class Notice:
    """What a batch tells its readers; where that is not all there in English, everybody reads the city's language."""

    starts_on: date
    name: str
    name_en: str
    advice: str
    advice_en: str

    def fill(self, locale: str) -> tuple[str, dict[str, str]]:
        """Return the language of a reader's text, and what fills its body, which has a full stop of its own."""
        english = locale == "en" and self.name_en and self.advice_en
        name, advice = (self.name_en, self.advice_en) if english else (self.name, self.advice)
        written_in = "en" if english else "zh_Hans"
        return written_in, {
            "name": name,
            "day": sms_day(self.starts_on, written_in),
            "advice": advice.rstrip(".\u3002 "),
        }


@dataclass(frozen=True)
class Bar:
    """One bar of a chart; `width` is in the chart's units, from a base of zero."""

    grade: str
    count: int
    width: float


@dataclass(frozen=True)
class Piece:
    """A stretch of a year in the units of the chart."""

    x: float
    width: float


def next_state(state: str, step: str) -> str | None:
    """Return the state a step leads to, or None when it is not permitted."""
    return STEPS.get((state, step))


def read_month_day(text: str) -> tuple[int, int] | None:
    """Return month and day of `MM-DD` (02-29 included), or None when it is no day of any year."""
    try:
        found = date.fromisoformat(f"2000-{text}")
    except ValueError:
        return None
    return (found.month, found.day) if len(text) == 5 else None


def on_year(year: int, text: str) -> date:
    """Return a `MM-DD` day in a year; a month that is shorter there ends earlier."""
    place = read_month_day(text)
    if place is None:
        raise ValueError(f"{text!r} is no day of a year")
    month, day = place
    return date(year, month, min(day, monthrange(year, month)[1]))


def span_from(dates: Dates, year: int) -> Span:
    """Return the span of a fixed period that begins in a year; it may end in the next."""
    first, last = on_year(year, dates.first_day), on_year(year, dates.last_day)
    return Span(first, last if last >= first else on_year(year + 1, dates.last_day))


def spans(dates: Dates, first: date, last: date) -> Iterator[Span]:
    """Yield the spans that begin between two days, both included, earliest first."""
    if dates.fixed:
        found = [span_from(dates, year) for year in range(first.year, last.year + 1)]
    else:
        found = sorted(dates.table)
    yield from (span for span in found if first <= span.starts_on <= last)


def next_span(dates: Dates, on: date) -> Span | None:
    """Return the next span that begins on or after a day; None when the table of years does not say."""
    last = date(on.year + 1, 12, 31) if dates.fixed else date.max
    return next(spans(dates, on, last), None)


def missing_year(dates: Dates, *years: int) -> int | None:
    """Return the first of some years in which the table has no span that begins; None when there is none missing."""
    if dates.fixed:
        return None
    known = {span.starts_on.year for span in dates.table}
    return next((year for year in years if year not in known), None)


def send_day(starts_on: date, days_ahead: int, calendar: WorkingCalendar) -> Result:
    """Return the last working day that lies at least so many days before the beginning."""
    last = day = starts_on - DAY * days_ahead
    while not calendar.is_working_day(day):
        day -= DAY
    return Result(day, calendar.certain(day, last))


def prepare_day(send_on: date) -> date:
    """Return the first day on which a batch is laid before the staff."""
    return send_on - DAY * PREPARED_DAYS


def differs_much(before: int, after: int) -> bool:
    """Whether a number of recipients moved by more than a little: by more than five, and by more than 5 percent."""
    return abs(after - before) > max(5, before * 0.05)


def count_bars(counts: Mapping[str, int], *, others: str, width: int = 320) -> Sequence[Bar]:
    """Return the largest counts as bars, most first, and the rest as one under the name `others`."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ordered if len(ordered) <= BARS else ordered[: BARS - 1]
    rest = sum(count for _name, count in ordered[len(shown) :])
    shown = [*shown, (others, rest)] if rest else shown
    most = max((count for _name, count in shown), default=0) or 1
    return [Bar(name, count, round(width * count / most, 1)) for name, count in shown]


def spans_in(dates: Dates, year: int) -> list[Span]:
    """Return the spans that touch a year, earliest first; one that spans New Year touches two."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    return [span for span in spans(dates, date(year - 1, 1, 1), last) if span.ends_on >= first]


def pieces(dates: Dates, year: int, width: int = CHART_WIDTH) -> Sequence[Piece]:
    """Return the stretches of a year that a period covers; one that spans New Year has two."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    whole = (last - first).days + 1
    found = []
    for span in spans_in(dates, year):
        start, end = max(span.starts_on, first), min(span.ends_on, last)
        days = (end - start).days + 1
        found.append(Piece(round((start - first).days * width / whole, 1), round(days * width / whole, 1)))
    return found


def month_lines(year: int, width: int = CHART_WIDTH) -> Sequence[float]:
    """Return where each month of a year begins in the units of the chart."""
    first = date(year, 1, 1)
    whole = (date(year, 12, 31) - first).days + 1
    return [round((date(year, month, 1) - first).days * width / whole, 1) for month in range(1, 13)]
