"""A citizen files a complaint in five pages, and nothing typed on the way is lost."""

from datetime import UTC, datetime

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import limits
from portal.complaints.models import Complaint
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message
from tests.factories.complaints import PAGES, Sender, errors, hidden, make_complaint, pdf, picture
from tests.factories.organs import make_organ

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def value_of(html: str, selector: str) -> str:
    """Return what a field holds."""
    field = BeautifulSoup(html, "html.parser").select_one(selector)
    assert field is not None, selector
    return field.text if field.name == "textarea" else str(field.get("value", ""))


def test_whole_story_to_the_case_page(app: Flask, client: FlaskClient) -> None:
    organ = make_organ()
    make_organ(supervises=True)
    db.session.commit()
    sender = Sender(client)
    last = sender.fill({2: {"organ": str(organ.id)}}, files=[("照片.jpg", picture()), ("a.pdf", pdf())])
    assert last.status_code == 200, errors(last.text)
    for words in ("检查人员没有出示证件", "照片.jpg", "王虚构", organ.name):
        assert words in last.text
    number, code = sender.send()
    complaint = db.session.query(Complaint).one()
    assert complaint.number == number
    assert [file.media_type for file in complaint.files] == ["image/jpeg", "application/pdf"]
    message = db.session.query(Message).one()
    assert message.template == "complaint_received"
    assert message.contact_id == complaint.contact_id
    other = app.test_client()
    answer = other.post("/complaints/track", data={"number": number.lower(), "code": code.lower().replace("-", " ")})
    assert answer.status_code == 302
    assert number in other.get(answer.location).text
    assert "How we worked this out" in other.get("/complaints/case?lang=en").text


