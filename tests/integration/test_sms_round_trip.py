"""From what is due to what a reader's answer changes: plan, dispatch, collect, reply, with the demo's provider."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.calls.models import Call
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.messages.queries import list_for_subject
from portal.revisits.models import Revisit, RevisitState
from portal.settings import Settings
from tests.conftest import make_settings
from tests.factories.parties import make_party
from tests.factories.permits import make_permit
from tests.factories.revisits import make_decided

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)  # A Friday, 10 in the morning.


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return make_settings(tmp_path, database_url, demo=True)


def notify(app: Flask, *words: str) -> dict[str, int]:
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["notify", *words, "--json"])
    assert result.exit_code == 0, result.output
    db.session.expire_all()
    return dict(json.loads(result.output))


def send_all(app: Flask) -> None:
    notify(app, "plan")
    notify(app, "dispatch")
    notify(app, "collect")


def reply(client: FlaskClient, contact_id: int, text: str) -> None:
    """Answer as a reader does on the demo's phone."""
    page = BeautifulSoup(client.get(f"/sandbox/phone?phone={contact_id}").text, "html.parser")
    form = page.select_one("form[action^='/hooks']")
    assert isinstance(form, Tag)
    fields = {str(item["name"]): str(item["value"]) for item in form.select("input[type=hidden]")}
    assert client.post(str(form["action"]), data=fields | {"text": text}).status_code == 303


def test_reminder_is_delivered_and_answered_with_call_me(app: Flask, client: FlaskClient) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=37))
    assert permit.contact_id is not None
    assert notify(app, "plan")["planned"] == 1
    assert notify(app, "plan")["planned"] == 0
    assert notify(app, "dispatch") == {"accepted": 1, "rejected": 0, "unknown": 0, "held": 0}
    assert notify(app, "collect") == {"receipts": 1, "replies": 0}
    assert notify(app, "collect") == {"receipts": 0, "replies": 0}
    message = list_for_subject(f"permit:{permit.id}")[0]
    assert (message.state, message.delivered_at) == (MessageState.DELIVERED, NOW)
    reply(client, permit.contact_id, "2")
    task = db.session.scalars(sa.select(Call)).one()
    assert (task.subject, task.due_on) == (f"permit:{permit.id}", date(2026, 11, 23))
    assert [item.text for item in list_for_subject(f"permit:{permit.id}")[0].replies] == ["2"]


def test_stop_is_confirmed_and_holds_for_the_next_reminder(
    app: Flask, client: FlaskClient, frozen: time_machine.Traveller
) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=37))
    assert permit.contact_id is not None
    send_all(app)
    reply(client, permit.contact_id, "退订")
    assert notify(app, "dispatch")["accepted"] == 1
    confirmation = db.session.scalars(sa.select(Message).where(Message.template == "stopped")).one()
    assert confirmation.state is MessageState.ACCEPTED
    frozen.shift(timedelta(days=4))
    assert notify(app, "plan") == {"planned": 0, "suppressed": 1, "void": 0}


def test_undelivered_reminder_ends_on_the_call_list(app: Flask) -> None:
    for ending in ("0404", "0406"):
        make_permit(valid_to=clock.today() + timedelta(days=37), party=make_party(phone=f"+861380000{ending}"))
    send_all(app)
    tasks = db.session.scalars(sa.select(Call)).all()
    assert len(tasks) == 2
    assert set(db.session.scalars(sa.select(Message.state))) == {MessageState.REJECTED, MessageState.FAILED}


def test_revisit_is_answered_by_text_and_a_bad_grade_is_acknowledged(app: Flask, client: FlaskClient) -> None:
    decision = make_decided()
    send_all(app)
    revisit = db.session.scalars(sa.select(Revisit)).one()
    assert (revisit.decision_id, revisit.state) == (decision.id, RevisitState.ASKED)
    assert revisit.contact_id is not None
    reply(client, revisit.contact_id, "1 态度差")
    assert (revisit.state, revisit.grade) == (RevisitState.ANSWERED, 1)
    assert revisit.follow_up is not None
    assert notify(app, "dispatch")["accepted"] == 1


def test_revisit_link_on_the_phone_opens_the_page(app: Flask, client: FlaskClient) -> None:
    make_decided()
    send_all(app)
    revisit = db.session.scalars(sa.select(Revisit)).one()
    page = BeautifulSoup(client.get(f"/sandbox/phone?phone={revisit.contact_id}").text, "html.parser")
    link = page.select_one(".bubble a")
    assert link is not None
    assert re.fullmatch(r"/r/[2-9A-HJ-NP-Z]{12}", str(link["href"]))
    assert client.get(str(link["href"])).status_code == 200
    assert client.post(str(link["href"]), data={"grade": "5"}).status_code == 200
    assert (revisit.grade, revisit.channel) == (5, "link")


def test_unreachable_revisit_goes_to_a_person(app: Flask) -> None:
    for ending in ("0404", "0406"):
        make_decided(party=make_party(phone=f"+861380000{ending}"))
    send_all(app)
    assert set(db.session.scalars(sa.select(Revisit.state))) == {RevisitState.PERSON}
