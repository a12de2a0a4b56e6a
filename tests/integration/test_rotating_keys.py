"""Vault keys are replaced while the portal runs: nothing is lost, nothing is read, and whatever was cut off goes on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from werkzeug.datastructures import FileStorage

from portal import clock, limits, rotation, sealed_files, uploads, vault
from portal.accounts.models import SecondFactor
from portal.app import create_app
from portal.complaints.models import Complaint
from portal.contacts.service import keep_contact
from portal.db import Model, db
from portal.vault import BrokenSeal
from tests.factories.accounts import make_staff
from tests.factories.complaints import make_complaint, pdf


def run(app: Flask, *words: str) -> tuple[int, str]:
    """Run `flask vault` beside what the test has written."""
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["vault", *words])
    db.session.rollback()
    db.session.expire_all()
    return result.exit_code, result.output


def fill() -> tuple[list[Complaint], list[uploads.Staged]]:
    """Write two complaints, one file sent, one staged, a second factor and a network's key."""
    complaints = [make_complaint(facts=f"第{number}件") for number in range(2)]
    files = [uploads.stage(FileStorage(BytesIO(pdf()), filename=f"{number}.pdf")) for number in range(2)]
    uploads.keep(files[0])
    staff = make_staff()
    key = vault.new_data_key()
    context = f"staff_second_factor:{staff.id}"
    wrapped = vault.get_vault().wrap(key, context)
    db.session.add(SecondFactor(staff_id=staff.id, data_key=wrapped, secret_sealed=vault.seal(key, b"s", context)))
    today = clock.today()
    sealed = vault.get_vault().wrap(vault.new_data_key(), f"network_key:{today}")
    db.session.add(limits.NetworkKey(id=1, day=today, sealed=sealed))
    keep_contact("+8613800138000")
    db.session.commit()
    return complaints, files


def check_all(complaints: list[Complaint], files: list[uploads.Staged]) -> None:
    """Everything opens."""
    assert [complaint.facts for complaint in complaints] == ["第0件", "第1件"]
    assert uploads.read_kept(files[0].token, files[0].sha256) == pdf()
    assert sealed_files.read_sealed(uploads.path_of(files[1].token, folder="staging")) == pdf()
    assert rotation.find_unopened() == (5, 0)


