"""What is due becomes rows in the outbox, once."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from notifiers.plan.due import plan_due
from notifiers.plan.permits import plan_permits
from portal import clock
from portal.contacts import service as contacts
from portal.contacts.models import Contact
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.permits import service as permits
from portal.permits.models import Permit, PermitType, WindowUnit
from tests.factories.messages import make_contact
from tests.factories.parties import make_party
from tests.factories.permits import make_permit, make_permit_type

TODAY = date(2026, 3, 2)
NOON = "2026-03-02T12:00:00+08:00"

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def frozen() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def due_permit(days_left: int = 7, **values: Any) -> Permit:
    """A permit whose last day to apply lies so many days ahead."""
    last_day = TODAY + timedelta(days=days_left)
    permit = make_permit(valid_to=last_day + timedelta(days=30), **values)
    permit.last_apply_on = last_day
    permit.next_reminder_on = permit.window_opens_on or last_day - timedelta(days=30)
    db.session.commit()
    return permit


def messages() -> list[Message]:
    return list(db.session.scalars(sa.select(Message).order_by(Message.id)))


def test_a_reminder_is_planned_on_its_day(app: Flask) -> None:
    permit = due_permit(7)
    assert plan_permits(TODAY).planned == 1
    (message,) = messages()
    assert message.key == f"permit-renewal:{permit.id}:2026-03-09:7"
    assert message.subject == f"permit:{permit.id}"
    assert message.template == "permit_renewal"
    assert message.state is MessageState.QUEUED
    assert message.due_at == clock.start_of(TODAY)
    assert message.expires_at == clock.start_of(date(2026, 3, 10))
    assert message.values == {"permit_id": permit.id, "last_day": "2026-03-09", "label": "7"}


def test_planning_twice_adds_nothing(app: Flask) -> None:
    permit = due_permit(7)
    assert plan_due(TODAY) == {"planned": 1, "suppressed": 0, "void": 0}
    assert plan_due(TODAY) == {"planned": 0, "suppressed": 0, "void": 0}
    # Not even when the register is told to look again.
    permit.next_reminder_on = TODAY
    db.session.commit()
    assert plan_due(TODAY) == {"planned": 0, "suppressed": 0, "void": 0}
    assert len(messages()) == 1


def test_the_next_day_to_look_moves_on_until_nothing_is_left(app: Flask) -> None:
    permit = due_permit(30)
    days = []
    for _ in range(4):
        plan_permits(permit.next_reminder_on or TODAY)
        db.session.expire_all()
        days.append(permit.next_reminder_on)
        if permit.next_reminder_on is None:
            break
    assert days == [date(2026, 3, 25), date(2026, 3, 29), None]
    assert [message.values["label"] for message in messages()] == ["30", "7", "3"]


def test_after_a_pause_only_the_latest_reminder_is_planned(app: Flask) -> None:
    due_permit(2)
    assert plan_permits(TODAY).planned == 1
    assert [message.values["label"] for message in messages()] == ["3"]


def test_an_older_unsent_reminder_makes_way_for_the_newer(app: Flask) -> None:
    due_permit(7)
    plan_permits(TODAY)
    later = plan_permits(TODAY + timedelta(days=4))
    assert (later.planned, later.void) == (1, 1)
    old, new = messages()
    assert (old.state, old.reason, new.state) == (MessageState.VOID, "superseded", MessageState.QUEUED)


def test_nothing_is_planned_once_the_last_day_is_over(app: Flask) -> None:
    permit = due_permit(-1)
    assert plan_permits(TODAY).planned == 0
    db.session.expire_all()
    assert permit.next_reminder_on is None


def test_the_opening_of_a_window_is_told(app: Flask) -> None:
    kind = make_permit_type(opens=90, opens_unit=WindowUnit.DAY, closes=30, offsets=(7, 3))
    permit = make_permit(valid_to=TODAY + timedelta(days=90), kind=kind)
    db.session.commit()
    assert plan_permits(TODAY).planned == 1
    assert messages()[0].values["label"] == "opens"
    assert permit.window_opens_on == TODAY


def test_nobody_to_send_to_is_kept_with_the_reason(app: Flask) -> None:
    due_permit(7, party=make_party(phone=None))
    stopped = make_party()
    contact = db.session.get(Contact, stopped.contact_id)
    assert contact is not None
    contacts.opt_out(contact)
    due_permit(7, party=stopped)
    result = plan_permits(TODAY)
    assert (result.planned, result.suppressed) == (0, 2)
    assert {(message.state, message.reason) for message in messages()} == {
        (MessageState.SUPPRESSED, "no_contact"),
        (MessageState.SUPPRESSED, "opted_out"),
    }
    assert plan_permits(TODAY).suppressed == 0


def test_what_a_closed_permit_was_to_hear_is_void(app: Flask) -> None:
    permit = due_permit(7)
    plan_permits(TODAY)
    permits.report_renewal(permit.id, None)
    db.session.commit()
    assert messages()[0].state is MessageState.VOID
    assert plan_permits(TODAY + timedelta(days=4)).planned == 0


def test_what_is_planned_for_a_day_to_come_is_due_at_once(app: Flask) -> None:
    due_permit(7)
    assert plan_permits(TODAY + timedelta(days=2)).planned == 1
    assert messages()[0].due_at == clock.now()


def test_what_was_voided_unsent_is_planned_again(app: Flask) -> None:
    permit = due_permit(7)
    plan_permits(TODAY)
    (message,) = messages()
    outbox.void(f"permit:{permit.id}", reason="changed")
    permit.next_reminder_on = TODAY
    permit.contact_id = make_contact().id
    db.session.commit()
    assert plan_permits(TODAY + timedelta(days=1)).planned == 1
    db.session.expire_all()
    assert (message.state, message.reason, message.contact_id) == (MessageState.QUEUED, "", permit.contact_id)
    assert message.due_at == clock.now()
    assert len(messages()) == 1


@pytest.mark.parametrize(
    ("state", "attempts"), [(MessageState.VOID, 1), (MessageState.ACCEPTED, 1), (MessageState.UNKNOWN, 1)]
)
def test_what_may_have_been_sent_never_comes_back(app: Flask, state: MessageState, attempts: int) -> None:
    permit = due_permit(7)
    plan_permits(TODAY)
    (message,) = messages()
    message.state, message.attempts_made = state, attempts
    permit.next_reminder_on = TODAY
    db.session.commit()
    assert plan_permits(TODAY).planned == 0
    db.session.expire_all()
    assert message.state is state


def test_planning_far_ahead_takes_no_reminder_away(app: Flask) -> None:
    due_permit(7)
    assert plan_permits(TODAY + timedelta(days=20)).planned == 0
    assert plan_permits(TODAY).planned == 1


def test_what_was_not_sent_in_time_becomes_void(app: Flask) -> None:
    due_permit(7)
    plan_permits(TODAY)
    with time_machine.travel("2026-03-10T00:00:00+08:00", tick=False):
        assert plan_due(clock.today()) == {"planned": 0, "suppressed": 0, "void": 1}
    assert messages()[0].reason == "expired"


def test_pages_cover_everything_due(app: Flask) -> None:
    kind, contact = make_permit_type(), make_contact()
    first = due_permit(7, kind=kind)
    columns = [column.name for column in Permit.__table__.columns if column.name != "id"]
    row = {name: getattr(first, name) for name in columns} | {"contact_id": contact.id}
    db.session.execute(sa.insert(Permit), [row | {"number": f"P{n}"} for n in range(2100)])
    db.session.commit()
    assert plan_permits(TODAY).planned == 2101
    assert db.session.scalar(sa.select(sa.func.count()).where(Permit.next_reminder_on <= TODAY)) == 0


@pytest.mark.parametrize(
    ("next_on", "expected"),
    [(None, TODAY + timedelta(days=13)), (TODAY + timedelta(days=17), TODAY + timedelta(days=13)), (TODAY, TODAY)],
    ids=["all were planned", "an earlier day is new", "one is not planned yet"],
)
def test_other_days_to_remind_count_for_permits_that_stand(app: Flask, next_on: date | None, expected: date) -> None:
    permits.load_facts()
    kind = db.session.scalars(sa.select(PermitType).order_by(PermitType.id)).first()
    assert kind is not None
    shipped, kind.reminder_offsets = kind.reminder_offsets, [7, 3]
    permit = due_permit(max(shipped) + 13, kind=kind)
    permit.window_opens_on, permit.next_reminder_on = None, next_on
    closed = due_permit(max(shipped) + 13, kind=kind)
    permits.revoke(closed.id)
    db.session.commit()
    permits.load_facts()
    assert (permit.next_reminder_on, closed.next_reminder_on) == (expected, None)
