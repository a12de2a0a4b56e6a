"""Files on the disk: encrypted, bound to their names, moved once however often a form is sent, forgotten for good."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from portal import sealed_files, uploads, vault, web
from portal.complaints.models import ComplaintFile
from portal.db import db
from portal.errors import Conflict, NotFound, Refusal
from portal.sealed_files import HEAD_BYTES
from portal.settings import Settings
from portal.vault import BrokenSeal
from tests.clamd_server import EICAR, clamd_server
from tests.conftest import make_app, make_settings
from tests.factories.complaints import PAGES, Sender, errors, make_complaint, pdf, picture


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what lies beside it."""
    (tmp_path / "portal.db").write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{tmp_path / 'portal.db'}"


def stage(content: bytes = b"", name: str = "照片.jpg") -> uploads.Staged:
    return uploads.stage(FileStorage(BytesIO(content or picture()), filename=name))


def test_nothing_on_the_disk_can_be_read(app: Flask) -> None:
    original = picture(size=(400, 300))
    file = stage(original)
    folder = uploads.path_of(file.token).parent.parent
    for place in ("staging", "files"):
        paths = [uploads.path_of(file.token, suffix, folder=place) for suffix in ("", ".clean")]
        for path in paths:
            content = path.read_bytes()
            assert content.startswith(b"PSF1\x01\x01")
            assert b"JFIF" not in content
            assert b"secret place" not in content
            assert path.stat().st_mode & 0o777 == 0o600
        if place == "staging":
            uploads.keep(file)
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    assert not [name for name in names if file.sha256 in name or "照片" in name]
    assert uploads.read_kept(file.token, file.sha256) == original


def test_equal_files_look_different(app: Flask) -> None:
    one, other = stage(pdf()), stage(pdf())
    first, second = (uploads.path_of(file.token, folder="staging").read_bytes() for file in (one, other))
    assert first[6:] != second[6:]
    assert len(first) == HEAD_BYTES + len(pdf()) + 28


