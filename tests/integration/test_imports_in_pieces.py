"""Large imports are handed to the worker and written in pieces: nothing else waits, and it comes out as in one go."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.audit.models import AuditEntry
from portal.contacts.models import Contact
from portal.db import db
from portal.imports import importer, rules, service, staff
from portal.imports.rules import Mark, Step
from portal.organs.models import Organ
from portal.parties.models import Party
from portal.permit_imports import service as permits
from portal.permits.models import Permit
from portal.settings import Settings
from tests.conftest import make_app
from tests.factories.imports import hand_over, in_one_go, load, run, run_waiting, vanish, write
from tests.factories.spreadsheets import make_row

pytestmark = pytest.mark.every_case_on_postgresql

SignIn = Callable[..., FlaskClient]
GOING = threading.Event()
PERSON = {"行政相对人名称": "王测试", "行政相对人类别": "自然人", "统一社会信用代码": ""}
NO_CODE = {"统一社会信用代码": ""}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything above three rows is large, and written three by three."""
    monkeypatch.setattr(importer, "PIECE", 3)
    monkeypatch.setattr(staff, "SMALL", 3)


# What is in the register first, and then a file in which almost every row depends on one before it.
FIRST = [make_row(number) for number in range(1, 7)] + [
    make_row(7, 许可编号="JY1", 统一社会信用代码=make_row(1)["统一社会信用代码"]),
    make_row(8, **PERSON),
    make_row(9, 行政相对人名称="虚构旧名店", **NO_CODE),
]
SECOND = [
    make_row(1, 行政相对人名称="虚构新名店1", 所属街道="虚构街道"),
    make_row(2),
    make_row(20, 行政相对人名称="虚构新店"),
    make_row(21, 行政相对人名称="虚构新店", **NO_CODE),
    make_row(7, 许可编号="JY1", 统一社会信用代码=make_row(1)["统一社会信用代码"], 行政相对人名称="虚构别名店"),
    make_row(22, 行政相对人名称="虚构食品店1", **NO_CODE),
    make_row(3, 有效期至="2031-06-30", 联系电话="13900139003"),
    make_row(23, 统一社会信用代码=make_row(4)["统一社会信用代码"], 所属街道="虚构新街"),
    make_row(24, 联系电话="0391-1234567"),
    make_row(4, 所属街道="虚构新街"),
    make_row(25, **PERSON | {"联系电话": make_row(8)["联系电话"]}),
    make_row(26, **PERSON),
    make_row(27, **PERSON | {"联系电话": make_row(26)["联系电话"]}),
    make_row(5, 行政相对人名称="虚构转让店", 统一社会信用代码=make_row(28)["统一社会信用代码"]),
    make_row(28, 许可编号="JY2"),
    make_row(6, 许可机关="虚构市别局"),
    make_row(9, 行政相对人名称="虚构改名店", **NO_CODE),
    make_row(29, 行政相对人名称="虚构旧名店", **NO_CODE),
]


def register() -> list[tuple[object, ...]]:
    """Return all permits with their parties and numbers; parties are told apart, whatever their ids are."""
    rows = db.session.execute(
        sa.select(Permit, Party, Contact.phone, Organ.name)
        .join(Party, Party.id == Permit.party_id)
        .join(Contact, Contact.id == Permit.contact_id)
        .join(Organ, Organ.id == Permit.organ_id)
        .order_by(Organ.name, Permit.number)
    ).all()
    places: dict[int, int] = {}
    found: list[tuple[object, ...]] = []
    for permit, party, phone, organ in rows:
        place = places.setdefault(party.id, len(places))
        said = (party.name, party.kind, party.credit_code, party.industry, party.street, party.contact_name)
        days = (permit.valid_to, permit.last_apply_on, permit.next_reminder_on, permit.status)
        found.append((organ, permit.number, phone, place, *said, *days))
    db.session.rollback()
    return found


@pytest.fixture
def expected(settings: Settings, tmp_path: Path) -> tuple[dict[str, int], list[tuple[object, ...]]]:
    """What one go makes of both files, found out in a database that is then put back."""
    app = make_app(settings)
    with app.app_context():
        in_one_go(write(tmp_path, FIRST))
        counts, rows = in_one_go(write(tmp_path, SECOND)), register()
        for table in (AuditEntry, Permit, Party, Contact, Organ):
            db.session.execute(sa.delete(table))
        db.session.commit()
        db.engine.dispose()
    return counts, rows


