"""The call list: who is on it, who sees whom, how a talk is recorded; whom no text reached ends there."""

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from notifiers.people import hand_to_person
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.calls import queries, service
from portal.calls.models import Call
from portal.calls.rules import call_key, is_private, split_subject
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.permits.service import ask_for_call
from portal.revisits.models import RevisitState
from portal.risk_periods.models import RiskBatch, RiskPeriod
from tests.counting import counted_queries
from tests.factories.complaints import make_complaint
from tests.factories.messages import make_message
from tests.factories.organs import make_organ
from tests.factories.parties import make_party
from tests.factories.permits import make_permit
from tests.factories.revisits import make_revisit

SignIn = Callable[..., FlaskClient]
# A Friday; the next working day is a Monday.
FRIDAY = time_machine.travel("2026-11-20T02:00:00Z", tick=False)


@pytest.fixture(autouse=True)
def friday() -> object:
    with FRIDAY:
        yield


def make_batch(organ_id: int | None) -> RiskBatch:
    period = RiskPeriod(code=f"flood-{organ_id}", name="虚构汛期", organ_id=organ_id)
    batch = RiskBatch(period=period, starts_on=date(2027, 6, 1), ends_on=date(2027, 9, 30), send_on=date(2027, 5, 25))
    db.session.add(batch)
    db.session.flush()
    return batch


def test_subjects_and_keys_read_aloud() -> None:
    assert split_subject("permit:12") == ("permit", 12)
    assert split_subject("odd") == ("odd", 0)
    assert call_key("permit:12", "asked", None) == "permit:asked:12:"
    assert call_key("risk_batch:3", "undelivered", 99) == "risk_batch:undelivered:3:99"
    assert is_private("complaint:7")
    assert not is_private("permit:7")


def test_a_talk_is_recorded_once(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2026, 12, 31), contact_name="虚构张三")
    assert ask_for_call(permit.id, None, "asked")
    assert not ask_for_call(permit.id, None, "asked")
    call = db.session.scalars(sa.select(Call)).one()
    assert call.due_on == date(2026, 11, 23)
    client = sign_in(Role.CLERK, organ_id=permit.organ_id)
    page = client.get("/staff/calls/?lang=en").text
    assert permit.contact is not None
    for words in ("Asked for a call", permit.party.name, permit.contact.phone.removeprefix("+86"), "虚构张三"):
        assert words in page
    assert "Neither a text message nor a call replaces" in page
    assert f'href="/staff/permits/{permit.id}"' in page
    refused = client.post(f"/staff/calls/{call.id}?lang=en", data={"result": " "})
    assert (refused.status_code, "Write what came of the call" in refused.text) == (422, True)
    assert client.post(f"/staff/calls/{call.id}", data={"result": "会去办理"}).headers["Location"] == "/staff/calls/"
    again = client.post(f"/staff/calls/{call.id}?lang=en", data={"result": "又打"})
    assert (again.status_code, "Somebody else has made this call" in again.text) == (409, True)
    assert (call.result, call.done_by_id is not None) == ("会去办理", True)
    last = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.action, last.subject) == ("call.made", f"permit:{permit.id}")
    assert "会去办理" in client.get("/staff/calls/?view=done").text
    assert "Nobody waits" in client.get("/staff/calls/?lang=en").text


def test_a_late_call_says_so(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2027, 6, 1))
    ask_for_call(permit.id, None, "asked")
    db.session.commit()
    with time_machine.travel("2026-11-24T02:00:00Z", tick=False):
        assert "Late" in sign_in(Role.SUPERVISOR).get("/staff/calls/?lang=en").text


def test_an_organ_sees_its_own_calls_alone(sign_in: SignIn) -> None:
    mine, other = make_permit(valid_to=date(2026, 12, 31)), make_permit(valid_to=date(2026, 12, 31))
    for permit in (mine, other):
        ask_for_call(permit.id, None, "asked")
    service.ask_for_call(subject="risk_batch:1", reason="undelivered", party_id=make_party(name="虚构全市店").id)
    client = sign_in(Role.CLERK, organ_id=mine.organ_id)
    page = client.get("/staff/calls/").text
    assert mine.party.name in page
    assert other.party.name not in page
    assert "虚构全市店" not in page
    foreign = db.session.scalars(sa.select(Call.id).where(Call.organ_id != mine.organ_id)).one()
    assert client.post(f"/staff/calls/{foreign}", data={"result": "x"}).status_code == 404
    office = sign_in(Role.SUPERVISOR).get("/staff/calls/").text
    assert {mine.party.name in office, other.party.name in office, "虚构全市店" in office} == {True}
    assert sign_in(Role.REVIEWER, organ_id=mine.organ_id).get("/staff/calls/").status_code == 403


