"""Receipts settle a message: in any order, any number of times, early or late, they end in one state."""

from datetime import date
from itertools import chain

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifiers import claims, runs
from notifiers.claims import Claim, Ending
from notifiers.people import hand_to_person
from notifiers.providers import ReceiptEvent, Status
from notifiers.receipts import MAY_BE_TAKEN, match_receipts, record_receipts
from portal import clock
from portal.calls.models import Call
from portal.db import db
from portal.messages.models import Message, MessageState, Outcome, Receipt
from portal.revisits.models import RevisitState
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit
from tests.factories.revisits import make_revisit

EVENTS = {
    "sent": ReceiptEvent("SM1", Status.ACCEPTED, "", "SM1:sent"),
    "failed": ReceiptEvent("SM1", Status.FAILED, "30003", "SM1:undelivered"),
    "delivered": ReceiptEvent("SM1", Status.DELIVERED, "", "SM1:delivered"),
}


def make_accepted(*, reference: str | None = "SM1", **values: object) -> Message:
    defaults = {"state": MessageState.ACCEPTED, "provider": "twilio", "provider_reference": reference}
    return make_message(contact=make_contact(), **(defaults | values))


def count_receipts() -> int:
    return db.session.scalar(sa.select(sa.func.count(Receipt.id))) or 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=8),
    known_after=st.integers(min_value=0, max_value=8),
)
def test_any_order_ends_in_one_state(app: Flask, names: list[str], known_after: int) -> None:
    message = make_accepted(reference=None, state=MessageState.SENDING)
    for position, name in enumerate(names):
        if position == known_after:
            accept(message)
        record_receipts("twilio", [EVENTS[name]])
    accept(message)
    match_receipts()
    db.session.refresh(message)
    final = "delivered" if "delivered" in names else "failed" if "failed" in names else "accepted"
    assert message.state == final
    assert (message.delivered_at is not None) == (final == "delivered")
    assert count_receipts() == len(set(names))
    db.session.rollback()


def accept(message: Message) -> None:
    """Do what the dispatcher does when the provider's answer arrives."""
    if message.provider_reference is None:
        message.provider_reference, message.state = "SM1", MessageState.ACCEPTED
        db.session.flush()


def test_the_same_receipt_counts_once(app: Flask) -> None:
    message = make_accepted()
    assert record_receipts("twilio", [EVENTS["delivered"]]) == 1
    assert record_receipts("twilio", [EVENTS["delivered"]] * 3) == 0
    db.session.refresh(message)
    assert (message.state, count_receipts()) == (MessageState.DELIVERED, 1)


def test_failure_keeps_the_carriers_code_until_it_is_delivered_after_all(app: Flask) -> None:
    message = make_accepted()
    for name, reason in (("failed", "30003"), ("sent", "30003"), ("delivered", "")):
        record_receipts("twilio", [EVENTS[name]])
        db.session.refresh(message)
        assert message.reason == reason


def test_unknown_reference_is_kept_and_matched_later(app: Flask) -> None:
    assert record_receipts("twilio", [EVENTS["delivered"]]) == 1
    receipt = db.session.scalars(sa.select(Receipt)).one()
    assert receipt.message_id is None
    assert match_receipts() == 0
    message = make_accepted()
    assert match_receipts() == 1
    db.session.expire_all()
    receipt = db.session.scalars(sa.select(Receipt)).one()
    assert (receipt.message_id, message.state) == (message.id, MessageState.DELIVERED)


def test_repeated_reference_means_the_newest_message(app: Flask) -> None:
    old, new = make_accepted(), make_accepted()
    record_receipts("twilio", [EVENTS["delivered"]])
    db.session.expire_all()
    assert (old.state, new.state) == (MessageState.ACCEPTED, MessageState.DELIVERED)