Expected = tuple[dict[str, int], list[tuple[object, ...]]]


def test_pieces_come_out_as_one_go(expected: Expected, app: Flask, tmp_path: Path) -> None:
    in_one_go(write(tmp_path, FIRST))
    import_id = hand_over(write(tmp_path, SECOND))
    run()
    opened = load(import_id)
    assert opened.committed_at is not None
    assert (opened.counts, register()) == expected
    assert (opened.rows_done, opened.rows_total, opened.plan) == (17, 17, None)
    assert not importer.path_of(opened).exists()
    assert "landline" in importer.report_of(opened).read_text()
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"import:{import_id}")).one()
    assert entry.details == expected[0]


class Stop(Exception):
    """The end of a run, at the worst moment."""


@pytest.mark.parametrize("piece", range(6))
def test_whatever_breaks_off_is_gone_on_with(
    expected: Expected, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    in_one_go(write(tmp_path, FIRST))
    import_id = hand_over(write(tmp_path, SECOND))
    real, calls = permits.write_rows, []

    def breaking(*args: Any) -> object:
        done = real(*args)
        calls.append(args)
        if len(calls) == piece + 1:
            raise Stop
        return done

    monkeypatch.setattr(permits, "write_rows", breaking)
    with pytest.raises(Stop):
        run()
    db.session.rollback()
    assert load(import_id).rows_done == piece * 3
    run()
    assert load(import_id).rows_done == piece * 3, "whoever failed tries again only after a while"
    run("two")
    assert load(import_id).rows_done == piece * 3, "another run keeps off while the first lives"
    vanish("one")
    run("two")
    assert (load(import_id).counts, register()) == expected


def die_in_between(settings: Settings, piece: int) -> None:
    """Run the import in this process until it is killed between two pieces."""
    app = make_app(settings)
    real, calls = permits.write_rows, []

    def deadly(*args: Any) -> object:
        calls.append(args)
        if len(calls) == piece + 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)

    patched = pytest.MonkeyPatch()
    patched.setattr(permits, "write_rows", deadly)
    patched.setattr(importer, "PIECE", 3)
    with app.app_context():
        run("killed")


def test_a_killed_worker_doubles_nothing(expected: Expected, app: Flask, settings: Settings, tmp_path: Path) -> None:
    in_one_go(write(tmp_path, FIRST))
    import_id = hand_over(write(tmp_path, SECOND))
    db.engine.dispose()
    process = multiprocessing.get_context("forkserver").Process(target=die_in_between, args=(settings, 3))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert load(import_id).rows_done == 9
    vanish("killed")
    run()
    assert (load(import_id).counts, register()) == expected


def test_two_runs_at_once_write_each_row_once(
    expected: Expected, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_go(write(tmp_path, FIRST))
    import_id = hand_over(write(tmp_path, SECOND))

    def both(run_id: str) -> None:
        with app.app_context():
            run(run_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(both, ["one", "two", "three", "four"]))
    assert (load(import_id).counts, register()) == expected


def test_who_was_taken_for_dead_writes_nothing_more(
    expected: Expected, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_go(write(tmp_path, FIRST))
    import_id = hand_over(write(tmp_path, SECOND))
    real, write_rows, calls = service.advance, permits.write_rows, []
    stopping = threading.Event()

    def write_one_piece(*args: Any) -> object:
        stopping.set()
        return write_rows(*args)

    def overtaken(*args: Any, **values: Any) -> bool:
        calls.append(args)
        if len(calls) == 3:
            vanish("one")
            with monkeypatch.context() as patched:
                patched.setattr(permits, "write_rows", write_one_piece)
                run_waiting("two", stopping)
        return real(*args, **values)

    monkeypatch.setattr(service, "advance", overtaken)
    run()
    assert load(import_id).rows_done == 9
    run("three")
    assert (load(import_id).counts, register()) == expected


def test_steps_are_kept_as_they_were() -> None:
    steps = [Step(2, Mark.UNCHANGED), Step(3, Mark.NEW, -2, True), Step(5, Mark.CHANGED, 7)]
    assert rules.unpack(rules.pack(steps)) == steps
    assert rules.fits(steps, [2, 3, 5])
    assert not rules.fits(steps, [2, 3, 4])
    assert not rules.fits(steps, [2, 3])
