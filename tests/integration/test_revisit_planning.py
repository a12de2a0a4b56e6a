"""Who is asked, and when: seven days after a published decision that calls for it, once, by text or by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.compose import compose
from notifiers.plan.result import Planned
from notifiers.plan.revisits import plan_revisits
from portal import clock
from portal.db import db
from portal.decisions.models import DecisionState
from portal.messages.models import Message, MessageState
from portal.messages.rules import count_segments
from portal.parties.models import Party
from portal.revisits import rules
from portal.revisits.models import Revisit, RevisitState
from portal.settings import Settings
from tests.conftest import make_settings
from tests.factories.parties import make_party
from tests.factories.revisits import make_decided

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return make_settings(tmp_path, database_url, public_url="https://p.example")


def test_asked_seven_days_after_the_decision(app: Flask) -> None:
    decision = make_decided(decided_on=TODAY - timedelta(days=6))
    assert plan_revisits(TODAY) == Planned()
    assert plan_revisits(TODAY + timedelta(days=1)) == Planned(planned=1)
    revisit = db.session.scalars(sa.select(Revisit)).one()
    message = db.session.scalars(sa.select(Message)).one()
    assert (revisit.state, revisit.due_on) == (RevisitState.ASKED, TODAY + timedelta(days=1))
    assert revisit.token_expires_at == clock.start_of(TODAY + timedelta(days=31))
    assert (message.key, message.subject) == (f"revisit:{decision.id}", f"revisit:{revisit.id}")
    assert message.due_at == clock.start_of(TODAY + timedelta(days=1))


def test_planning_twice_asks_once(app: Flask) -> None:
    for _ in range(3):
        make_decided()
    assert [plan_revisits(TODAY) for _ in range(2)] == [Planned(planned=3), Planned()]
    assert db.session.scalar(sa.select(sa.func.count(Message.id))) == 3


@pytest.mark.parametrize("state", [state for state in DecisionState if state is not DecisionState.PUBLISHED])
def test_unpublished_decisions_are_left_alone(app: Flask, state: DecisionState) -> None:
    make_decided(state=state)
    make_decided(revisit_required=False)
    assert plan_revisits(TODAY) == Planned()


def test_who_has_no_phone_or_wants_no_texts_is_called_by_a_person(app: Flask) -> None:
    opted_out: Party = make_party()
    assert opted_out.contact is not None
    opted_out.contact.opted_out_at = NOW
    make_decided(party=make_party(phone=None))
    make_decided(party=opted_out)
    assert plan_revisits(TODAY) == Planned(suppressed=2)
    assert set(db.session.scalars(sa.select(Revisit.state))) == {RevisitState.PERSON}
    rows = db.session.execute(sa.select(Message.state, Message.reason).order_by(Message.reason)).all()
    assert [tuple(row) for row in rows] == [
        (MessageState.SUPPRESSED, "no_contact"),
        (MessageState.SUPPRESSED, "opted_out"),
    ]


def test_who_keeps_silent_until_the_link_ends_is_called_by_a_person(app: Flask, frozen: time_machine.Traveller) -> None:
    make_decided()
    plan_revisits(TODAY)
    for days, state in ((29, RevisitState.ASKED), (30, RevisitState.PERSON)):
        frozen.move_to(NOW + timedelta(days=days))
        plan_revisits(clock.today())
        db.session.expire_all()
        assert db.session.scalars(sa.select(Revisit.state)).one() is state


@dataclass(frozen=True)
class Written:
    """What is needed of a message to write its text."""

    id: int
    template: str
    subject: str
    values: dict[str, Any]
    locale: str
    carried: Sequence[str] = ()


@pytest.mark.parametrize("locale", ["zh_Hans", "en"])
def test_texts_fit_one_segment(app: Flask, locale: str) -> None:
    make_decided(decided_on=date(2026, 11, 12))
    plan_revisits(TODAY)
    message = db.session.scalars(sa.select(Message)).one()
    contents = {"revisit": message.values, "low_grade": {"call_by": "2026-12-24"}, "stopped": {}, "started": {}}
    for template, values in contents.items():
        text = compose(Written(message.id, template, message.subject, values, locale)).text
        assert count_segments(text) == 1, text
        assert text.startswith("【孟州执法】")
        assert ("p.example/r/" in text) == (template == "revisit")


def test_shares_are_rounded_down_so_that_100_means_all() -> None:
    assert [rules.percent(*pair) for pair in ((0, 0), (0, 3), (2, 3), (999, 1000), (3, 3))] == [0, 0, 66, 99, 100]
