"""Files with a complaint: judged by content, kept sealed, shown only to staff who may see the case."""

import hashlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import time_machine
from flask.testing import FlaskClient
from PIL import Image

from portal import uploads
from portal.accounts.models import Role
from portal.complaints.models import Complaint, ComplaintFile, ComplaintKind
from portal.db import db
from portal.settings import Settings
from tests.factories.complaints import PAGES, Sender, errors, pdf, picture
from tests.factories.files import PLACE, png, track, video
from tests.factories.files import pdf as make_pdf
from tests.factories.organs import make_organ


def at_page_three(client: FlaskClient) -> Sender:
    """Return a sender who is about to say what happened."""
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    return sender


BAD = {
    "empty.jpg": b"",
    "page.jpg": b"<html><script>alert(1)</script></html>",
    "program.pdf": b"MZ\x90\x00" + b"\0" * 100,
    "huge.pdf": b"%PDF-1.4" + b"0" * uploads.MAX_BYTES,
    "bomb.png": png(60_000, 60_000),
    "half.pdf": pdf()[:-10],
    "half.mp4": video()[:-1],
    "cut.jpg": picture(size=(400, 300))[:700],
    "both.jpg": picture() + b"<script>alert(1)</script>",
    "noise.png": b"\x89PNG\r\n\x1a\n" + b"\xff" * 400,
}


def test_bad_files_are_named_and_drop_no_good_one(client: FlaskClient) -> None:
    sender = at_page_three(client)
    answer = sender.turn(PAGES[2], files=[("good.jpg", picture()), *BAD.items()])
    assert answer.status_code == 422
    for name in BAD:
        assert name in errors(answer.text)
    assert "good.jpg" not in errors(answer.text)
    assert "good.jpg" in answer.text
    assert sender.turn(PAGES[2]).status_code == 200
    sender.turn(PAGES[3])
    sender.send()
    assert [file.name for file in db.session.query(ComplaintFile)] == ["good.jpg"]


def test_a_sixth_file_is_not_added(client: FlaskClient) -> None:
    sender = at_page_three(client)
    answer = sender.turn(PAGES[2], files=[(f"{number}.pdf", pdf()) for number in range(6)])
    assert answer.status_code == 422
    assert "5.pdf" in errors(answer.text)
    assert "4.pdf" not in errors(answer.text)


def test_a_file_can_be_removed_again(client: FlaskClient, settings: Settings) -> None:
    sender = at_page_three(client)
    page = sender.turn({"facts": ""}, files=[("a.pdf", pdf()), ("b.pdf", pdf())])
    assert page.status_code == 422
    token = page.text.split('name="remove" value="')[1].split('"')[0]
    answer = sender.turn({"facts": "写了一半", "remove": token}, go="next")
    assert answer.status_code == 200
    assert "a.pdf" not in answer.text
    assert "b.pdf" in answer.text
    assert "写了一半" in answer.text
    assert len(list((settings.data_dir / "staging").iterdir())) == 1


def test_originals_are_sealed_and_copies_are_clean(client: FlaskClient, settings: Settings) -> None:
    original = picture(size=(4000, 300))
    sender = at_page_three(client)
    sender.turn(PAGES[2], files=[("../../etc/照片.jpg", original)])
    sender.turn(PAGES[3])
    sender.send()
    file = db.session.query(ComplaintFile).one()
    assert file.name == "照片.jpg"
    assert file.sha256 == hashlib.sha256(original).hexdigest()
    assert file.clean_sha256
    kept = settings.data_dir / "files"
    assert sorted(path.name for path in kept.iterdir()) == [file.token, f"{file.token}.clean"]
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}
    assert not list((settings.data_dir / "staging").iterdir())
    assert uploads.read_kept(file.token, file.sha256) == original
    clean = uploads.read_kept(file.token, file.clean_sha256, clean=True)
    assert b"secret place" in original
    assert b"secret place" not in clean
    with Image.open(BytesIO(clean)) as image:
        assert not image.getexif()
        assert image.size == (2560, 192)