def test_another_provider_with_the_same_reference_is_another_message(app: Flask) -> None:
    message = make_accepted()
    record_receipts("sandbox", [EVENTS["delivered"]])
    db.session.refresh(message)
    assert message.state is MessageState.ACCEPTED


@pytest.mark.parametrize("state", [MessageState.REJECTED, MessageState.VOID, MessageState.SUPPRESSED])
def test_settled_states_stay(app: Flask, state: MessageState) -> None:
    message = make_accepted(state=state)
    record_receipts("twilio", [EVENTS["delivered"]])
    db.session.refresh(message)
    assert message.state is state


def test_undelivered_reminder_becomes_one_call(app: Flask) -> None:
    permit = make_permit(valid_to=date(2027, 6, 1))
    message = make_accepted(template="permit_renewal", subject=f"permit:{permit.id}")
    for event in chain([EVENTS["failed"]] * 2, [EVENTS["sent"]]):
        record_receipts("twilio", [event])
    task = db.session.scalars(sa.select(Call)).one()
    assert (task.subject, task.message_id, task.reason) == (f"permit:{permit.id}", message.id, "undelivered")


def test_failure_after_delivery_calls_nobody(app: Flask) -> None:
    permit = make_permit(valid_to=date(2027, 6, 1))
    make_accepted(template="permit_renewal", subject=f"permit:{permit.id}")
    record_receipts("twilio", [EVENTS["delivered"], EVENTS["failed"]])
    assert db.session.scalars(sa.select(Call)).all() == []


def test_delivery_after_failure_calls_nobody_any_more(app: Flask) -> None:
    permit = make_permit(valid_to=date(2027, 6, 30))
    make_accepted(subject=f"permit:{permit.id}", template="permit_renewal")
    record_receipts("twilio", [EVENTS["failed"], EVENTS["delivered"]])
    assert db.session.scalars(sa.select(Call)).all() == []


def test_undelivered_revisit_goes_to_a_person(app: Flask) -> None:
    revisit = make_revisit()
    message = db.session.scalars(sa.select(Message)).one()
    message.state, message.provider, message.provider_reference = MessageState.ACCEPTED, "twilio", "SM1"
    db.session.flush()
    record_receipts("twilio", [EVENTS["failed"]])
    db.session.refresh(revisit)
    assert revisit.state is RevisitState.PERSON


OWN = {"sent": Status.ACCEPTED, "failed": Status.FAILED, "delivered": Status.DELIVERED}


def own(message: Message, name: str, *, reference: str = "T1", own_reference: str | None = None) -> ReceiptEvent:
    """What Tencent and Aliyun tell: their own reference, and ours."""
    ours = str(message.id) if own_reference is None else own_reference
    return ReceiptEvent(reference, OWN[name], "", f"T:{name}", own_reference=ours)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(sorted(OWN)), min_size=1, max_size=6),
    outcome=st.sampled_from(["answered", "timed out", "cut off"]),
    heard_after=st.integers(min_value=0, max_value=6),
    carries=st.booleans(),
)
def test_receipts_by_our_own_name_end_in_one_state_whatever_the_sender_learnt(
    app: Flask, names: list[str], outcome: str, heard_after: int, carries: bool
) -> None:
    message = make_message(contact=make_contact())
    others = [make_message(contact=message.contact).id] if carries else []
    (attempt_id,) = claims.claim([Claim(message.id, "tencent", "【x】y", 1, tuple(others))], run_id="r")

    def hear() -> None:
        if outcome == "answered":
            ending = Ending(message.id, attempt_id, Outcome.ACCEPTED, MessageState.ACCEPTED, "T1", carries=carries)
        else:
            ending = Ending(message.id, attempt_id, Outcome.UNKNOWN, MessageState.UNKNOWN, carries=carries)
        if outcome == "cut off":
            runs.sweep(clock.now())
        else:
            claims.record([ending], run_id="r")

    for position, name in enumerate(names):
        if position == heard_after:
            hear()
        record_receipts("tencent", [own(message, name)])
    if heard_after >= len(names):
        hear()
    db.session.expire_all()
    final = "delivered" if "delivered" in names else "failed" if "failed" in names else "accepted"
    everyone = [message, *(db.session.get_one(Message, number) for number in others)]
    assert {item.state.value for item in everyone} == {final}
    assert (message.provider_reference, message.accepted_at is not None) == ("T1", True)
    assert (message.ask_at is None) == (final != "accepted")
    db.session.rollback()


