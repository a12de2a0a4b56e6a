"""The queue as supervisors see it: by state and provider, with ages, holds and breakers; cheap at any size."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient

from notifiers.claims import list_waiting
from portal import clock
from portal.accounts.models import Role
from portal.calendar.rules import WorkingCalendar
from portal.db import db
from portal.messages import queries
from portal.messages.models import Dispatcher, Gate, MessageState
from portal.messages.rules import Hold, find_hold, stack
from portal.settings import Settings
from tests.conftest import make_app, make_settings
from tests.counting import counted_queries
from tests.factories.messages import make_contact, make_message

SignIn = Callable[..., FlaskClient]
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)  # Noon in the city, a Tuesday.
NIGHT = (time(20), time(8, 30))


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def rows_of(html: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the queue's table: how many and how old, by state and provider."""
    table = BeautifulSoup(html, "html.parser").select_one(".columns table.stack")
    assert table is not None, html
    found = {}
    for row in table.select("tbody tr"):
        state, provider, count, oldest = (" ".join(cell.text.split()) for cell in row.select("td"))
        found[state, provider] = (count, oldest)
    return found


def test_each_state_by_provider_with_its_oldest(sign_in: SignIn) -> None:
    minutes = timedelta(minutes=1)
    for age in (3, 90):
        make_message(due_at=NOON - age * minutes)
    make_message(due_at=NOON + minutes)
    for state, age, provider in (
        (MessageState.ACCEPTED, 2880, "twilio"),
        (MessageState.ACCEPTED, 5, "tencent"),
        (MessageState.UNKNOWN, 30, "twilio"),
        (MessageState.DELIVERED, 60, "twilio"),
        (MessageState.DELIVERED, 1500, "twilio"),
        (MessageState.FAILED, 1500, "twilio"),
    ):
        make_message(state=state, provider=provider, changed_at=NOON - age * minutes, due_at=NOON - age * minutes)
    page = sign_in(Role.SUPERVISOR).get("/staff/messages/?lang=en").text
    rows = rows_of(page)
    assert {key: value[0] for key, value in rows.items()} == {
        ("Due", "Not handed over yet"): "2",
        ("Handed to carrier", "twilio"): "1",
        ("Handed to carrier", "tencent"): "1",
        ("Unknown", "twilio"): "1",
        ("Delivered today", "twilio"): "1",
    }
    assert rows["Due", "Not handed over yet"][1].startswith("2 hours")
    assert rows["Handed to carrier", "twilio"][1].startswith("2 days")
    assert "2 due, 2 under way; today 1 delivered and 1 to look at." in page


def test_the_fragment_is_what_the_page_holds(sign_in: SignIn) -> None:
    make_message()
    office = sign_in(Role.SUPERVISOR)
    page, part = office.get("/staff/messages/?lang=en").text, office.get("/staff/messages/queue?lang=en").text
    assert "<html" not in part
    assert rows_of(page) == rows_of(f"<div>{part}</div>")
    live = BeautifulSoup(page, "html.parser").select_one("[data-live]")
    assert isinstance(live, Tag)
    assert live["data-live"] == "/staff/messages/queue"
    assert sign_in(Role.CLERK).get("/staff/messages/queue").status_code == 403


def test_what_holds_messages_back_is_said(sign_in: SignIn, settings: Settings) -> None:
    make_message(due_at=NOON - timedelta(minutes=5), state=MessageState.QUEUED)
    make_message(due_at=NOON + timedelta(hours=20), reason="daily_cap")
    open_until = NOON + timedelta(minutes=4)
    db.session.add(
        Gate(provider="sandbox", filled_at=NOON, failures=10, openings=1, open_until=open_until, reason="503")
    )
    office = sign_in(Role.SUPERVISOR)
    page = office.get("/staff/messages/?lang=en").text
    assert "1 message waits for another day" in page
    assert "Paused after failures" in page
    assert "2026-11-24 12:04" in page
    assert "503" in page
    assert "nothing sends them" in page
    db.session.add(Dispatcher(id="here", started_at=NOON, seen_at=NOON))
    assert "nothing sends them" not in office.get("/staff/messages/?lang=en").text


def test_quiet_hours_are_said_from_when_to_when(app: Flask) -> None:
    old = app.config["SETTINGS"]
    quiet = make_app(make_settings(old.data_dir, old.database_url, sms_quiet_hours=NIGHT, sms_rates={"sandbox": 12.5}))
    with quiet.app_context(), time_machine.travel(NOON + timedelta(hours=11), tick=False):
        staff = enter(quiet)
        page = staff.get("/staff/messages/?lang=en").text
        assert "all but urgent messages wait from 2026-11-24 20:00 until 2026-11-25 08:30" in page
        assert "at most 12.5" in page
        db.engine.dispose()


def enter(app: Flask) -> FlaskClient:
    from tests.factories.accounts import PASSWORD, make_staff

    staff = make_staff(role=Role.SUPERVISOR)
    client = app.test_client()
    assert client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD}).status_code == 302
    return client


CALENDAR = WorkingCalendar({date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True})