def test_files_never_sent_are_forgotten_after_a_day(client: FlaskClient, settings: Settings) -> None:
    staging = settings.data_dir / "staging"
    with time_machine.travel("2026-11-22 12:00 +08:00", tick=False) as moving:
        sender = at_page_three(client)
        sender.turn(PAGES[2], files=[("old.pdf", pdf())])
        old = {path.name for path in staging.iterdir()}
        moving.shift(24 * 3600 + 1)
        at_page_three(client).turn(PAGES[2], files=[("new.pdf", pdf())])
        assert old.isdisjoint(path.name for path in staging.iterdir())
        # Whoever comes back after that is told, and loses nothing else.
        sender.turn(PAGES[3])
        answer = sender.turn({})
    assert answer.status_code == 422
    assert "old.pdf" in errors(answer.text)
    assert PAGES[2]["facts"] in answer.text


def file_case(client: FlaskClient, files: Sequence[tuple[str, bytes]] = ()) -> Complaint:
    """Return a report with these files, or a picture and a document, filed by the pages."""
    organ = make_organ()
    make_organ(supervises=True)
    db.session.commit()
    sender = Sender(client)
    changes = {1: {"kind": "report"}, 2: {"organ": str(organ.id)}}
    sender.fill(changes, files=files or [("照片.jpg", picture()), ("a.pdf", pdf())])
    sender.send()
    return db.session.query(Complaint).one()


def test_staff_are_told_what_a_file_may_do(client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> None:
    files = [
        ("1.pdf", make_pdf(b"<< /S /JavaScript >>")),
        ("2.pdf", make_pdf(trailer=b"/Encrypt 9 0 R")),
        ("3.mp4", video(track(b"vide"), track(b"meta"))),
        ("4.pdf", make_pdf(pages=10_000)),
        ("5.mp4", video()),
    ]
    complaint = file_case(client, files)
    assert [file.caution for file in complaint.files] == ["active", "encrypted", "place", "", ""]
    staff = sign_in(Role.CLERK, organ_id=complaint.handler_organ_id)
    page = staff.get(f"/staff/complaints/{complaint.id}?lang=en").text
    assert [page.count(words) for words in ("Active content", "Locked", "Original only:", "Original only")] == [
        1,
        1,
        1,
        2,
    ]
    clean = staff.get(f"/staff/complaints/{complaint.id}/files/{complaint.files[4].id}").data
    original = staff.get(f"/staff/complaints/{complaint.id}/files/{complaint.files[4].id}?original=1").data
    assert PLACE in original == files[4][1]
    assert PLACE not in clean
    assert len(clean) == len(original)


def test_staff_get_attachments_under_a_name_of_ours(client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> None:
    complaint = file_case(client)
    assert complaint.kind is ComplaintKind.REPORT
    staff = sign_in(Role.CLERK, organ_id=complaint.handler_organ_id)
    photo, document = complaint.files
    for address, media_type, name in (
        (f"{photo.id}", "image/jpeg", f"{complaint.number}-{photo.id}.jpg"),
        (f"{photo.id}?original=1", "image/jpeg", f"{complaint.number}-{photo.id}-original.jpg"),
        (f"{document.id}", "application/pdf", f"{complaint.number}-{document.id}-original.pdf"),
    ):
        answer = staff.get(f"/staff/complaints/{complaint.id}/files/{address}")
        assert answer.status_code == 200
        assert answer.mimetype == media_type
        assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert staff.get(f"/staff/complaints/{complaint.id}/files/99").status_code == 404


def test_a_broken_seal_is_told(client: FlaskClient, sign_in: Callable[..., FlaskClient], settings: Settings) -> None:
    complaint = file_case(client)
    document = complaint.files[1]
    path: Path = settings.data_dir / "files" / document.token
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    staff = sign_in(Role.CLERK, organ_id=complaint.handler_organ_id)
    assert staff.get(f"/staff/complaints/{complaint.id}/files/{document.id}").status_code == 409
    path.unlink()
    assert staff.get(f"/staff/complaints/{complaint.id}/files/{document.id}").status_code == 404
