"""A citizen files a complaint in five pages, and nothing typed on the way is lost."""

from flask import Flask
from flask.testing import FlaskClient

from portal.complaints.models import Complaint, ComplaintFile
from portal.db import db
from portal.messages.models import Message
from tests.factories.complaints import PAGES, Sender, errors, pdf, picture
from tests.factories.organs import make_organ


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
    page = other.get(answer.location)
    assert number in page.text
    assert "How we worked this out" in other.get("/complaints/case?lang=en").text