@pytest.mark.parametrize("state", [item for item in MessageState if item not in MAY_BE_TAKEN])
def test_a_forged_name_raises_nothing_that_was_never_handed_over(app: Flask, state: MessageState) -> None:
    message = make_accepted(reference=None, provider="tencent", state=state)
    record_receipts("tencent", [own(message, "delivered")])
    db.session.refresh(message)
    assert (message.state, message.provider_reference) == (state, None)


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        ("aliyun", {}),
        ("tencent", {"own_reference": "x"}),
        ("tencent", {"own_reference": "9" * 40}),
        ("tencent", {"own_reference": "¹"}),
        ("tencent", {"reference": ""}),
    ],
)
def test_a_name_that_is_not_this_providers_raises_nothing(app: Flask, provider: str, changes: dict[str, str]) -> None:
    message = make_accepted(reference=None, provider="tencent", state=MessageState.UNKNOWN)
    assert record_receipts(provider, [own(message, "delivered", **changes)]) == 1
    db.session.refresh(message)
    assert message.state is MessageState.UNKNOWN


def test_our_name_does_not_replace_the_reference_a_provider_gave(app: Flask) -> None:
    message = make_accepted(reference="T0", provider="tencent")
    record_receipts("tencent", [own(message, "delivered")])
    db.session.refresh(message)
    assert (message.state, message.provider_reference) == (MessageState.ACCEPTED, "T0")


def test_a_late_receipt_still_raises_what_a_person_was_asked_about(app: Flask) -> None:
    permit = make_permit(valid_to=date(2027, 6, 30))
    message = make_accepted(subject=f"permit:{permit.id}", template="permit_renewal", state=MessageState.PERSON)
    hand_to_person(message)
    record_receipts("twilio", [EVENTS["sent"]])
    db.session.refresh(message)
    assert message.state is MessageState.PERSON
    assert len(db.session.scalars(sa.select(Call)).all()) == 1
    record_receipts("twilio", [EVENTS["delivered"]])
    db.session.refresh(message)
    assert (message.state, db.session.scalars(sa.select(Call)).all()) == (MessageState.DELIVERED, [])


@pytest.mark.parametrize(("name", "state"), [("sent", "queued"), ("failed", "queued"), ("delivered", "delivered")])
def test_what_waits_to_be_sent_again_is_only_kept_by_its_arrival(app: Flask, name: str, state: str) -> None:
    message = make_accepted(state=MessageState.QUEUED)
    record_receipts("twilio", [EVENTS[name]])
    db.session.refresh(message)
    assert message.state == state


@pytest.mark.parametrize("ours", [False, True])
def test_what_was_sent_again_hears_only_of_this_times_end(app: Flask, ours: bool) -> None:
    message = make_message(contact=make_contact())
    for reference in ("T0", "T1"):
        (attempt_id,) = claims.claim([Claim(message.id, "tencent", "【x】y", 1)], run_id="r")
        if reference == "T1":
            record_receipts("tencent", [own(message, "failed", reference="T0", own_reference=None if ours else "")])
        ending = Ending(message.id, attempt_id, Outcome.ACCEPTED, MessageState.ACCEPTED, reference)
        claims.record([ending], run_id="r")
    record_receipts("tencent", [own(message, "delivered")])
    db.session.expire_all()
    assert (message.state, message.provider_reference) == (MessageState.DELIVERED, "T1")
