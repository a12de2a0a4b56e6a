"""What a provider took and never spoke of again is asked about, and after three days a person is."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers import silent
from notifiers.dispatch import dispatch
from notifiers.providers import ReceiptEvent, Status, Unreachable
from notifiers.providers.sandbox import SandboxProvider
from notifiers.receipts import record_receipts
from notifiers.reconcile import reconcile
from portal import clock
from portal.calls.models import Call
from portal.db import db
from portal.messages.models import Message, MessageState
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class Oracle:
    """Stands in for the sandbox's memory: notes when it is asked, and answers as told."""

    def __init__(self) -> None:
        self.answer: Status | Exception | None = None
        self.asked: list[datetime] = []

    async def ask(self, _provider: object, *, reference: str, **_: Any) -> list[ReceiptEvent]:
        self.asked.append(clock.now())
        if isinstance(self.answer, Exception):
            raise self.answer
        return [ReceiptEvent(reference, self.answer, "", f"{reference}:asked")] if self.answer else []


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Oracle:
    oracle = Oracle()
    monkeypatch.setattr(SandboxProvider, "ask", lambda provider, **asked: oracle.ask(provider, **asked))
    return oracle


@pytest.fixture(autouse=True)
def frozen() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-03T10:00:00+08:00", tick=False) as traveller:
        yield traveller


def accept(count: int = 1) -> list[Message]:
    """Return reminders that were accepted just now."""
    messages = []
    for _ in range(count):
        permit = make_permit(valid_to=clock.today() + timedelta(days=60))
        subject = {"subject": f"permit:{permit.id}", "template": "permit_renewal"}
        messages.append(make_message(contact=make_contact(), **subject))
    db.session.commit()
    assert dispatch()["accepted"] == count
    db.session.expire_all()
    return messages


def state_of(message: Message) -> tuple[str, str]:
    db.session.refresh(message)
    found = (message.state.value, message.reason)
    db.session.commit()
    return found


def calls() -> int:
    found = db.session.scalar(sa.select(sa.func.count(Call.id))) or 0
    db.session.commit()
    return found


def pass_hours(frozen: time_machine.Traveller, hours: int) -> None:
    """Let the schedule run every half an hour."""
    for _ in range(2 * hours):
        frozen.shift(HOUR / 2)
        reconcile()


def test_it_is_asked_less_and_less_then_a_person_is(app: Flask, oracle: Oracle, frozen: time_machine.Traveller) -> None:
    (message,) = accept()
    start = clock.now()
    pass_hours(frozen, 71)
    assert state_of(message) == ("accepted", "")
    assert calls() == 0
    pass_hours(frozen, 2)
    assert state_of(message) == ("person", "no_receipt")
    assert [(moment - start) / HOUR for moment in oracle.asked] == [1, 2, 4, 8, 16, 28, 40, 52, 64, 72]
    assert calls() == 1
    pass_hours(frozen, 2)
    assert len(oracle.asked) == 10
    record_receipts("sandbox", [ReceiptEvent(message.provider_reference or "", Status.DELIVERED, "", "late")])
    assert (state_of(message), calls()) == (("delivered", ""), 0)


@pytest.mark.parametrize(
    ("answer", "state", "called"), [(Status.DELIVERED, "delivered", 0), (Status.FAILED, "failed", 1)]
)
def test_an_answer_settles_it(
    app: Flask, oracle: Oracle, frozen: time_machine.Traveller, answer: Status, state: str, called: int
) -> None:
    (message,) = accept()
    oracle.answer = answer
    pass_hours(frozen, 3)
    assert state_of(message)[0] == state
    assert (len(oracle.asked), calls()) == (1, called)


def test_a_provider_that_cannot_be_asked_does_not_keep_it_from_a_person(
    app: Flask, oracle: Oracle, frozen: time_machine.Traveller
) -> None:
    (message,) = accept()
    oracle.answer = Unreachable("503")
    pass_hours(frozen, 72)
    assert state_of(message) == ("person", "no_receipt")


def test_an_answer_at_the_last_moment_comes_before_the_person(
    app: Flask, oracle: Oracle, frozen: time_machine.Traveller
) -> None:
    (message,) = accept()
    frozen.shift(72 * HOUR)
    oracle.answer = Status.DELIVERED
    assert reconcile()["person"] == 0
    assert (state_of(message)[0], calls()) == ("delivered", 0)


def test_a_run_asks_about_so_many_and_the_next_about_the_others(
    app: Flask, oracle: Oracle, frozen: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silent, "AT_MOST", 2)
    accept(5)
    frozen.shift(HOUR)
    asked = []
    for _ in range(4):
        reconcile()
        asked.append(len(oracle.asked))
        frozen.shift(SECOND)
    assert asked == [2, 4, 5, 5]


def test_what_has_its_receipt_is_not_asked_about(app: Flask, oracle: Oracle, frozen: time_machine.Traveller) -> None:
    (message,) = accept()
    record_receipts("sandbox", [ReceiptEvent(message.provider_reference or "", Status.DELIVERED, "", "e")])
    db.session.commit()
    pass_hours(frozen, 2)
    assert (oracle.asked, state_of(message)) == ([], (MessageState.DELIVERED, ""))