def test_a_key_is_replaced_and_retired(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as moving:
        filled = fill()
        before = vault.get_vault()
        assert run(app, "status") == (0, "key 1: 6 records and files\n")
        assert run(app, "retire", "1")[0] == 1
        status, output = run(app, "rotate")
        assert (status, output.splitlines()[0]) == (0, "Key 2 is in use; 6 records and files were wrapped with it.")
        assert run(app, "status") == (0, "key 1: 0 records and files\nkey 2: 6 records and files\n")
        check_all(*filled)
        assert vault.get_vault().keys[1] == before.keys[1]
        assert vault.get_vault().index == before.index
        for number, words in ((2, "is the one in use"), (7, "no key 7"), (1, "Try again in")):
            status, output = run(app, "retire", str(number))
            assert (status, words in output) == (1, True), output
        moving.shift(timedelta(hours=2))
        assert run(app, "retire", "1")[0] == 0
    assert set(vault.get_vault().keys) == {2}
    db.session.expire_all()
    check_all(*filled)


def test_what_was_wrapped_in_between_keeps_a_key_alive(app: Flask) -> None:
    """A transaction that began before the key was replaced and ended after everything else was wrapped anew."""
    old = vault.get_vault()
    run(app, "rotate")
    complaint = make_complaint()
    complaint.data_key = old.wrap(complaint.open_data_key(), f"complaint:{complaint.number}")
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        status, output = run(app, "retire", "1")
        assert (status, "1 records and files hang on key 1" in output) == (1, True)
        # It is mended by wrapping again; no further key is needed for that.
        assert "Key 2 is in use; 1 records" in run(app, "rotate")[1]
        assert run(app, "retire", "1")[0] == 0
    assert db.session.get_one(Complaint, complaint.id).facts


def test_a_rotation_that_was_cut_off_goes_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = fill()
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    wrap, turns = rotation._wrap, iter(range(3))

    def stop_short(wrapped: rotation.Wrapped, row: object) -> int:
        if next(turns) == 1:
            raise KeyboardInterrupt
        return wrap(wrapped, row)

    monkeypatch.setattr(rotation, "_wrap", stop_short)
    assert run(app, "rotate")[0] == 1
    assert run(app, "status")[1] == "key 1: 5 records and files\nkey 2: 1 records and files\n"
    check_all(*filled)
    monkeypatch.setattr(rotation, "_wrap", wrap)
    assert "Key 2 is in use; 5 records" in run(app, "rotate")[1]
    assert run(app, "status")[1] == "key 1: 0 records and files\nkey 2: 6 records and files\n"
    check_all(*filled)


def test_other_processes_keep_working(app: Flask) -> None:
    complaints, files = fill()
    other = create_app(app.config["SETTINGS"])
    with other.app_context():
        kept = vault.get_vault()
        assert run(other, "rotate")[0] == 0
        db.engine.dispose()
    assert set(vault.peek_vault().keys) == set(kept.keys) == {1}
    db.session.expire_all()
    check_all(complaints, files)
    assert vault.wrapped_by(make_complaint().data_key) == 2


def test_a_file_forgotten_meanwhile_stays_forgotten(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _complaints, files = fill()
    path = uploads.path_of(files[0].token)
    wrap = vault.Vault.wrap

    def forget_first(self: vault.Vault, data_key: bytes, context: str, *, nonce: bytes | None = None) -> bytes:
        if context == f"file:{files[0].token}":
            uploads.forget(files[0].token)
        return wrap(self, data_key, context, nonce=nonce)

    with vault.changing() as found:
        vault.replace_file(replace(found, keys={**found.keys, 2: vault.new_data_key()}))
    monkeypatch.setattr(vault.Vault, "wrap", forget_first)
    assert rotation.wrap_files() == 2
    assert not path.exists()


def test_a_missing_key_is_told(app: Flask) -> None:
    fill()
    with vault.changing() as found:
        vault.replace_file(replace(found, keys={3: vault.new_data_key()}))
    assert run(app, "status")[1] == "key 1: 6 records and files, and is MISSING\nkey 3: 0 records and files\n"
    assert rotation.find_unopened() == (5, 4)
    status = app.test_cli_runner().invoke(args=["vault", "rotate"])
    assert isinstance(status.exception, BrokenSeal)


def test_every_wrapped_key_is_known(app: Flask) -> None:
    known = {wrapped.column.class_.__tablename__ for wrapped in rotation.WRAPPED}
    assert {table.name for table in Model.metadata.tables.values() if "data_key" in table.columns} <= known


def test_contexts_are_those_of_the_records(app: Flask, sign_in: Callable[..., object]) -> None:
    complaint = make_complaint()
    wrapped = next(wrapped for wrapped in rotation.WRAPPED if wrapped.column.class_ is Complaint)
    assert vault.open_data_key(complaint.data_key, wrapped.context_of(complaint.number)) == complaint.open_data_key()
    assert db.session.scalar(sa.select(wrapped.named)) == complaint.number


def test_a_key_that_was_replaced_meanwhile_is_left_alone(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next day's key takes the place of a network's key just after that was read."""
    fill()
    list_rows, tomorrow = rotation._list_rows, clock.today() + timedelta(days=1)
    sealed = vault.get_vault().wrap(b"t" * 32, f"network_key:{tomorrow}")

    def overtaken(wrapped: rotation.Wrapped, last: object) -> list[object]:
        rows = list_rows(wrapped, last)
        if wrapped.column.class_ is limits.NetworkKey and rows:
            db.session.execute(sa.update(limits.NetworkKey).values(day=tomorrow, sealed=sealed))
            db.session.commit()
        return rows

    monkeypatch.setattr(rotation, "_list_rows", overtaken)
    assert run(app, "rotate")[0] == 0
    key = db.session.get_one(limits.NetworkKey, 1)
    assert vault.open_data_key(key.sealed, f"network_key:{key.day}") == b"t" * 32