def test_number_day_and_clocks(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        sender = Sender(client)
        sender.fill()
        assert sender.send()[0] == "TS202611220001"
        again = Sender(client)
        again.fill({3: {"facts": "另一件"}})
        assert again.send()[0] == "TS202611220002"
    complaint = db.session.query(Complaint).order_by(Complaint.id).first()
    assert complaint is not None
    assert complaint.accept_due_on.isoformat() == "2026-11-27"
    assert complaint.answer_due_on.isoformat() == "2026-12-11"


def test_each_page_says_what_is_missing_and_keeps_the_rest(client: FlaskClient) -> None:
    sender = Sender(client)
    assert sender.turn({"kind": "conduct"}).status_code == 422
    assert value_of(sender.answer.text, "#kind-0[checked]") == "conduct"
    assert sender.turn(PAGES[0]).status_code == 200
    assert sender.turn({"officer": "张某"}).status_code == 422
    assert value_of(sender.answer.text, "#officer") == "张某"
    sender.turn(PAGES[1])
    assert sender.turn({"place": "会昌街道", "month": "13", "year": "2026", "day": "1"}).status_code == 422
    assert value_of(sender.answer.text, "#place") == "会昌街道"
    assert value_of(sender.answer.text, "#month") == "13"
    sender.turn(PAGES[2])
    assert sender.turn({"how": "named", "name": "", "phone": "0391-1234567"}).status_code == 422
    assert value_of(sender.answer.text, "#phone") == "0391-1234567"
    assert db.session.query(Complaint).count() == 0


def test_a_field_too_long_is_kept_and_named(client: FlaskClient) -> None:
    limits = {1: [], 2: [("officer", 100)], 3: [("facts", 2000), ("place", 200), ("wants", 500)], 4: [("name", 50)]}
    sender = Sender(client)
    for page, fields in limits.items():
        for name, limit in fields:
            long = "长" * (limit + 1)
            answer = sender.turn(PAGES[page - 1] | {name: long})
            assert answer.status_code == 422, name
            assert str(limit + 1) in errors(answer.text)
            assert value_of(answer.text, f"#{name}") == long
        assert sender.turn(PAGES[page - 1] | {name: "长" * limit for name, limit in fields}).status_code == 200
    assert sender.turn({}).status_code == 302


def test_a_million_characters_are_told_to_be_too_many_and_kept(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    long = "字" * 1_000_000
    answer = sender.turn({"facts": long})
    assert answer.status_code == 422
    assert "1000000" in errors(answer.text)
    assert value_of(answer.text, "#facts") == long
    # Nothing is lost on the way back and forth either, and a shorter text goes through.
    sender.turn({"facts": long}, go="back")
    assert value_of(sender.turn(PAGES[1]).text, "#facts") == long
    assert sender.turn({"facts": "简短"}).status_code == 200


def test_a_form_beyond_all_measure_is_refused_as_too_large(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    assert sender.turn({"facts": "x" * 17_000_000}).status_code == 413
    assert db.session.query(Complaint).count() == 0


def test_days_that_cannot_be(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        sender = Sender(client)
        sender.turn(PAGES[0])
        sender.turn(PAGES[1])
        for year, month, day in (("2026", "2", "30"), ("2026", "11", "23"), ("1", "1", "1"), ("２０２６", "x", "1")):
            answer = sender.turn({"facts": "x", "year": year, "month": month, "day": day})
            assert answer.status_code == 422
            assert value_of(answer.text, "#month") == month
        assert sender.turn({"facts": "x", "year": "２０２６", "month": "１１", "day": "22"}).status_code == 200


def test_emoji_and_control_characters(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill({3: {"facts": "\x00气死我了😡\r\n<script>alert(1)</script>\x1b", "place": "\u202e街道"}})
    assert "<script>alert" not in sender.answer.text
    sender.send()
    complaint = db.session.query(Complaint).one()
    assert complaint.facts == "气死我了😡\n<script>alert(1)</script>"
    assert complaint.place == "街道"


def test_language_switch_keeps_everything(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    answer = sender.turn({"facts": "半句话", "day": "5"}, go="stay", query="?lang=en", files=[("a.jpg", picture())])
    assert answer.status_code == 200
    assert 'lang="en"' in answer.text
    assert "errors" not in BeautifulSoup(answer.text, "html.parser").text
    assert value_of(answer.text, "#facts") == "半句话"
    assert value_of(answer.text, "#day") == "5"
    assert "a.jpg" in answer.text
    assert value_of(sender.turn({"facts": "半句话"}, go="stay", query="?mode=elder").text, "#facts") == "半句话"


def test_back_and_change_keep_everything(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1] | {"officer": "张某"})
    back = sender.turn({"facts": "写了一半"}, go="back")
    assert value_of(back.text, "#officer") == "张某"
    forward = sender.turn(PAGES[1] | {"officer": "李某"})
    assert value_of(forward.text, "#facts") == "写了一半"
    sender.turn(PAGES[2])
    sender.turn(PAGES[3])
    sender.turn({}, go="2")
    assert value_of(sender.answer.text, "#officer") == "李某"
    # From the last page a change leads straight back there.
    assert "王虚构" in sender.turn(PAGES[1]).text


def test_sending_twice_makes_one_case(client: FlaskClient) -> None:
    sender = Sender(client)
    page = sender.fill()
    data = hidden(page.text) | {"go": "next"}
    assert client.post("/complaints/new", data=data).status_code == 302
    assert client.post("/complaints/new", data=data).status_code == 302
    assert db.session.query(Complaint).count() == 1
    assert db.session.query(Message).count() == 1
    assert db.session.query(Complaint).one().number in client.get("/complaints/receipt").text


def test_anonymous_leaves_no_trace_and_gets_no_text(client: FlaskClient) -> None:
    sender = Sender(client)
    page = sender.fill({4: {"how": "anonymous"}})
    assert "王虚构" not in page.text
    sender.send()
    complaint = db.session.query(Complaint).one()
    assert (complaint.anonymous, complaint.sender_name, complaint.contact_id, complaint.sms_wanted) == (
        True,
        "",
        None,
        False,
    )
    assert db.session.query(Contact).count() == 0
    assert db.session.query(Message).count() == 0


def test_phone_without_texts_gets_none(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill({4: {"sms_wanted": ""}})
    sender.send()
    assert db.session.query(Contact).one().phone == "+8613800138000"
    assert db.session.query(Message).count() == 0


def test_language_of_a_known_contact_stays(client: FlaskClient) -> None:
    make_complaint(phone="+8613800138000", locale="zh_Hans")
    db.session.commit()
    sender = Sender(client)
    client.get("/complaints/new?lang=en")
    sender.fill()
    sender.send()
    assert db.session.query(Contact).one().locale == "zh_Hans"
    assert {row.locale for row in db.session.query(Complaint)} == {"zh_Hans", "en"}


def test_a_day_old_form_is_asked_to_be_checked_not_lost(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as moving:
        sender = Sender(client)
        sender.fill()
        moving.shift(25 * 3600)
        answer = sender.turn({})
        assert answer.status_code == 422
        assert "检查人员没有出示证件" in answer.text
        assert sender.turn({}).status_code == 302


def test_tampered_answers_are_not_believed(client: FlaskClient) -> None:
    sender = Sender(client)
    page = sender.fill()
    data = hidden(page.text)
    answer = client.post("/complaints/new", data=data | {"draft": data["draft"][:-2] + "xx", "go": "next"})
    assert answer.status_code == 422
    kept = client.post("/complaints/new", data={"draft": "nonsense", "page": "3", "facts": "还在这里"})
    assert kept.status_code == 422
    assert value_of(kept.text, "#facts") == "还在这里"
    assert db.session.query(Complaint).count() == 0


def test_a_stale_request_token_keeps_what_was_typed(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    sender = Sender(client)
    page = sender.fill()
    data = hidden(page.text)
    answer = client.post("/complaints/new", data=data | {"csrf_token": "stale", "go": "next"})
    assert answer.status_code == 422
    assert "检查人员没有出示证件" in answer.text
    assert client.post("/complaints/new", data=hidden(answer.text) | {"go": "next"}).status_code == 302


def test_a_machine_that_fills_in_everything_is_stopped(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill()
    assert sender.turn({"website": "http://spam.example"}).status_code == 422
    assert db.session.query(Complaint).count() == 0


def test_too_many_complaints_are_told_when(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["RATELIMIT_ENABLED"] = True
    few = limits.Limit(((2, limits.DAY),), shared=True)
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS | {"complaint": few})
    for number in range(2):
        sender = Sender(client)
        sender.fill({3: {"facts": f"第{number}件"}})
        assert sender.turn({}).status_code == 302
    sender = Sender(client)
    sender.fill({3: {"facts": "第三件"}})
    answer = sender.turn({})
    assert answer.status_code == 429
    assert "0391-0000000" in errors(answer.text)
    assert "第三件" in answer.text
    assert db.session.query(Complaint).count() == 2


def test_nonsense_in_the_address_of_the_form(client: FlaskClient) -> None:
    for data in ({"page": "99"}, {"page": "-1", "go": "7"}, {"page": "²"}, {"go": "back"}, {}):
        assert client.post("/complaints/new", data=data).status_code in (200, 422)
    assert client.get("/complaints/new?organ=99999999999").status_code == 200


def test_never_asks_for_an_identity_card(client: FlaskClient) -> None:
    sender = Sender(client)
    pages = [sender.answer.text]
    for typed in PAGES[:4]:
        pages.append(sender.turn(typed).text)
    names = {str(field["name"]) for page in pages for field in BeautifulSoup(page, "html.parser").select("form [name]")}
    assert not {name for name in names if "id_" in name or "card" in name}


def test_published_answers_are_one_step_away(client: FlaskClient) -> None:
    page = client.get("/complaints/new").text
    assert 'href="/answers"' in page or 'href="/answers/"' in page
