"""What staff write and attach goes to the sender or to colleagues, never both; a removed file leaves its digest."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal import uploads
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.complaints.models import Complaint, ComplaintFile
from portal.db import db
from portal.messages.models import Message
from portal.settings import Settings
from tests.factories.casework import Bench
from tests.factories.complaints import code_of, make_complaint, pdf, picture
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def bench(app: object, sign_in: SignIn) -> Bench:
    """A report on the desk of a clerk."""
    organ = make_organ()
    case = make_complaint(organ_id=organ.id, phone="+8613800138000")
    return Bench(sign_in(Role.CLERK, organ_id=organ.id), case)


def case() -> Complaint:
    """Return the case as it is stored."""
    return db.session.query(Complaint).one()


def sender_page(client: FlaskClient) -> str:
    """Return the case's page as its sender reads it."""
    client.post("/complaints/track", data={"number": case().number, "code": code_of(case())})
    return client.get("/complaints/case").text


def attach(bench: Bench, step: str, **files: bytes) -> Any:
    """Write a message or a note with files."""
    sent = [(BytesIO(content), name.replace("_", ".")) for name, content in files.items()]
    data = {"seen": bench.seen(), step: f"{step}的话", f"{step}_files": sent}
    return bench.client.post(f"{bench.address}/{step}", data=data, content_type="multipart/form-data")


def test_messages_and_notes_stay_apart(bench: Bench, client: FlaskClient) -> None:
    assert attach(bench, "message", reply_pdf=pdf()).status_code == 302
    assert attach(bench, "note", inner_jpg=picture()).status_code == 302
    page = sender_page(client)
    assert "message的话" in page
    assert "reply.pdf" in page
    assert "note的话" not in page
    assert "inner.jpg" not in page
    public, inner = db.session.query(ComplaintFile).order_by(ComplaintFile.id)
    assert (public.public, inner.public) == (True, False)
    assert [event.action for event in case().events if event.id in (public.event_id, inner.event_id)] == [
        "message",
        "note",
    ]
    for file in (public, inner):
        assert bench.client.get(f"{bench.address}/files/{file.id}").status_code == 200
    assert [row.template for row in db.session.query(Message)] == ["complaint_received", "complaint_message"]
    entries = db.session.query(AuditEntry).filter(AuditEntry.subject == f"complaint:{case().id}").all()
    assert [(entry.action, entry.details) for entry in entries] == [
        ("complaint.message", {"files": 1}), ("complaint.note", {"files": 1}),
    ]  # fmt: skip


@pytest.mark.parametrize("step", ["message", "note"])
def test_a_file_that_is_not_taken_takes_the_words_with_it(bench: Bench, step: str) -> None:
    answer = attach(bench, step, virus_exe=b"MZ\x90\x00 not a picture")
    assert answer.status_code == 422
    assert f"{step}的话" in answer.text
    many = {f"p{number}_pdf": pdf() for number in range(uploads.MAX_FILES + 1)}
    assert attach(bench, step, **many).status_code == 422
    assert [event.action for event in case().events] == ["submit"]
    assert db.session.query(ComplaintFile).count() == 0


def test_a_removed_file_leaves_its_digest_and_why(bench: Bench, client: FlaskClient, settings: Settings) -> None:
    assert attach(bench, "message", wrong_jpg=picture()).status_code == 302
    file = db.session.query(ComplaintFile).one()
    kept = [path for path in (settings.data_dir / "files").iterdir() if path.name.startswith(file.token)]
    assert len(kept) == 2
    address = f"files/{file.id}/remove"
    assert bench.take(address, removal="") == 422
    assert bench.client.post(f"{bench.address}/{address}", data={"seen": "0", "removal": "迟了"}).status_code == 409
    assert all(path.exists() for path in kept)
    assert bench.take(address, removal="发错了，含他人信息") == 302
    assert not any(path.exists() for path in kept)
    db.session.refresh(file)
    assert (len(file.sha256), file.removed_reason) == (64, "发错了，含他人信息")
    assert bench.client.get(f"{bench.address}/files/{file.id}").status_code == 404
    assert bench.take(address, removal="再删") == 409
    page = bench.page()
    assert file.sha256[:16] in page
    assert f"files/{file.id}?" not in page
    entry = db.session.query(AuditEntry).filter_by(action="complaint.remove-file").one()
    assert entry.details == {"file_id": file.id, "sha256": file.sha256}
    assert f"/case/files/{file.id}" not in sender_page(client)


def test_a_file_of_another_case_is_not_removed(bench: Bench) -> None:
    other = make_complaint(organ_id=make_organ().id)
    strange = ComplaintFile(complaint=other, token="a" * 32, name="x", media_type="image/png", size=1, sha256="0" * 64)
    db.session.add(strange)
    db.session.commit()
    assert bench.take(f"files/{strange.id}/remove", removal="试试") == 404
    assert strange.removed_at is None
