"""The periods that ship, over the holidays of 2025 and 2026 as the State Council announced them, worked out by hand.

Spring Festival 2026: off from 15 to 23 February, worked on 14 and 28 February. National Day 2025: off from 1 to
8 October, worked on 28 September and 11 October. National Day 2026: off from 1 to 7 October, worked on 20 September
and 10 October. Labour Day 2026: off from 1 to 5 May, worked on 9 May.
"""

import csv
from datetime import date
from pathlib import Path
from typing import cast

import pytest

from portal.calendar import service as calendar_service
from portal.calendar.rules import WorkingCalendar
from portal.case_types import service
from portal.case_types.rules import DayUnit, Pause, due

DAYS = list(csv.DictReader(calendar_service.FACTS.read_text(encoding="utf-8").splitlines()))
CALENDAR = WorkingCalendar(
    {date.fromisoformat(row["day"]): row["kind"] == "workday" for row in DAYS},
    known_until=date(2026, 12, 31),
)
KINDS = {row["key"]: row for row in csv.DictReader(Path(service.FACTS).read_text(encoding="utf-8").splitlines())}


def last_days(key: str, received: date, *, extended: bool = False, pauses: tuple[Pause, ...] = ()) -> tuple[str, str]:
    """Return until when a case of a kind that ships has to be accepted and answered."""
    kind = cast("dict[str, str]", KINDS[key])
    more = int(kind["extend_by"]) if extended else 0
    found = [
        due(CALENDAR, received, int(kind[f"{step}_within"]) + extra, DayUnit(kind[f"{step}_unit"]), pauses)
        for step, extra in (("accept", 0), ("answer", more))
    ]
    assert all(found)
    return str(found[0].day), str(found[1].day)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("key", "received", "accept", "answer"),
    [
        # Wednesday before Spring Festival: Thursday, Friday, Saturday the 14th (worked), then Tuesday the 24th.
        ("conduct", date(2026, 2, 11), "2026-02-25", "2026-03-10"),
        # Received on the last day before the feast, and on the feast itself.
        ("conduct", date(2026, 2, 14), "2026-02-28", "2026-03-13"),
        ("conduct", date(2026, 2, 18), "2026-02-28", "2026-03-13"),
        ("question", date(2026, 2, 13), "2026-02-24", "2026-02-27"),
        # Over National Day 2025, whose make-up days are worked.
        ("conduct", date(2025, 9, 26), "2025-10-10", "2025-10-23"),
        ("report", date(2025, 9, 30), "2025-10-14", "2025-10-28"),
        # 15 calendar days end on 5 October 2026, a day off: the next worked day is the 8th. 60 end on 19 November.
        ("petition", date(2026, 9, 20), "2026-10-08", "2026-11-19"),
        # 60 days end on Sunday 22 February 2026, within the feast.
        ("petition", date(2025, 12, 24), "2026-01-08", "2026-02-24"),
        # The 15th day is Saturday 14 February 2026, which is worked: there it ends.
        ("petition", date(2026, 1, 30), "2026-02-14", "2026-03-31"),
        ("business", date(2026, 4, 28), "2026-05-06", "2026-05-28"),
        ("market-complaint", date(2026, 9, 29), "2026-10-14", "2026-12-07"),
        ("market-report", date(2026, 4, 28), "2026-05-21", "2026-05-28"),
    ],
)
def test_until_when(key: str, received: date, accept: str, answer: str) -> None:
    assert last_days(key, received) == (accept, answer)


@pytest.mark.parametrize(
    ("key", "received", "answer"),
    [
        ("conduct", date(2026, 2, 11), "2026-03-31"),
        ("petition", date(2025, 12, 24), "2026-03-24"),
        ("business", date(2026, 4, 28), "2026-06-29"),
        # No rule gives a consumer complaint more time.
        ("market-complaint", date(2026, 9, 29), "2026-12-07"),
    ],
)
def test_with_the_one_extension(key: str, received: date, answer: str) -> None:
    assert last_days(key, received, extended=True)[1] == answer


@pytest.mark.parametrize(
    ("key", "pauses", "answer"),
    [
        # Asked on 12 February, answered on the 25th: four worked days were lost, the 13th, 14th, 24th and 25th.
        ("conduct", [(date(2026, 2, 12), date(2026, 2, 25))], "2026-03-16"),
        # Asked and answered on one day: nothing is lost.
        ("conduct", [(date(2026, 2, 12), date(2026, 2, 12))], "2026-03-10"),
        ("conduct", [(date(2026, 2, 12), date(2026, 2, 13)), (date(2026, 3, 2), date(2026, 3, 4))], "2026-03-13"),
        # A pause within days off costs working days nothing, but calendar days.
        ("conduct", [(date(2026, 2, 15), date(2026, 2, 20))], "2026-03-10"),
        ("petition", [(date(2026, 2, 15), date(2026, 2, 20))], "2026-04-17"),
    ],
)
def test_with_pauses(key: str, pauses: list[tuple[date, date]], answer: str) -> None:
    found = tuple(Pause(since, until) for since, until in pauses)
    assert last_days(key, date(2026, 2, 11), pauses=found)[1] == answer
