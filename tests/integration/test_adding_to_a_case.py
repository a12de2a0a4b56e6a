"""What a sender adds later: words and files, judged like the first ones, kept when something else is wrong."""

from io import BytesIO
from typing import Any

from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from portal import uploads
from portal.complaint_tracking import rules
from portal.complaints.models import Complaint, ComplaintFile
from portal.complaints.service import add_event, new_file
from portal.db import db
from tests.factories.complaints import code_of, errors, make_complaint, picture
from tests.factories.files import pdf


def open_case(client: FlaskClient) -> Complaint:
    """Return a case that is open in the browser."""
    complaint = make_complaint()
    db.session.commit()
    client.post("/complaints/track", data={"number": complaint.number, "code": code_of(complaint)})
    return complaint


def add(client: FlaskClient, text: str, *files: tuple[str, bytes], draft: str = "", **more: str) -> Any:
    """Send an addition as a browser does."""
    data: dict[str, Any] = {"text": text, "draft": draft, **more}
    data["files"] = [(BytesIO(content), name) for name, content in files]
    return client.post("/complaints/case/supplement", data=data, content_type="multipart/form-data")


def draft_of(html: str) -> str:
    """Return the signed field of a case page."""
    field = BeautifulSoup(html, "html.parser").select_one("input[name=draft]")
    assert field is not None
    return str(field["value"])


def links(html: str) -> dict[str, str]:
    """Return the files that a case page offers: name and address."""
    found = BeautifulSoup(html, "html.parser").select('a[href*="/complaints/case/files/"]')
    return {link.text: str(link["href"]) for link in found}


def test_words_and_files_are_added_and_can_be_had_again(client: FlaskClient) -> None:
    complaint = open_case(client)
    assert add(client, "还有照片", ("现场.jpg", picture()), ("a.pdf", pdf())).status_code == 302
    db.session.refresh(complaint)
    event = complaint.events[-1]
    assert event.action == "supplement"
    assert [file.event_id for file in complaint.files] == [event.id, event.id]
    found = links(client.get("/complaints/case").text)
    assert set(found) == {"现场.jpg", "a.pdf"}
    photo = client.get(found["现场.jpg"])
    assert photo.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in photo.headers["Content-Security-Policy"]
    assert photo.headers["Cache-Control"] == "no-store"
    assert b"secret place" not in photo.data
    assert photo.data[:3] == b"\xff\xd8\xff"


def test_a_file_alone_is_enough_and_nothing_at_all_is_not(client: FlaskClient) -> None:
    complaint = open_case(client)
    assert add(client, "").status_code == 422
    assert add(client, "", ("a.jpg", picture())).status_code == 302
    db.session.refresh(complaint)
    assert len(complaint.files) == 1


def test_a_bad_file_drops_neither_the_words_nor_the_good_one(client: FlaskClient) -> None:
    complaint = open_case(client)
    answer = add(client, "请看照片", ("a.jpg", picture()), ("b.exe", b"MZ nothing"))
    assert answer.status_code == 422
    assert "b.exe" in errors(answer.text)
    assert "请看照片" in answer.text
    assert add(client, "请看照片", draft=draft_of(answer.text)).status_code == 302
    db.session.refresh(complaint)
    assert [file.name for file in complaint.files] == ["a.jpg"]


def test_a_text_too_long_keeps_the_file_and_a_file_can_be_taken_out(client: FlaskClient) -> None:
    complaint = open_case(client)
    answer = add(client, "长" * 2001, ("a.jpg", picture()))
    assert answer.status_code == 422
    token = BeautifulSoup(answer.text, "html.parser").select_one("button[name=remove]")
    assert token is not None
    without = add(client, "短", draft=draft_of(answer.text), remove=str(token["value"]))
    assert "a.jpg" not in without.text
    assert "短" in without.text
    assert add(client, "短", draft=draft_of(without.text)).status_code == 302
    db.session.refresh(complaint)
    assert complaint.files == []


def test_sent_twice_is_added_once(client: FlaskClient) -> None:
    complaint = open_case(client)
    page = add(client, "长" * 2001, ("a.jpg", picture()))
    for _ in range(2):
        assert add(client, "同一句话").status_code == 302
        assert add(client, "看照片", draft=draft_of(page.text)).status_code == 302
    db.session.refresh(complaint)
    said = [event.text for event in complaint.events if event.action == "supplement"]
    assert said.count("看照片") == 1
    assert len(complaint.files) == 1
    assert add(client, "看照片").status_code == 302
    assert add(client, "看照片").status_code == 302
    db.session.refresh(complaint)
    assert [event.text for event in complaint.events if event.action == "supplement"].count("看照片") == 2


def test_files_signed_for_another_case_are_not_taken(client: FlaskClient) -> None:
    open_case(client)
    page = add(client, "长" * 2001, ("a.jpg", picture()))
    complaint = open_case(client)
    assert add(client, "别的案子", draft=draft_of(page.text)).status_code == 302
    db.session.refresh(complaint)
    assert complaint.files == []


def test_a_case_holds_so_many_files(client: FlaskClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(rules, "MAX_FILES_OF_CASE", 1)
    open_case(client)
    assert add(client, "一", ("a.jpg", picture())).status_code == 302
    answer = add(client, "还有一张", ("b.jpg", picture()))
    assert answer.status_code == 409
    assert "还有一张" in answer.text


def make_file(complaint: Complaint, name: str, *, public: bool) -> ComplaintFile:
    """Give a case a file of staff's."""
    event = add_event(complaint, "message", public=public, text="请看附件")
    staged = uploads.stage(FileStorage(BytesIO(pdf()), name))
    uploads.keep(staged)
    file = new_file(complaint, staged, event_id=event.id)
    file.public = public
    db.session.add(file)
    db.session.commit()
    return file


def test_only_public_files_of_the_open_case_are_there(app: Flask, client: FlaskClient) -> None:
    complaint = open_case(client)
    shown = make_file(complaint, "说明.pdf", public=True)
    hidden = make_file(complaint, "内部.pdf", public=False)
    foreign = make_file(make_complaint(), "别人.pdf", public=True)
    page = client.get("/complaints/case").text
    assert set(links(page)) == {"说明.pdf"}
    assert "内部.pdf" not in page
    for file in (hidden, foreign):
        assert client.get(f"/complaints/case/files/{file.id}").status_code == 404
    assert client.get(f"/complaints/case/files/{shown.id}").data == pdf()
    assert app.test_client().get(f"/complaints/case/files/{shown.id}").status_code == 302


def test_a_removed_file_leaves_why_and_no_link(client: FlaskClient) -> None:
    from portal import clock

    complaint = open_case(client)
    file = make_file(complaint, "说明.pdf", public=True)
    file.removed_at, file.removed_reason = clock.now(), "含有他人信息"
    db.session.commit()
    page = client.get("/complaints/case").text
    assert links(page) == {}
    assert "含有他人信息" in page
    assert client.get(f"/complaints/case/files/{file.id}").status_code == 404


def test_a_million_characters_are_kept(client: FlaskClient) -> None:
    open_case(client)
    long = "字" * 1_000_000
    answer = add(client, long)
    assert answer.status_code == 422
    field = BeautifulSoup(answer.text, "html.parser").select_one("#text")
    assert field is not None
    assert field.text == long
    assert uploads.MAX_FILES == 5
