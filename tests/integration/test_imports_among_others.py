"""While a large import is written others write too, facts change, files vanish and workers are told to end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.complaints.models import Complaint
from portal.db import db
from portal.imports import importer, staff
from portal.parties.models import Party
from portal.permit_imports import service as permits
from portal.permits.models import Permit, PermitStatus
from tests.factories.complaints import Sender
from tests.factories.imports import hand_over, in_one_go, load, run, run_waiting, write
from tests.factories.permits import make_permit_type
from tests.factories.spreadsheets import make_row

SignIn = Callable[..., FlaskClient]
GOING = threading.Event()
NO_CODE = {"统一社会信用代码": ""}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything above three rows is large, and written three by three."""
    monkeypatch.setattr(importer, "PIECE", 3)
    monkeypatch.setattr(staff, "SMALL", 3)


def test_rows_that_have_become_good_meanwhile_are_not_passed_over(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_row(number) for number in range(1, 10)]
    import_id = hand_over(write(tmp_path, [make_row(20, 许可证类型="虚构许可证第九种"), *rows]))
    real, stopping = permits.write_rows, threading.Event()

    def ending(*args: Any) -> object:
        stopping.set()
        return real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(permits, "write_rows", ending)
        run_waiting("one", stopping)
    assert load(import_id).counts == {"imported": 3, "changed": 0, "unchanged": 0, "rejected": 1}
    make_permit_type().name = "虚构许可证第九种"
    db.session.commit()
    run("two")
    assert load(import_id).counts == {"imported": 7, "changed": 0, "unchanged": 3, "rejected": 0}
    assert db.session.scalar(sa.select(sa.func.count(Permit.id))) == 10


def test_others_get_their_turn_between_pieces(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = hand_over(write(tmp_path, [make_row(number) for number in range(1, 10)]))
    between, filed = threading.Event(), threading.Event()
    real = importer._write_next

    def waiting(*args: Any) -> bool:
        more = real(*args)
        if load(import_id).rows_done == 3:
            db.session.rollback()
            between.set()
            assert filed.wait(20)
        return more

    monkeypatch.setattr(importer, "_write_next", waiting)

    def work() -> None:
        with app.app_context():
            run()

    sender = Sender(client)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        assert between.wait(20)
        sender.fill()
        sender.send()
        assert db.session.scalar(sa.select(sa.func.count(Complaint.id))) == 1
        assert load(import_id).rows_done == 3
        db.session.rollback()
        filed.set()
        done.result(30)
    assert load(import_id).counts["imported"] == 9


def test_what_somebody_enters_meanwhile_is_neither_doubled_nor_lost(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_row(number) for number in range(1, 10)]
    import_id = hand_over(write(tmp_path, rows))
    real = importer._write_next

    def meddling(*args: Any) -> bool:
        more = real(*args)
        if load(import_id).rows_done == 3:
            in_one_go(write(tmp_path, [rows[4], rows[5] | {"所属街道": "虚构别街"}, make_row(30)], "other.csv"))
            db.session.execute(sa.update(Permit).where(Permit.number == "JY000001").values(status=PermitStatus.REVOKED))
            db.session.commit()
        return more

    monkeypatch.setattr(importer, "_write_next", meddling)
    run()
    assert load(import_id).counts == {"imported": 7, "changed": 1, "unchanged": 1, "rejected": 0}
    numbers = db.session.scalars(sa.select(Permit.number).order_by(Permit.number)).all()
    assert numbers == [f"JY{number:06d}" for number in (*range(1, 10), 30)]
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 10
    assert db.session.scalar(sa.select(Permit.status).where(Permit.number == "JY000001")) is PermitStatus.REVOKED


def test_a_clash_with_what_somebody_entered_is_decided_on_anew(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_go(write(tmp_path, [make_row(6, 行政相对人名称="虚构无码店", **NO_CODE)]))
    rows = [make_row(number) for number in range(1, 6)]
    import_id = hand_over(write(tmp_path, [*rows, make_row(6, 行政相对人名称="虚构无码店"), make_row(7)]))
    real = importer._write_next

    def meddling(*args: Any) -> bool:
        more = real(*args)
        if load(import_id).rows_done == 3:
            # The code that the file gives to a shop without one is another one's by now.
            in_one_go(write(tmp_path, [make_row(31, 统一社会信用代码=make_row(6)["统一社会信用代码"])], "other.csv"))
        return more

    monkeypatch.setattr(importer, "_write_next", meddling)
    run()
    assert load(import_id).counts == {"imported": 6, "changed": 1, "unchanged": 0, "rejected": 0}
    codes = sa.select(Party.credit_code).join(Permit, Permit.party_id == Party.id).where(Permit.number == "JY000006")
    assert db.session.scalar(codes) == make_row(6)["统一社会信用代码"]
    assert db.session.scalar(sa.select(sa.func.count(Permit.id))) == 8


def test_a_run_that_is_told_to_end_leaves_the_rest(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = hand_over(write(tmp_path, [make_row(number) for number in range(1, 10)]))
    stopping, real = threading.Event(), permits.write_rows

    def ending(*args: Any) -> object:
        stopping.set()
        return real(*args)

    monkeypatch.setattr(permits, "write_rows", ending)
    run_waiting("one", stopping)
    opened = load(import_id)
    assert (opened.rows_done, opened.claimed_by) == (3, "")
    run_waiting("two", threading.Event())
    assert load(import_id).counts["imported"] == 9


@pytest.mark.parametrize("ending", [False, True], ids=["gone", "reader ended with us"])
def test_a_file_that_cannot_be_read_stops_the_import_unless_all_ends(app: Flask, tmp_path: Path, ending: bool) -> None:
    import_id = hand_over(write(tmp_path, [make_row(number) for number in range(1, 5)]))
    importer.path_of(load(import_id)).unlink()
    stopping = threading.Event()
    run_waiting("other", stopping) if not ending else None
    if ending:
        threading.Timer(0.2, stopping.set).start()
        run_waiting("one", stopping)
    assert load(import_id).problem == ("" if ending else "gone")
