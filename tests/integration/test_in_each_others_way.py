"""Two who write at once, an answer nobody expected, a provider that is no longer there: nothing is lost over it."""

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator

from notifiers.dispatch import dispatch
from notifiers.plan.due import plan_due
from notifiers.providers import ReceiptEvent, Status
from notifiers.providers.registry import get_provider
from notifiers.providers.sandbox import SandboxProvider
from notifiers.receipts import record_receipts
from notifiers.reconcile import reconcile
from portal import clock
from portal.calls.models import Call
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Attempt, Message, MessageState, Outcome, Reply
from portal.permits.models import Permit
from portal.revisits.models import Revisit, RevisitState
from portal.revisits.service import plan_revisit
from portal.settings import Settings, TwilioSettings
from tests.conftest import make_settings
from tests.factories.decisions import make_decision
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    twilio = TwilioSettings(account_sid="AC1", auth_token=TOKEN, sender="+15005550006")
    return make_settings(tmp_path, database_url, sms_providers=("sandbox", "twilio"), twilio=twilio)


def standing(message: Message) -> tuple[str, str]:
    db.session.expire_all()
    found = message.state.value, message.reason
    db.session.commit()
    return found


def make_reminder(state: MessageState, **values: Any) -> Message:
    contact = make_contact()
    permit = make_permit(valid_to=clock.today() + timedelta(days=60), contact_id=contact.id)
    defaults = {"template": "permit_renewal", "subject": f"permit:{permit.id}", "state": state, "provider": "sandbox"}
    return make_message(contact=contact, **(defaults | values))


def count_calls() -> int:
    found = db.session.scalar(sa.select(sa.func.count(Call.id))) or 0
    db.session.commit()
    return found


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_reply_that_loses_a_deadlock_is_acted_on_all_the_same(app: Flask, client: FlaskClient) -> None:
    asked = make_reminder(MessageState.DELIVERED)
    waiting = make_message(subject=asked.subject, contact=asked.contact, due_at=clock.now() + timedelta(days=1))
    permit_id, message_id = int(asked.subject.partition(":")[2]), waiting.id
    form = {"MessageSid": "SM9", "From": asked.contact.phone if asked.contact else "", "Body": "1", "NumMedia": "0"}
    db.session.commit()
    locked = threading.Event()

    def get_in_the_way() -> None:
        with app.app_context():
            db.session.execute(sa.text("SET LOCAL deadlock_timeout = '20s'"))
            db.session.execute(sa.select(Message.id).where(Message.id == message_id).with_for_update())
            locked.set()
            # By then the webhook has the permit and waits for its message.
            time.sleep(0.5)
            db.session.execute(sa.select(Permit.id).where(Permit.id == permit_id).with_for_update())
            db.session.commit()

    thread = threading.Thread(target=get_in_the_way)
    thread.start()
    assert locked.wait(10)
    path = "/hooks/sms/twilio/replies"
    signature = RequestValidator(TOKEN).compute_signature(f"http://portal.test{path}", form)
    answer = client.post(path, data=form, headers={"X-Twilio-Signature": signature})
    thread.join()
    assert answer.status_code == 200
    assert db.session.get_one(Permit, permit_id).renewal_reported_at is not None
    assert db.session.scalars(sa.select(Reply.handled_at)).one() is not None
    assert standing(waiting) == ("void", "renewal_reported")


def test_a_receipt_that_passed_its_message_unseen_is_found_within_a_minute(app: Flask) -> None:
    message = make_reminder(MessageState.SENDING)
    # A webhook that began before the dispatcher's commit sees no reference, and the dispatcher no receipt.
    record_receipts("sandbox", [ReceiptEvent("SB7", Status.DELIVERED, "", "e1")])
    message.state, message.provider_reference, message.accepted_at = MessageState.ACCEPTED, "SB7", clock.now()
    db.session.commit()
    reconcile()
    assert standing(message) == ("delivered", "")


def make_unknown(provider: str) -> Message:
    message = make_reminder(MessageState.UNKNOWN, provider=provider, ask_at=clock.now(), reason="timeout")
    db.session.add(Attempt(message_id=message.id, provider=provider, started_at=clock.now(), outcome=Outcome.UNKNOWN))
    return message


