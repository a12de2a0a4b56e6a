"""The legal office watches the messages and deals with replies; every number or text that is opened is recorded."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from notifiers.providers import ReplyEvent
from notifiers.replies import record_replies
from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.db import db
from portal.messages import queries
from portal.messages.models import MessageState, Reply
from tests.factories.complaints import make_complaint
from tests.factories.messages import make_contact, make_message

SignIn = Callable[..., FlaskClient]
NUMBER, TEXT = "+8613800001234", "【虚构】只给本人看"


@pytest.fixture
def office(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.SUPERVISOR)


def trail() -> list[tuple[str, str]]:
    rows = db.session.execute(sa.select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id))
    return [(row.action, row.subject) for row in rows]


def keep_reply(text: str = "你们几点上班？") -> Reply:
    record_replies("twilio", [ReplyEvent(NUMBER, text, f"IN-{text}")])
    return db.session.scalars(sa.select(Reply).order_by(Reply.id.desc())).first()  # type: ignore[return-value]


def test_other_roles_have_no_way_in(sign_in: SignIn) -> None:
    message, reply = make_message(), keep_reply()
    for role in (Role.CLERK, Role.REVIEWER):
        client = sign_in(role)
        assert client.get("/staff/messages/").status_code == 403
        assert client.get("/staff/messages/replies").status_code == 403
        assert client.post(f"/staff/messages/{message.id}/open").status_code == 403
        assert client.post(f"/staff/messages/replies/{reply.id}/open").status_code == 403
        assert client.post(f"/staff/messages/replies/{reply.id}/handle").status_code == 403


def test_states_are_filters_and_numbers_stay_hidden(office: FlaskClient) -> None:
    contact = make_contact(phone=NUMBER)
    for state in (MessageState.DELIVERED, MessageState.DELIVERED, MessageState.UNKNOWN):
        make_message(contact=contact, state=state, text=TEXT, provider="sandbox", segments=1)
    make_message()
    answer = office.get("/staff/messages/?lang=en")
    assert count_listed(answer.text) == 4
    filtered = office.get("/staff/messages/?state=unknown")
    assert count_listed(filtered.text) == 1
    assert "They are never sent again by machine" in filtered.text
    assert count_listed(office.get("/staff/messages/?state=delivered").text) == 2
    assert count_listed(office.get("/staff/messages/?state=nonsense").text) == 4
    assert "138****1234" in answer.text
    assert NUMBER not in answer.text
    assert TEXT not in answer.text


def count_listed(html: str) -> int:
    return len(BeautifulSoup(html, "html.parser").select("tr[data-message]"))


def test_every_state_is_explained(office: FlaskClient) -> None:
    for state in MessageState:
        make_message(state=state)
    page = BeautifulSoup(office.get("/staff/messages/?lang=en").text, "html.parser")
    for link in page.select("tr[data-message] a"):
        assert page.select_one(str(link["href"])) is not None


def test_empty_lists_say_so(office: FlaskClient) -> None:
    assert "Nothing has been sent yet." in office.get("/staff/messages/?lang=en").text
    assert "No results for these filters" in office.get("/staff/messages/?state=failed").text
    assert "No reply waits for you." in office.get("/staff/messages/replies").text


def test_opening_a_message_shows_it_and_is_recorded(office: FlaskClient) -> None:
    message = make_message(contact=make_contact(phone=NUMBER), text=TEXT, state=MessageState.DELIVERED)
    page = office.post(f"/staff/messages/{message.id}/open").text
    assert NUMBER in page
    assert TEXT in page
    assert trail()[-1] == ("message.opened", f"message:{message.id}")
    assert office.get(f"/staff/messages/{message.id}/open").status_code == 405
    assert office.post("/staff/messages/999999/open").status_code == 404


def test_a_reply_is_opened_and_dealt_with(office: FlaskClient) -> None:
    reply = keep_reply()
    listed = office.get("/staff/messages/replies").text
    assert reply.text not in listed
    assert NUMBER not in listed
    opened = office.post(f"/staff/messages/replies/{reply.id}/open").text
    assert reply.text in opened
    assert NUMBER in opened
    path = f"/staff/messages/replies/{reply.id}/handle"
    refused = office.post(path, data={"note": " "})
    assert refused.status_code == 422
    assert reply.text in refused.text
    assert office.post(path, data={"note": "长" * 501}).status_code == 422
    assert office.post(path, data={"note": "已电话答复"}).status_code == 302
    assert reply.handled_at is not None
    assert (reply.note, reply.handled_by_id is not None) == ("已电话答复", True)
    assert trail()[-1] == ("reply.handled", f"reply:{reply.id}")
    assert "138****1234" not in office.get("/staff/messages/replies").text
    assert "138****1234" in office.get("/staff/messages/replies?view=handled").text


def test_two_people_at_once_keep_the_first_note(office: FlaskClient) -> None:
    reply = keep_reply()
    path = f"/staff/messages/replies/{reply.id}/handle"
    assert office.post(path, data={"note": "第一"}).status_code == 302
    assert office.post(path, data={"note": "第二"}).status_code == 422
    assert reply.note == "第一"


def test_what_a_sender_texts_back_is_kept_from_whom_the_case_names(sign_in: SignIn) -> None:
    named = sign_in(Role.SUPERVISOR)
    db.session.query(Staff).one().name = "赵虚构名"
    make_complaint(facts="赵虚构名打人", phone=NUMBER)
    # A receipt asks nothing, so what comes back to it answers no message.
    reply = keep_reply("我是王虚构，赵虚构名又来了")
    assert reply.message_id is None
    assert "138****1234" not in named.get("/staff/messages/replies").text
    assert named.post(f"/staff/messages/replies/{reply.id}/open").status_code == 404
    assert named.post(f"/staff/messages/replies/{reply.id}/handle", data={"note": "试"}).status_code == 404
    assert "138****1234" in sign_in(Role.SUPERVISOR).get("/staff/messages/replies").text
    assert queries.count_unread_replies() == 1
    assert [queries.count_unread_replies(staff) for staff in db.session.query(Staff).order_by(Staff.id)] == [0, 1]
