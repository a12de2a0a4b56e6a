"""Bad lines, old pages, double clicks and odd characters: nothing typed is lost, and nothing is there twice."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from portal import clock
from portal.complaints.models import Complaint, ComplaintState
from portal.db import db
from portal.messages.models import Message
from tests.factories.complaints import Sender, code_of, hidden, make_complaint, picture

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
ODD = "\x00气死\u202e我了😡\u2066👨\u200d👩\u200d👧\x1b\u200b。\r\n第二行"
TIDY = "气死我了😡👨\u200d👩\u200d👧。\n第二行"


def open_case(client: FlaskClient, state: ComplaintState = ComplaintState.SUBMITTED) -> Complaint:
    """Return a case at a state that is open in the browser."""
    complaint = make_complaint(state=state, phone="+8613800138000")
    if state is ComplaintState.ANSWERED:
        complaint.answer, complaint.answered_at = "经查属实。", clock.now()
    db.session.commit()
    client.post("/complaints/track", data={"number": complaint.number, "code": code_of(complaint)})
    return complaint


def cut_off(client: FlaskClient, path: str, data: Mapping[str, Any], media_type: str = "multipart/form-data") -> int:
    """Send a form over a line that breaks after two thirds of it; return the status nobody will see."""
    built = EnvironBuilder(path=path, method="POST", data=data, content_type=media_type).get_environ()
    whole = built["wsgi.input"].read()
    half = BytesIO(whole[: len(whole) * 2 // 3])
    promised = {"CONTENT_LENGTH": str(len(whole))}
    answer = client.post(path, input_stream=half, content_type=built["CONTENT_TYPE"], environ_overrides=promised)
    return answer.status_code


def test_a_line_that_breaks_half_way_sends_nothing_and_can_be_repeated(client: FlaskClient) -> None:
    sender = Sender(client)
    page = sender.fill(files=[("a.jpg", picture())])
    last = hidden(page.text) | {"go": "next", "website": "", "filler": "x" * 3000}
    assert cut_off(client, "/complaints/new", last) == 400
    assert db.session.query(Complaint).count() == 0
    assert db.session.query(Message).count() == 0
    assert client.post("/complaints/new", data=last).status_code == 302
    assert len(db.session.query(Complaint).one().files) == 1


def test_a_line_that_breaks_while_adding_leaves_the_case_as_it_was(client: FlaskClient) -> None:
    complaint = open_case(client)
    data = {"text": "补充" * 500, "files": (BytesIO(picture(size=(400, 300))), "a.jpg")}
    assert cut_off(client, "/complaints/case/supplement", data) == 400
    db.session.refresh(complaint)
    assert [event.action for event in complaint.events] == ["submit"]
    assert complaint.files == []


def test_half_a_reason_is_no_reason(client: FlaskClient) -> None:
    complaint = open_case(client, ComplaintState.ANSWERED)
    data = {"reason": "理由" * 300}
    assert cut_off(client, "/complaints/case/reopen", data, "application/x-www-form-urlencoded") == 400
    db.session.refresh(complaint)
    assert complaint.state is ComplaintState.ANSWERED
    assert client.post("/complaints/case/reopen", data=data).status_code == 302


def test_an_hour_of_writing_is_not_too_long(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    with time_machine.travel(NOON, tick=False) as moving:
        sender = Sender(client)
        page = sender.fill()
        moving.shift(timedelta(minutes=65))
        assert client.post("/complaints/new", data=hidden(page.text) | {"go": "next"}).status_code == 302


def token_of(html: str) -> str:
    """Return the request forgery token of a page."""
    field = BeautifulSoup(html, "html.parser").select_one("input[name=csrf_token]")
    assert field is not None
    return str(field["value"])


def test_a_stale_token_on_the_case_page_shows_what_was_typed(app: Flask, client: FlaskClient) -> None:
    complaint = open_case(client, ComplaintState.ANSWERED)
    app.config["WTF_CSRF_ENABLED"] = True
    token = token_of(client.get("/complaints/case").text)
    typed = "这是我写了一个小时的理由，请不要丢掉它，我不想再写一遍了，真的很长，一共写了三十多个字。"
    for path, field in (("supplement", "text"), ("rate", "comment"), ("reopen", "reason")):
        answer = client.post(f"/complaints/case/{path}", data={"csrf_token": token[:-3] + "xyz", field: typed})
        assert answer.status_code == 400, path
        assert typed in answer.text, path
    db.session.refresh(complaint)
    assert [event.action for event in complaint.events] == ["submit"]
    assert client.post("/complaints/case/reopen", data={"csrf_token": token, "reason": typed}).status_code == 302


def test_pressed_twice_reopens_once(client: FlaskClient) -> None:
    complaint = open_case(client, ComplaintState.ANSWERED)
    first, second = (client.post("/complaints/case/reopen", data={"reason": "没有解决"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 409)
    db.session.refresh(complaint)
    assert [event.action for event in complaint.events].count("reopen") == 1
    texts = [row.template for row in db.session.query(Message)]
    assert texts.count("complaint_reopened") == 1


def test_odd_characters_are_tidied_wherever_a_sender_types(client: FlaskClient) -> None:
    complaint = open_case(client)
    client.post("/complaints/case/supplement", data={"text": ODD})
    answered = open_case(client, ComplaintState.ANSWERED)
    client.post("/complaints/case/rate", data={"grade": "2", "solved": "no", "comment": ODD})
    client.post("/complaints/case/reopen", data={"reason": ODD})
    db.session.refresh(complaint)
    db.session.refresh(answered)
    assert complaint.events[-1].text == TIDY
    assert answered.grade_comment == TIDY
    assert answered.events[-1].text == TIDY


def test_odd_characters_in_every_field_of_the_form(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill(
        {
            2: {"officer": ODD, "look": ODD},
            3: {"facts": ODD, "wants": ODD, "place": ODD},
            4: {"name": ODD, "address": ODD},
        }
    )
    sender.send()
    complaint = db.session.query(Complaint).one()
    line = TIDY.replace("\n", " ")
    assert (complaint.facts, complaint.wants) == (TIDY, TIDY)
    assert (complaint.place, complaint.officer) == (line, line)
    assert (complaint.sender_name, complaint.sender_address) == (line, line)
