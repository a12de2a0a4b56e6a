"""The balance of a period: what was due stands in exactly one part, and the parts add up."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifiers.account import ENDS, OPEN, take_account
from notifiers.dispatch import dispatch
from portal import clock
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.messages.service import send_again
from tests.conftest import make_app, make_settings
from tests.factories.accounts import make_staff
from tests.factories.messages import make_contact, make_message

FIRST = date(2026, 3, 2)
DAYS = 5
SECOND = timedelta(seconds=1)
PART = {state.value: state.value for state in MessageState} | {"failed": "person", "rejected": "person"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    population=st.lists(
        st.tuples(st.sampled_from(list(MessageState)), st.booleans(), st.integers(-1, DAYS), st.booleans()), max_size=40
    ),
    split=st.integers(0, DAYS - 2),
)
def test_any_population_adds_up(app: Flask, population: list[tuple[MessageState, bool, int, bool]], split: int) -> None:
    expected: Counter[str] = Counter()
    for state, replied, offset, late in population:
        day = FIRST + timedelta(days=offset)
        # The first and the last moment of a day belong to it.
        due_at = clock.start_of(day + timedelta(days=1)) - SECOND if late else clock.start_of(day)
        make_message(state=state, due_at=due_at, replied_at=clock.now() if replied else None)
        if 0 <= offset < DAYS:
            expected["replied" if replied else PART[state.value]] += 1
    account = take_account(FIRST, FIRST + timedelta(days=DAYS - 1))
    assert (account.pop("from"), account.pop("to")) == ("2026-03-02", "2026-03-06")
    assert account.pop("due") == sum(account.values()) == expected.total()
    assert list(account) == [*ENDS, *OPEN]
    assert Counter(account) == expected
    middle = FIRST + timedelta(days=split)
    parts = [take_account(FIRST, middle), take_account(middle + timedelta(days=1), FIRST + timedelta(days=DAYS - 1))]
    assert sum(part["due"] for part in parts) == expected.total()
    db.session.execute(sa.delete(Message))
    db.session.commit()


@pytest.mark.parametrize("why", ["cap", "provider_down", "again"])
def test_the_balance_of_a_day_stays_when_its_messages_have_to_wait(app: Flask, why: str) -> None:
    given = app.config["SETTINGS"]
    capped = make_app(make_settings(Path(given.data_dir), given.database_url, sms_daily_cap=1))
    ending = "0503" if why == "provider_down" else "0404" if why == "again" else ""
    with time_machine.travel("2026-03-02T23:59:58+08:00", tick=False) as clock_now:
        contact = make_contact(ending=ending)
        for _ in range(3):
            make_message(contact=contact, priority=2 if why == "provider_down" else 5)
        db.session.commit()
        with capped.app_context():
            dispatch()
        clock_now.shift(timedelta(hours=12))
        if why == "again":
            for message in db.session.scalars(sa.select(Message).where(Message.state == MessageState.REJECTED)).all():
                send_again(message_id=message.id, reason="x", staff_id=make_staff().id)
            db.session.commit()
        tomorrow = clock.start_of(FIRST + timedelta(days=1))
        assert db.session.scalars(sa.select(Message).where(Message.due_at >= tomorrow)).all()
        assert take_account(FIRST, FIRST)["due"] == 3
        assert take_account(FIRST + timedelta(days=1), FIRST + timedelta(days=3))["due"] == 0