def test_a_complaint_stands_there_without_its_sender(sign_in: SignIn) -> None:
    organ = make_organ()
    complaint = make_complaint(organ_id=organ.id, phone="13800138000")
    message = db.session.scalars(sa.select(Message).where(Message.subject == f"complaint:{complaint.id}")).one()
    hand_to_person(message)
    service.ask_for_call(subject="complaint:77", reason="asked", organ_id=organ.id, contact_id=complaint.contact_id)
    calls = db.session.scalars(sa.select(Call)).all()
    assert {(call.party_id, call.organ_id, call.contact_id) for call in calls} == {(None, None, None)}
    page = sign_in(Role.SUPERVISOR).get("/staff/calls/").text
    assert f'href="/staff/complaints/{complaint.id}"' in page
    assert "13800138000" not in page
    assert "王虚构" not in page
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    assert "/staff/complaints/" not in main_of(clerk.get("/staff/calls/").text)
    # Even a row that named an organ would not be shown to it.
    calls[0].organ_id = organ.id
    assert queries.count_open_calls(organ.id) == 0
    assert clerk.post(f"/staff/calls/{calls[0].id}", data={"result": "x"}).status_code == 404


def main_of(html: str) -> str:
    return str(BeautifulSoup(html, "html.parser").select_one("main"))


def test_everything_that_no_text_reached_ends_with_a_person(app: Flask) -> None:
    permit = make_permit(valid_to=date(2027, 6, 1))
    revisit = make_revisit()
    organ = make_organ()
    batch, party = make_batch(organ.id), make_party()
    messages = {
        "permit": make_message(subject=f"permit:{permit.id}", template="permit_renewal"),
        "risk_batch": make_message(subject=f"risk_batch:{batch.id}", template="risk_period", contact=party.contact),
        "complaint": make_message(subject="complaint:5", template="complaint_answered"),
        "revisit": make_message(subject=f"revisit:{revisit.id}", template="revisit"),
        "contact": make_message(subject="contact:1", template="stopped"),
        "grade": make_message(subject=f"revisit:{revisit.id}", template="low_grade"),
    }
    for message in [*messages.values(), *messages.values()]:
        hand_to_person(message)
    calls = {call.subject.partition(":")[0]: call for call in db.session.scalars(sa.select(Call))}
    assert set(calls) == {"permit", "risk_batch", "complaint"}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Call)) == 3
    assert all(calls[kind].message_id == messages[kind].id for kind in calls)
    found = calls["risk_batch"]
    assert (found.party_id, found.organ_id, found.contact_id) == (party.id, organ.id, party.contact_id)
    assert (calls["permit"].party_id, calls["permit"].contact_id) == (permit.party_id, permit.contact_id)
    db.session.refresh(revisit)
    assert revisit.state is RevisitState.PERSON


def test_a_text_that_arrives_after_all_needs_no_call(app: Flask) -> None:
    permit = make_permit(valid_to=date(2027, 6, 1))
    late, lost = (make_message(state=MessageState.FAILED, subject=f"permit:{permit.id}") for _ in range(2))
    for message in (late, lost):
        hand_to_person(message)
    service.drop_call(message_id=late.id, reason=service.UNDELIVERED)
    assert db.session.scalars(sa.select(Call.message_id)).all() == [lost.id]


def test_a_long_list_costs_as_many_queries_as_a_short_one(sign_in: SignIn) -> None:
    organ, client = make_organ(), None
    counts = []
    for _round in range(2):
        for _number in range(8):
            ask_for_call(make_permit(valid_to=date(2027, 6, 1), organ=organ).id, None, "asked")
        client = client or sign_in(Role.CLERK, organ_id=organ.id)
        with counted_queries() as seen:
            assert client.get("/staff/calls/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8