def test_an_answer_that_makes_no_sense_keeps_nobody_from_being_asked(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(_self: object, **_: Any) -> Any:
        raise ValueError("an answer nobody expected")

    monkeypatch.setattr(SandboxProvider, "look_up", stumble)
    monkeypatch.setattr(SandboxProvider, "ask", stumble)
    unknown = make_unknown("sandbox")
    mute = make_reminder(MessageState.ACCEPTED, provider_reference="S", accepted_at=clock.now(), ask_at=clock.now())
    db.session.commit()
    assert reconcile() == {"accepted": 0, "person": 0, "open": 1}
    with time_machine.travel(clock.now() + timedelta(days=4)):
        assert reconcile()["person"] == 2
    assert (standing(unknown), standing(mute)) == (("person", "unsettled"), ("person", "no_receipt"))
    assert count_calls() == 2


def test_a_provider_that_is_no_longer_set_up_keeps_nobody_from_being_asked(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str, settings: Settings) -> Any:
        if name == "tencent":
            raise ImportError("the extra is not installed")
        return get_provider(name, settings)

    monkeypatch.setattr("notifiers.silent.get_provider", find)
    gone, other = make_unknown("tencent"), make_unknown("sandbox")
    db.session.commit()
    assert reconcile()["open"] == 2
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        assert reconcile()["person"] == 2
    assert {standing(gone), standing(other)} == {("person", "unsettled")}


def test_what_is_known_by_our_name_alone_takes_its_providers_number_later(app: Flask) -> None:
    message = make_reminder(MessageState.ACCEPTED, provider="aliyun", provider_reference="own:1")
    event = ReceiptEvent("BIZ^1", Status.DELIVERED, "", "e1", own_reference=str(message.id))
    assert record_receipts("aliyun", [event]) == 1
    assert message.provider_reference == "BIZ^1"
    assert standing(message) == ("delivered", "")


def test_what_is_too_late_has_its_call_in_the_same_moment(app: Flask) -> None:
    past = clock.now() - timedelta(seconds=1)
    reminder = make_reminder(MessageState.QUEUED, expires_at=past)
    advice = make_message(subject="risk_batch:1", contact=make_contact(), expires_at=past)
    warning = make_message(subject="risk_batch:1", contact=make_contact(), expires_at=past, urgent=True)
    db.session.commit()
    dispatch()
    assert (standing(reminder), standing(warning)) == (("person", "expired"), ("person", "expired"))
    # Nobody makes a thousand calls about a season that has begun.
    assert standing(advice) == ("void", "expired")
    assert count_calls() == 2


def test_one_call_tells_of_all_that_a_pause_made_too_late(app: Flask) -> None:
    with time_machine.travel("2026-03-02T12:00:00+08:00"):
        permit = make_permit(valid_to=clock.today() + timedelta(days=60), contact_id=make_contact().id)
        assert plan_due(clock.today())["planned"] == 1
        later = clock.now() + timedelta(days=31)
    with time_machine.travel(later):
        plan_due(clock.today())
        reconcile()
    states = dict(db.session.execute(sa.select(Message.key, Message.state)).all())
    day = permit.last_apply_on.isoformat()
    assert states == {
        f"permit-renewal:{permit.id}:{day}:30": MessageState.PERSON,
        f"permit-renewal:{permit.id}:{day}:7": MessageState.VOID,
        f"permit-renewal:{permit.id}:{day}:3": MessageState.PERSON,
    }
    assert count_calls() == 1


@pytest.mark.parametrize(("outcome", "back"), [(Outcome.UNREACHABLE, 1), (Outcome.UNKNOWN, 0), (None, 0)])
def test_what_was_tried_in_vain_and_voided_comes_back(app: Flask, outcome: Outcome | None, back: int) -> None:
    message = make_reminder(MessageState.VOID, attempts_made=1, reason="changed")
    db.session.add(Attempt(message_id=message.id, provider="sandbox", outcome=outcome))
    row = {name: getattr(message, name) for name in ("key", "template", "subject", "contact_id", "values", "due_at")}
    assert outbox.enqueue_many([row]) == back
    assert standing(message)[0] == ("queued" if back else "void")


def test_who_stopped_texts_before_they_were_sent_hears_from_a_person(app: Flask) -> None:
    contact = make_contact(opted_out_at=clock.now())
    decision = make_decision()
    asked = plan_revisit(
        decision_id=decision.id,
        decided_on=clock.today(),
        contact_id=contact.id,
        opted_out=False,
        asked_on=clock.today(),
    )
    warning = make_message(subject="risk_batch:1", contact=contact, urgent=True, priority=8)
    advice = make_message(subject="risk_batch:1", contact=contact, priority=8)
    db.session.commit()
    assert asked is RevisitState.ASKED
    dispatch()
    assert standing(warning) == standing(advice) == ("suppressed", "opted_out")
    assert db.session.scalars(sa.select(Revisit.state)).one() is RevisitState.PERSON
    assert db.session.scalars(sa.select(Call.message_id)).all() == [warning.id]
