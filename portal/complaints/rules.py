"""What holds for complaints: numbers, query codes, states, clocks, and who must not handle what.

No law fixes how fast a complaint about enforcement is answered (the provincial regulation on administrative law
enforcement, article 43, gives the supervisor the duty but no days), so both periods are the city's own settings.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from portal.accounts.rules import sees_all
from portal.calendar.rules import DAY, WorkingCalendar
from portal.case_types.rules import DayUnit, Pause, due
from portal.errors import TransitionError

TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
CODE_SHOWN_FOR = timedelta(minutes=30)
CASE_OPEN_FOR = timedelta(minutes=30)

CODE_LENGTH = 12
NUMBER = re.compile(r"TS\d{12,13}")
LONGEST_ENTRY = 64

MAX_FACTS = 2000
MAX_WANTS = 500
MAX_PLACE = 200
MAX_OFFICER = 100
MAX_NAME = 50
MAX_COMMENT = 500
MAX_ANSWER = 4000
MAX_REASON = 1000
MAX_NOTE = 2000

GRADES = (5, 4, 3, 2, 1)

# What is complained about most, after the typical cases published by the ministry and the provinces, 2024 and 2025.
CATEGORIES = (
    "fine",
    "inspection",
    "fee",
    "seizure",
    "elsewhere",
    "profit",
    "overdue",
    "card",
    "receipt",
    "permit",
    "manner",
    "other",
)

OPEN_STATES = ("submitted", "accepted")
TRANSITIONS: dict[tuple[str, str], str] = {
    ("submitted", "accept"): "accepted",
    ("submitted", "refuse"): "refused",
    ("submitted", "withdraw"): "withdrawn",
    ("submitted", "supplement"): "submitted",
    ("submitted", "merge"): "merged",
    ("accepted", "answer"): "answered",
    ("accepted", "extend"): "accepted",
    ("accepted", "withdraw"): "withdrawn",
    ("accepted", "supplement"): "accepted",
    ("accepted", "merge"): "merged",
    ("answered", "rate"): "answered",
    ("answered", "reopen"): "accepted",
    ("closed", "reopen"): "accepted",
    ("answered", "message"): "answered",
    ("answered", "close"): "closed",
    ("merged", "message"): "merged",
} | {
    (state, action): state
    for state in OPEN_STATES
    for action in ("ask", "resume", "message", "transfer", "join", "split")
}


def next_state(state: str, action: str) -> str:
    """Return the state an action leads to.

    Raises TransitionError when the state does not allow it.
    """
    following = TRANSITIONS.get((state, action))
    if following is None:
        raise TransitionError(f"{action} is not possible when {state}", state=state, action=action)
    return following


def allows(state: str, action: str) -> bool:
    """Whether a state allows an action."""
    return (state, action) in TRANSITIONS


def format_number(day: date, count: int) -> str:
    """Return the number of the count-th complaint of a day: TS202611220001."""
    return f"TS{day:%Y%m%d}{count:04d}"


def read_number(raw: str) -> str:
    """Return a case number as it is stored, or an empty string; width, case, spaces and hyphens do not matter."""
    text = _plain(raw)
    return text if NUMBER.fullmatch(text) else ""


def read_code(raw: str) -> str:
    """Return a query code as it was made, or an empty string when it cannot be one.

    Codes hold neither 0 and O nor 1 and I; whoever types one of these misread, so nothing is guessed.
    """
    text = _plain(raw)
    return text if len(text) == CODE_LENGTH and text.isalnum() else ""


def _plain(raw: str) -> str:
    text = unicodedata.normalize("NFKC", raw[:LONGEST_ENTRY]).upper()
    return re.sub(r"[\s\-‐-―−_.]", "", text)


def group_code(code: str) -> str:
    """Return a query code as people read it: K7MQ-2XDT-9H4W."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def lock_after(tries: int, now: datetime) -> datetime | None:
    """Return until when a number is locked after so many tries in a row, or None."""
    return now + LOCKED_FOR if tries >= TRIES else None


def for_supervisors(kind: str, officer: str) -> bool:
    """Whether only the supervising organ may handle a complaint.

    So for everything about conduct, and for whatever names an officer: the organ complained about does not judge
    itself (regulation on letters and visits, articles 28, 30 and 46).
    """
    return kind == "conduct" or bool(officer.strip())


@dataclass(frozen=True)
class Remit:
    """Whom a complaint is for, by the organs that handle it, and whom it is about: organs, accounts and cards."""

    delicate: bool
    subjects: frozenset[int]
    handlers: frozenset[int]
    staff: frozenset[int] = frozenset()
    officers: frozenset[int] = frozenset()


class Person(Protocol):
    """What of a member of staff decides what they may see."""

    @property
    def id(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def organ_id(self) -> int | None: ...
    @property
    def officer_id(self) -> int | None: ...


def may_see(remit: Remit, person: Person) -> bool:
    """Whether a member of staff may see and handle a complaint; `queries.visible_to` says the same in SQL.

    Nobody who is named in it (regulation on letters and visits, articles 30 and 46).
    """
    if person.id in remit.staff or person.officer_id in remit.officers:
        return False
    if sees_all(person.role):
        return not remit.delicate or person.organ_id not in remit.subjects
    return person.role == "clerk" and not remit.delicate and person.organ_id in remit.handlers


@dataclass(frozen=True)
class Clock:
    """A deadline with what it rests on; `left` counts days of its `unit` and is negative when it has passed.

    `more` is how many days of the unit an extension has added to `within`; `days_off` and `pauses` are not counted.
    `basis` names the rule that the period comes from.
    """

    start_on: date
    due_on: date
    within: int
    left: int
    certain: bool
    days_off: Sequence[date]
    unit: DayUnit = DayUnit.WORKING
    more: int = 0
    pauses: Sequence[Pause] = ()
    basis: str = ""
    basis_en: str = ""

    @property
    def tone(self) -> str:
        return "bad" if self.left < 0 else "warn" if self.left <= 2 else ""


def read_clock(
    calendar: WorkingCalendar,
    received_on: date,
    due: date,
    within: int,
    today: date,
    unit: DayUnit = DayUnit.WORKING,
    pauses: Sequence[Pause] = (),
) -> Clock:
    """Return a deadline as a reader sees it today, with the days that were not counted."""
    counted = [pause for pause in pauses if pause.since < due and (pause.until is None or pause.until > received_on)]
    span = [received_on + DAY * number for number in range(1, (due - received_on).days + 1)]
    working = unit is DayUnit.WORKING
    return Clock(
        start_on=received_on,
        due_on=due,
        within=within,
        left=days_left(calendar, today, due, unit),
        certain=calendar.certain(received_on, due),
        days_off=[day for day in span if not calendar.is_working_day(day)] if working else [],
        unit=unit,
        pauses=counted,
    )


def days_left(calendar: WorkingCalendar, today: date, due: date, unit: DayUnit) -> int:
    """Return how many days of a unit are left, negative when the day has passed, even if only days off followed."""
    if unit is DayUnit.CALENDAR:
        return (due - today).days
    left = calendar.working_days_between(today, due)
    return min(left, -1) if today > due else left


def plan(kind: Any, calendar: WorkingCalendar, start_on: date) -> tuple[date, date]:
    """Return the days until which a new case has to be accepted and answered."""
    accept = due(calendar, start_on, kind.accept_within, kind.accept_unit)
    answer = due(calendar, start_on, kind.answer_within, kind.answer_unit)
    assert accept and answer  # Only a pause leaves a deadline open.
    return accept.day, answer.day
