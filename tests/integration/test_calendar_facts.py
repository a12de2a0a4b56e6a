"""The shipped calendar is right, an office can replace a year, and open permits follow."""

import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from portal.calendar.models import CalendarDay
from portal.calendar.queries import get_calendar
from portal.calendar.service import load_facts
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.permits.models import WindowUnit
from tests.factories.permits import make_permit, make_permit_type

WORKED = (
    "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11 2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 "
    "2026-10-10"
)
OFF = (
    "2025-01-01 2025-01-28 2025-02-04 2025-04-04 2025-05-05 2025-06-02 2025-10-08 2026-01-02 2026-01-03 2026-02-16 "
    "2026-02-23 2026-04-06 2026-05-05 2026-06-19 2026-09-25 2026-10-01 2026-10-07 2026-11-22"
)
ORDINARY = "2025-01-02 2025-02-05 2025-10-09 2026-01-05 2026-02-24 2026-09-24 2026-09-28 2026-10-08 2026-12-31"


@pytest.mark.parametrize(
    ("days", "worked"), [(WORKED, True), (OFF, False), (ORDINARY, True)], ids=["make-up", "off", "ordinary"]
)
def test_known_days_of_2025_and_2026(app: Flask, days: str, worked: bool) -> None:
    calendar = get_calendar()
    assert [day for day in days.split() if calendar.is_working_day(date.fromisoformat(day)) is not worked] == []


@pytest.mark.parametrize(
    ("start", "count", "day"),
    [
        ("2026-01-01", 1, "2026-01-04"),
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2026-10-12", -3, "2026-10-08"),
        ("2025-09-30", 1, "2025-10-09"),
        ("2026-11-22", 7, "2026-12-01"),
        ("2026-12-31", -15, "2026-12-10"),
    ],
)
def test_working_days_across_holidays(app: Flask, start: str, count: int, day: str) -> None:
    assert get_calendar().add_working_days(date.fromisoformat(start), count).day.isoformat() == day


def test_2026_is_certain_and_2027_a_guess(app: Flask) -> None:
    assert get_calendar().known_until == date(2026, 12, 31)
    assert db.session.get_one(CalendarDay, date(2027, 10, 1)).certain is False


def import_file(app: Flask, path: Path, text: str, *, exit_code: int = 0) -> dict[str, object]:
    path.write_text(text, encoding="utf-8")
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["import", "holidays", str(path), "--json"])
    db.session.expire_all()
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout) if exit_code == 0 else {"error": result.stderr}


YEAR = "day,kind,name\n2027-01-01,holiday,元旦\n2027-01-02,workday,调休\n2027-10-01,holiday,国庆节\n"


def test_a_year_is_replaced_whole_and_survives_the_next_upgrade(app: Flask, tmp_path: Path) -> None:
    result = import_file(app, tmp_path / "h.csv", YEAR)
    assert (result["imported"], result["changed"], result["unchanged"]) == (0, 3, 0)
    assert import_file(app, tmp_path / "h.csv", YEAR)["unchanged"] == 3
    load_facts()
    within = sa.select(CalendarDay.day).where(CalendarDay.day >= date(2027, 1, 1), CalendarDay.day < date(2028, 1, 1))
    assert len(db.session.scalars(within).all()) == 3
    assert get_calendar().known_until == date(2027, 12, 31)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("day,kind,name\n2027-01-01,holiday,a\n2027-13-01,holiday,b\n", "Row 3: this is not a day"),
        ("day,kind,name\n2027-01-01,party,a\n", "Row 2: the kind"),
        ("day,kind,name\n2027-01-01,holiday,a\n2027-01-01,workday,a\n", "2027-01-01 is named twice"),
        ("day,kind,name\n2027-01-04,workday,a\n", "no weekend"),
        ("a,b\n1,2\n", "No row of headings"),
        ("", "empty"),
    ],
)
def test_a_broken_file_is_refused_whole(app: Flask, tmp_path: Path, text: str, words: str) -> None:
    before = db.session.execute(sa.select(CalendarDay.__table__)).all()
    result = import_file(app, tmp_path / "h.csv", text, exit_code=1)
    assert words in str(result["error"])
    assert db.session.execute(sa.select(CalendarDay.__table__)).all() == before


@time_machine.travel("2026-11-23T10:00:00+08:00", tick=False)
def test_open_permits_follow_a_new_calendar(app: Flask, tmp_path: Path) -> None:
    kind = make_permit_type(closes=1, closes_unit=WindowUnit.WORKING_DAY)
    moved, stays = (
        make_permit(valid_to=date(2027, 1, 4), kind=kind),
        make_permit(valid_to=date(2026, 12, 31), kind=kind),
    )
    assert (moved.last_apply_on, moved.last_apply_certain) == (date(2026, 12, 31), False)
    outbox.enqueue(key="a", template="permit_renewal", subject=f"permit:{moved.id}", contact_id=None, values={})
    outbox.enqueue(key="b", template="permit_renewal", subject=f"permit:{stays.id}", contact_id=None, values={})
    import_file(app, tmp_path / "h.csv", YEAR)
    assert (moved.last_apply_on, moved.last_apply_certain) == (date(2027, 1, 2), True)
    assert moved.next_reminder_on == date(2026, 12, 3)
    states = {row.key: row.state for row in db.session.execute(sa.select(Message.key, Message.state))}
    assert states == {"a": MessageState.VOID, "b": MessageState.QUEUED}
