"""The demo's phones show what the sandbox sent, and answer it; nobody outside the demo gets in without signing in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notifiers.collect import collect
from notifiers.dispatch import dispatch
from notifiers.providers import sandbox
from notifiers.reconcile import reconcile
from portal import clock
from portal.accounts.models import Role
from portal.contacts.models import Contact
from portal.db import db
from portal.demo import rules
from portal.messages.models import Message, MessageState, Reply
from portal.settings import Settings
from tests.conftest import make_app, make_settings
from tests.factories.messages import make_contact, make_message


@pytest.fixture
def settings(database_url: str, tmp_path: object) -> Settings:
    return make_settings(tmp_path, database_url, demo=True)  # type: ignore[arg-type]


def make_text(contact: Contact, text: str, *, minutes_ago: int = 0, **values: object) -> Message:
    at = clock.now() - timedelta(minutes=minutes_ago)
    defaults = {"state": MessageState.DELIVERED, "provider": "sandbox", "accepted_at": at, "segments": 1}
    return make_message(contact=contact, text=text, **(defaults | values))


def show(client: FlaskClient, query: str = "") -> BeautifulSoup:
    answer = client.get(f"/sandbox/phone?lang=en{query}")
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html.parser")


def answer_with(client: FlaskClient, page: BeautifulSoup, text: str, **changes: str) -> TestResponse:
    form = page.select_one("form[action='/hooks/sms/sandbox/replies']")
    assert isinstance(form, Tag)
    fields = {str(item["name"]): str(item["value"]) for item in form.select("input[type=hidden]")}
    return client.post(str(form["action"]), data=fields | {"text": text} | changes)


@contextmanager
def served(settings: Settings) -> Iterator[tuple[Flask, FlaskClient]]:
    """Serve the same database with other settings."""
    app = make_app(settings)
    with app.app_context():
        yield app, app.test_client()
        db.session.rollback()
        db.engine.dispose()


def test_no_messages_yet(client: FlaskClient) -> None:
    assert "No messages yet; run the reminder plan first." in show(client).text


def test_newest_phone_comes_first_and_shows_its_thread(client: FlaskClient) -> None:
    old, new = make_contact(phone="+8613800000001"), make_contact(phone="+8613800000002")
    make_text(old, "【虚构】较早", minutes_ago=60)
    make_text(new, "【虚构】第一条", minutes_ago=2)
    make_text(new, "【虚构】第二条", minutes_ago=1, segments=2)
    page = show(client)
    assert [link.text.split() for link in page.select(".views a")] == [
        ["138****0002", "2", "new"],
        ["138****0001", "1", "new"],
    ]
    assert [bubble.text.strip() for bubble in page.select(".bubble")] == ["【虚构】第一条", "【虚构】第二条"]
    note = page.select(".thread__note")[-1].text
    assert "Delivered" in note
    assert "2 segments" in note
    assert [bubble.text for bubble in show(client, f"&phone={old.id}").select(".bubble")] == ["【虚构】较早"]


def test_of_texts_sent_at_one_moment_the_one_a_reply_answers_stands_last(client: FlaskClient) -> None:
    contact, at = make_contact(), clock.now()
    for words in ("First of two", "Second of two"):
        make_text(contact, words, accepted_at=at)
    thread = [bubble.get_text() for bubble in show(client).select(".bubble")]
    assert [words in text for words, text in zip(("First", "Second"), thread, strict=True)] == [True, True]


def test_addresses_hold_no_number(client: FlaskClient) -> None:
    contact = make_contact(phone="+8613800000003")
    make_text(contact, "您好")
    page = show(client)
    addresses = [str(link["href"]) for link in page.select("a[href]")]
    assert any(f"phone={contact.id}" in address for address in addresses)
    assert not any("13800000003" in address for address in addresses)


def test_links_of_ours_open_and_others_are_text(client: FlaskClient) -> None:
    make_text(make_contact(), "看http://portal.test/r/ABCDEFGHJKLM，或 http://evil.test/r/X <b>1</b>")
    links = show(client).select(".bubble a")
    assert [(link.text, link["href"]) for link in links] == [("http://portal.test/r/ABCDEFGHJKLM", "/r/ABCDEFGHJKLM")]
    assert show(client).select(".bubble b") == []


def test_answer_is_stored_once_and_brings_back_to_the_phone(client: FlaskClient) -> None:
    contact = make_contact()
    make_text(contact, "您好", minutes_ago=1)
    page = show(client)
    back = answer_with(client, page, "退订")
    assert (back.status_code, back.location) == (303, f"/sandbox/phone?phone={contact.id}")
    assert answer_with(client, page, "退订").status_code == 303
    assert db.session.scalars(sa.select(Reply.text)).all() == ["退订"]
    assert contact.opted_out_at is not None
    shown = show(client, f"&phone={contact.id}")
    assert [bubble.text.removeprefix("Reply from the phone: ") for bubble in shown.select(".bubble")] == [
        "您好",
        "退订",
    ]
    assert "new" not in shown.select_one(".views a").text  # type: ignore[union-attr]


def test_forged_answers_are_refused(client: FlaskClient) -> None:
    mine, other = make_contact(), make_contact()
    make_text(mine, "您好")
    page = show(client)
    assert answer_with(client, page, "T", phone=other.phone).status_code == 403
    assert answer_with(client, page, "T", signature="x").status_code == 403
    assert answer_with(client, page, "T", reply_key="another").status_code == 403
    assert client.post("/hooks/sms/sandbox/replies", data={"phone": mine.phone, "text": "T"}).status_code == 403
    assert db.session.scalars(sa.select(Reply)).all() == []


@pytest.mark.parametrize("phone", ["999999", "x", "-1", "99999999999999999999"])
def test_unknown_phone_is_not_found(client: FlaskClient, phone: str) -> None:
    assert client.get(f"/sandbox/phone?phone={phone}").status_code == 404


def test_many_phones_are_paged(client: FlaskClient) -> None:
    for number in range(14):
        make_text(make_contact(), f"第{number}条", minutes_ago=number)
    assert len(show(client).select(".views a")) == 12
    assert len(show(client, "&page=2").select(".views a")) == 2


def test_without_the_sandbox_there_is_no_page(settings: Settings) -> None:
    with served(replace(settings, sms_providers=("twilio",))) as (_app, client):
        assert client.get("/sandbox/phone").status_code == 404


def test_outside_the_demo_only_staff_get_in(
    app: Flask, settings: Settings, sign_in: Callable[..., FlaskClient]
) -> None:
    with served(replace(settings, demo=False)) as (_app, client):
        assert client.get("/sandbox/phone").status_code == 302
    app.config["SETTINGS"] = replace(settings, demo=False)
    assert sign_in(Role.SUPERVISOR).get("/sandbox/phone").status_code == 200


def test_numbers_that_go_wrong_are_all_explained(client: FlaskClient) -> None:
    told = [row.text for row in show(client).select("details tbody th")]
    assert told == sorted({*sandbox.FAILURES, *sandbox.RECEIPTS, sandbox.SLOW, sandbox.SILENT})
    assert all(ending in str(sandbox.__doc__) for ending in told)


def test_the_demos_own_numbers_behave() -> None:
    behaving = {
        rules.phone(number)[-4:] for start in (0, 8000, 9000) for number in range(start, start + rules.FIRMS + 1)
    }
    assert not behaving & {*sandbox.FAILURES, *sandbox.RECEIPTS, sandbox.SLOW, sandbox.SILENT}


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        ("0001", MessageState.DELIVERED),
        ("0405", MessageState.ACCEPTED),
        ("0406", MessageState.FAILED),
        ("0407", MessageState.DELIVERED),
        ("0408", MessageState.DELIVERED),
        ("0409", MessageState.DELIVERED),
        ("0410", MessageState.DELIVERED),
    ],
)
def test_receipts_in_any_order_and_number_end_in_one_state(
    app: Flask, monkeypatch: pytest.MonkeyPatch, ending: str, state: MessageState
) -> None:
    monkeypatch.setattr(sandbox, "SLOW_SECONDS", 0)
    message = make_message(contact=make_contact(ending=ending))
    db.session.commit()
    assert dispatch()["accepted"] == 1
    collect()
    db.session.expire_all()
    assert message.state is state
    assert collect() == {"receipts": 0, "replies": 0}


def test_a_text_whose_answer_was_lost_is_on_the_phone_and_found(app: Flask, client: FlaskClient) -> None:
    message = make_message(contact=make_contact(ending="0999"))
    db.session.commit()
    assert dispatch()["unknown"] == 1
    assert len(show(client).select(".bubble")) == 1
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        assert reconcile()["accepted"] == 1
        collect()
    db.session.expire_all()
    assert message.state is MessageState.DELIVERED