def hold_at(text: str, kind: str, hours: tuple[time, time] | None) -> Hold | None:
    return find_hold(datetime.fromisoformat(text), hours, kind, CALENDAR)


@pytest.mark.parametrize(
    ("at", "kind", "hours", "since", "until"),
    [
        ("2026-11-24 21:00", "none", NIGHT, "2026-11-24 20:00", "2026-11-25 08:30"),
        ("2026-11-25 08:29", "none", NIGHT, "2026-11-24 20:00", "2026-11-25 08:30"),
        ("2026-10-03 12:00", "holidays", NIGHT, "2026-09-30 20:00", "2026-10-08 08:30"),
        ("2026-10-03 12:00", "holidays", None, "2026-10-01 00:00", "2026-10-08 00:00"),
        ("2026-11-21 12:00", "non-working", NIGHT, "2026-11-20 20:00", "2026-11-23 08:30"),
        ("2026-10-11 12:00", "non-working", None, "2026-10-11 00:00", "2026-10-12 00:00"),
    ],
)
def test_holds_that_touch_are_one(at: str, kind: str, hours: tuple[time, time] | None, since: str, until: str) -> None:
    found = hold_at(at, kind, hours)
    assert found is not None
    assert (found.since, found.until) == (datetime.fromisoformat(since), datetime.fromisoformat(until))


@pytest.mark.parametrize(
    ("at", "kind", "hours"),
    [
        ("2026-11-24 12:00", "non-working", NIGHT),
        ("2026-10-10 12:00", "non-working", NIGHT),
        ("2026-11-21 12:00", "holidays", NIGHT),
        ("2026-10-03 12:00", "none", None),
    ],
)
def test_no_hold(at: str, kind: str, hours: tuple[time, time] | None) -> None:
    assert hold_at(at, kind, hours) is None


def test_stacked_bars_share_one_scale() -> None:
    bars = stack([{"a": 1, "b": 3}, {"a": 2}], ("a", "b"), 320)
    assert [(piece.part, piece.x, piece.width) for piece in bars[0]] == [("a", 0.0, 80.0), ("b", 80.0, 240.0)]
    assert [(piece.part, piece.x, piece.width) for piece in bars[1]] == [("a", 0.0, 160.0)]
    assert stack([{}], ("a",), 320) == [[]]


def test_the_unsettled_of_the_past_month_are_listed(sign_in: SignIn) -> None:
    contact = make_contact()
    for state in (*queries.UNSETTLED, MessageState.DELIVERED):
        make_message(contact=contact, state=state)
    make_message(state=MessageState.FAILED, changed_at=NOON - timedelta(days=31))
    office = sign_in(Role.SUPERVISOR)
    page = BeautifulSoup(office.get("/staff/messages/?state=unsettled").text, "html.parser")
    assert len(page.select("table.stack tr[data-message]")) == len(queries.UNSETTLED)
    assert contact.phone not in page.text


def test_where_counting_stops_the_oldest_is_still_found(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "STANDING_CAP", 2)
    for _number in range(3):
        make_message(priority=2, due_at=NOON - timedelta(minutes=1))
    make_message(priority=8, due_at=NOON - timedelta(hours=5))
    make_message(priority=9, due_at=NOON + timedelta(hours=5))
    count, oldest = rows_of(sign_in(Role.SUPERVISOR).get("/staff/messages/?lang=en").text)["Due", "Not handed over yet"]
    assert count == "at least 2"
    assert oldest.startswith("5 hours")


def test_counting_walks_indexes_alone(app: Flask) -> None:
    """Neither the queue, nor a monitor, nor a claim may look at history, or sort what waits to find the first of it."""
    for number in range(400):
        make_message(state=MessageState.DELIVERED, changed_at=NOON - timedelta(days=2, minutes=number))
    make_message()
    db.session.commit()
    connection = db.session.connection()
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        connection.exec_driver_sql("ANALYZE")
    seen: list[tuple[str, object]] = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    queries.count_standing(clock.now(), today_from=clock.start_of(clock.today()))
    queries.find_oldest_due(clock.now())
    queries.count_capped_today(clock.now())
    list_waiting(due_by=clock.now(), urgent_only=False, limit=500)
    sa.event.remove(db.engine, "before_cursor_execute", note)
    if not sqlite:
        connection.exec_driver_sql("SET enable_seqscan = off")
    assert len(seen) >= 9
    for statement, parameters in seen:
        words = f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}"
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(words, parameters))  # type: ignore[arg-type]
        assert "SCAN message'" not in plan, plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "ix_message_" in plan, plan


def test_the_page_asks_as_much_of_a_long_queue_as_of_a_short_one(sign_in: SignIn) -> None:
    office, counts = sign_in(Role.SUPERVISOR), []
    for _round in range(3):
        for _number in range(15):
            make_message(contact=make_contact())
        with counted_queries() as seen:
            assert office.get("/staff/messages/").status_code == 200
        counts.append(len(seen))
    # The first page also reads what is kept from then on.
    assert counts[0] >= counts[1] == counts[2]