def test_no_byte_of_a_file_can_be_changed(app: Flask) -> None:
    file = stage(pdf())
    uploads.keep(file)
    path = uploads.path_of(file.token)
    whole = path.read_bytes()
    for place in (*range(HEAD_BYTES + 30), len(whole) - 1):
        path.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        with pytest.raises(Conflict):
            uploads.read_kept(file.token, file.sha256)
    for length in (0, 3, HEAD_BYTES, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(Conflict):
            uploads.read_kept(file.token, file.sha256)


def test_a_file_cannot_take_the_place_of_another(app: Flask) -> None:
    mine, other = stage(pdf()), stage(pdf())
    for file in (mine, other):
        uploads.keep(file)
    uploads.path_of(mine.token).write_bytes(uploads.path_of(other.token).read_bytes())
    with pytest.raises(Conflict):
        uploads.read_kept(mine.token, mine.sha256)
    with pytest.raises(Conflict):
        uploads.read_kept(other.token, "0" * 64)
    photo = stage()
    uploads.keep(photo)
    uploads.path_of(photo.token).write_bytes(uploads.path_of(photo.token, ".clean").read_bytes())
    with pytest.raises(Conflict):
        uploads.read_kept(photo.token, photo.clean_sha256 or "")


@pytest.mark.parametrize("token", ["", "../../etc/passwd", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n", "0" * 64])
def test_only_tokens_name_files(app: Flask, token: str) -> None:
    with pytest.raises(ValueError, match="not a file's token"):
        uploads.read_kept(token, "0" * 64)


def test_twenty_sendings_at_once_keep_a_file_once(app: Flask) -> None:
    file, failed = stage(), []
    ready = threading.Barrier(20)

    def send() -> None:
        with app.app_context():
            ready.wait()
            try:
                uploads.keep(file)
            except Exception as problem:
                failed.append(problem)

    threads = [threading.Thread(target=send) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert uploads.read_kept(file.token, file.clean_sha256 or "", clean=True)


def test_sending_goes_on_where_it_was_cut_off(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    file, moves = stage(), iter(range(9))
    move = Path.replace

    def stop_short(self: Path, target: Path) -> Path:
        if next(moves) == 1:
            raise KeyboardInterrupt
        return move(self, target)

    monkeypatch.setattr(Path, "replace", stop_short)
    with pytest.raises(KeyboardInterrupt):
        uploads.keep(file)
    assert uploads.is_staged(file)
    uploads.keep(file)
    uploads.keep(file)
    assert uploads.read_kept(file.token, file.sha256)
    assert uploads.read_kept(file.token, file.clean_sha256 or "", clean=True)
    with pytest.raises(Conflict):
        uploads.keep(replace(file, token="0" * 32))


def test_names_are_on_the_disk_before_a_form_is_taken(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    file = stage(pdf())
    assert str(uploads.path_of(file.token, folder="staging")) in synced
    uploads.keep(file)
    assert synced[-1] == str(uploads.path_of(file.token).parent)


def test_what_is_forgotten_opens_no_more(app: Flask) -> None:
    """Not even for whoever still has the file open, or finds its blocks on the disk."""
    file = stage()
    uploads.keep(file)
    with uploads.path_of(file.token).open("rb") as left:
        uploads.forget(file.token)
        rest = left.read()
    assert rest[:HEAD_BYTES] == bytes(HEAD_BYTES)
    assert not list(uploads.path_of(file.token).parent.iterdir())
    uploads.forget(file.token)
    with pytest.raises(NotFound):
        uploads.read_kept(file.token, file.sha256)


def test_a_head_that_is_just_written_anew_is_read_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stage(pdf())
    path = uploads.path_of(file.token, folder="staging")
    whole, turns = path.read_bytes(), iter(range(9))
    torn = whole[:20] + bytes(20) + whole[40:]
    monkeypatch.setattr(Path, "read_bytes", lambda self: whole if next(turns) else torn)
    assert sealed_files.read_sealed(path) == pdf()


@pytest.fixture
def fresh(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application whose database may be taken apart."""
    app = make_app(make_settings(tmp_path, database_url))
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()


def test_files_of_an_earlier_version_are_sealed_and_can_be_opened_again(fresh: Flask) -> None:
    """Two complaints came with the same picture, which that version kept once."""
    files = [stage(), stage(), stage(pdf())]
    for number, file in enumerate(files):
        uploads.keep(file)
        values = {name: getattr(file, name) for name in ("name", "media_type", "size", "sha256", "clean_sha256")}
        db.session.add(ComplaintFile(complaint=make_complaint(facts=str(number)), token=file.token, **values))
    waits = stage(pdf())
    folder = uploads.path_of(files[0].token).parent
    run(fresh, "db", "downgrade", "0011")
    digests = {files[0].sha256, files[0].clean_sha256, files[2].sha256}
    assert {path.name for path in folder.iterdir()} == digests
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()} == digests
    # A form that is being filled in was staged in clear as well.
    staged = uploads.path_of(waits.token, folder="staging")
    staged.write_bytes(pdf())
    run(fresh, "db", "upgrade")
    for _turn in range(2):
        kept = db.session.scalars(sa.select(ComplaintFile).order_by(ComplaintFile.id)).all()
        for one in kept:
            assert hashlib.sha256(uploads.read_kept(one.token, one.sha256)).hexdigest() == one.sha256
            if one.clean_sha256:
                uploads.read_kept(one.token, one.clean_sha256, clean=True)
        assert len(list(folder.iterdir())) == 5
        assert sealed_files.read_sealed(staged) == pdf()
        # Cut off before the last file in clear was gone, it goes on.
        (folder / files[2].sha256).write_bytes(pdf())
        run(fresh, "db", "upgrade")


def run(app: Flask, *words: str) -> None:
    """Run a command as the shell would."""
    db.session.commit()
    db.session.close()
    result = app.test_cli_runner().invoke(args=list(words))
    assert result.exit_code == 0, result.output


def test_a_scanner_keeps_infected_files_out(app: Flask, client: FlaskClient) -> None:
    with clamd_server() as server:
        set_scanner(app, server.address)
        client.get("/?lang=en")
        sender = Sender(client)
        sender.turn(PAGES[0])
        sender.turn(PAGES[1])
        bad = pdf() + b"% " + EICAR + b"\n%%EOF"
        answer = sender.turn(PAGES[2], files=[("good.pdf", pdf()), ("bad.pdf", bad)])
        assert server.seen == [pdf(), bad]
    assert answer.status_code == 422
    assert "“bad.pdf” was not added: the virus scanner found something in it." in errors(answer.text)
    assert "good.pdf" not in errors(answer.text)
    assert PAGES[2]["facts"] in answer.text
    # Now it is down: nothing unseen is taken, and nothing typed is lost.
    answer = sender.turn(PAGES[2], files=[("later.pdf", pdf())])
    assert "“later.pdf” was not added: files cannot be scanned just now." in errors(answer.text)
    assert PAGES[2]["facts"] in answer.text
    assert "good.pdf" in answer.text
    folder: Path = app.config["SETTINGS"].data_dir / "staging"
    assert len(list(folder.iterdir())) == 1


def set_scanner(app: Flask, address: str) -> None:
    settings: Settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, clamd=address)


def test_a_picture_is_scanned_before_it_is_drawn(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads pictures has holes of its own."""
    monkeypatch.setattr(uploads, "make_clean_copy", lambda *_args: pytest.fail("drawn"))
    with clamd_server() as server:
        server.answer = b"stream: Some.Virus FOUND\0"
        set_scanner(app, server.address)
        with pytest.raises(Refusal):
            stage()


def test_a_broken_seal_names_nothing_of_the_file(app: Flask) -> None:
    file = stage(pdf())
    path = uploads.path_of(file.token, folder="staging")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BrokenSeal) as broken:
        sealed_files.read_sealed(path)
    assert file.token not in str(broken.value)
    with pytest.raises(BrokenSeal), vault.changing() as found:
        replace(found, keys={9: b"x" * 32}).unwrap(path.read_bytes()[4:66], f"file:{file.token}")


def test_a_video_of_any_size_costs_nothing_that_was_typed(client: FlaskClient) -> None:
    client.get("/?lang=en")
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    large = bytes(30 * 1024 * 1024)
    answer = sender.turn(
        PAGES[2], files=[("good.pdf", pdf()), *((f"{n}.mp4", large) for n in range(3)), ("z.pdf", pdf())]
    )
    assert answer.status_code == 422
    assert PAGES[2]["facts"] in answer.text
    told = errors(answer.text)
    assert "“0.mp4” is over 10 MB" in told
    # What came after there was no room any more is not taken for whole.
    assert "“z.pdf” was not added: too much was sent at once." in told
    assert "good.pdf" not in told
    assert "good.pdf" in answer.text


class Endless(BytesIO):
    """A body that goes on, and counts how much of it was heard."""

    heard = 0

    def read(self, size: int | None = -1) -> bytes:
        self.heard += size or 0
        return bytes(size or 0)


def sent(length: int, body: BytesIO) -> dict[str, object]:
    """Return what a server hands over of a form that says how long it is."""
    kind = "multipart/form-data; boundary=x"
    return {"wsgi.input": body, "CONTENT_LENGTH": str(length), "CONTENT_TYPE": kind}


def test_what_is_too_large_is_heard_out_within_bounds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who sends it sees a broken connection instead of what to do; and nobody keeps us listening for ever."""
    for said, heard in ((70 * 1024 * 1024, 70 * 1024 * 1024), (2**40, web.MOST_HEARD)):
        body = Endless()
        answer = app.test_client().post("/complaints/track?lang=en", environ_overrides=sent(said, body))
        assert answer.status_code == 413
        assert "File too large" in answer.text
        assert body.heard == heard
    monkeypatch.setattr(web, "HEARD_SECONDS", 0)
    body = Endless()
    app.test_client().post("/complaints/track", environ_overrides=sent(2**40, body))
    assert body.heard == 0


def test_what_is_sent_touches_no_disk_in_clear(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, lambda *_args, **_values: pytest.fail("written to a disk"))
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    assert "big.mp4" in sender.turn(PAGES[2], files=[("big.mp4", bytes(2_000_000))]).text
