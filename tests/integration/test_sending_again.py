"""What ended with a person goes out once more when a person says so, with a reason that is kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from notifiers.dispatch import dispatch
from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.messages.models import Attempt, Message, MessageState
from tests.factories.messages import make_contact, make_message

SignIn = Callable[..., FlaskClient]
REASON = {"reason": "电话打不通，本人要求再发"}


@pytest.mark.parametrize("state", [MessageState.PERSON, MessageState.FAILED, MessageState.REJECTED])
def test_it_is_sent_once_more_and_recorded(app: Flask, sign_in: SignIn, state: MessageState) -> None:
    message = make_message(contact=make_contact(), state=state, reason="unsettled", attempts_made=1, provider="sandbox")
    db.session.add(Attempt(message_id=message.id, provider="sandbox"))
    office = sign_in(Role.SUPERVISOR)
    address = f"/staff/messages/{message.id}/again"
    assert address in office.post(f"/staff/messages/{message.id}/open").text
    page = office.get(f"{address}?lang=en").text
    assert "would then get it twice" in page
    assert message.contact is not None
    assert message.contact.phone not in page
    assert office.post(address, data=REASON).status_code == 302
    last = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.action, last.subject) == ("message.sent_again", f"message:{message.id}")
    assert last.details["reason"] == REASON["reason"]
    assert office.post(address, data=REASON).status_code == 409
    db.session.rollback()
    assert dispatch()["accepted"] == 1
    assert dispatch()["accepted"] == 0
    assert db.session.scalar(sa.select(sa.func.count()).where(Attempt.message_id == message.id)) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": MessageState.DELIVERED}, "has gone on meanwhile"),
        ({"state": MessageState.UNKNOWN}, "has gone on meanwhile"),
        ({"expires_at": clock.now() - timedelta(hours=1)}, "too late"),
        ({"contact": None}, "no phone number"),
    ],
    ids=["delivered", "unknown", "expired", "nobody"],
)
def test_what_may_not_go_stays(sign_in: SignIn, changes: dict[str, Any], words: str) -> None:
    values: dict[str, Any] = {"contact": make_contact(), "state": MessageState.PERSON}
    message = make_message(**(values | changes))
    before = message.state
    answer = sign_in(Role.SUPERVISOR).post(f"/staff/messages/{message.id}/again?lang=en", data=REASON)
    assert (answer.status_code, words in answer.text) == (409, True)
    db.session.refresh(message)
    assert message.state is before


def test_who_wants_no_texts_gets_none(sign_in: SignIn) -> None:
    message = make_message(contact=make_contact(opted_out_at=clock.now()), state=MessageState.PERSON)
    answer = sign_in(Role.SUPERVISOR).post(f"/staff/messages/{message.id}/again?lang=en", data=REASON)
    assert (answer.status_code, "wants no text messages" in answer.text) == (409, True)


def test_a_reason_and_the_right_role_are_needed(sign_in: SignIn) -> None:
    message = make_message(contact=make_contact(), state=MessageState.PERSON)
    address = f"/staff/messages/{message.id}/again"
    answer = sign_in(Role.SUPERVISOR).post(f"{address}?lang=en", data={"reason": " "})
    assert (answer.status_code, "Say why" in answer.text) == (422, True)
    for role in (Role.CLERK, Role.REVIEWER):
        assert sign_in(role).post(address, data=REASON).status_code == 403
    db.session.refresh(message)
    assert message.state is MessageState.PERSON


def test_what_went_out_inside_it_goes_with_it(sign_in: SignIn) -> None:
    contact = make_contact()
    head = make_message(contact=contact, state=MessageState.FAILED)
    inside = make_message(contact=contact, state=MessageState.FAILED, carried_by_id=head.id)
    other = make_message(contact=contact, state=MessageState.FAILED)
    assert sign_in(Role.SUPERVISOR).post(f"/staff/messages/{head.id}/again", data=REASON).status_code == 302
    states = dict(db.session.execute(sa.select(Message.id, Message.state)).all())
    assert (states[head.id], states[inside.id]) == (MessageState.QUEUED, MessageState.QUEUED)
    assert states[other.id] is MessageState.FAILED
    db.session.refresh(inside)
    assert inside.carried_by_id is None
