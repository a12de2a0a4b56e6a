"""Many decisions come in piece by piece: stopped, killed or overtaken, run again it comes out the same."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.audit.models import AuditEntry
from portal.db import db
from portal.decision_imports import service as decisions
from portal.decision_imports.importer import DECISIONS
from portal.decisions.models import Decision, DecisionOriginal, DecisionState
from portal.imports import importer
from portal.imports.rules import Overtaken
from portal.organs.models import Organ
from portal.parties.models import Party
from portal.settings import ROOT, Settings
from tests.factories.dual_publication import PERSON, make_penalty
from tests.factories.imports import hand_over, in_one_go, load, run, run_waiting, vanish, write
from tests.factories.spreadsheets import make_code

pytestmark = pytest.mark.every_case_on_postgresql

FIRST = [make_penalty(number) for number in range(1, 6)]
SECOND = [
    make_penalty(1, 违法事实="另有事实。"),
    make_penalty(2),
    make_penalty(20),
    make_penalty(21, **PERSON),
    make_penalty(22, **PERSON),
    make_penalty(3, 行政相对人名称="虚构改名公司", 统一社会信用代码=make_code(30, "91")),
    make_penalty(23, 行政相对人名称="虚构改名公司", 统一社会信用代码=make_code(30, "91")),
    make_penalty(24, 处罚决定日期="无"),
    make_penalty(25, 统一社会信用代码=make_code(20, "91")),
    make_penalty(4, 处罚机关="虚构市别局"),
    make_penalty(5, 违法事实="已公开，不得改。"),
    make_penalty(26, 统一社会信用代码=""),
    make_penalty(27, 行政相对人名称="虚构商贸有限公司26号", 统一社会信用代码=""),
]
EXPECTED = {"imported": 7, "changed": 2, "unchanged": 1, "rejected": 3}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows are a piece."""
    monkeypatch.setattr(importer, "PIECE", 3)


def start(folder: Path) -> int:
    """Import the first file, publish one of its decisions, and hand the second file over."""
    in_one_go(write(folder, FIRST), DECISIONS)
    db.session.execute(
        sa.update(Decision).where(Decision.number_key.contains("〕5号")).values(state=DecisionState.PUBLISHED)
    )
    return hand_over(write(folder, SECOND), DECISIONS)


def records() -> list[tuple[object, ...]]:
    """Return all decisions with their parties, which are told apart whatever their ids are."""
    rows = db.session.execute(
        sa.select(Decision, DecisionOriginal.texts, Party, Organ.name)
        .join(DecisionOriginal)
        .join(Party, Party.id == Decision.party_id)
        .join(Organ, Organ.id == Decision.organ_id)
        .order_by(Organ.name, Decision.document_number)
    ).all()
    places: dict[int, int] = {}
    found: list[tuple[object, ...]] = [
        (
            organ,
            said.document_number,
            said.facts,
            said.fine,
            texts,
            party.name,
            places.setdefault(party.id, len(places)),
        )
        for said, texts, party, organ in rows
    ]
    db.session.rollback()
    return found


@pytest.fixture
def expected(app: Flask, tmp_path: Path) -> list[tuple[object, ...]]:
    """What an import that nothing disturbs makes of both files, found out in a database that is then put back."""
    import_id = start(tmp_path)
    run()
    assert load(import_id).counts == EXPECTED
    found = records()
    for table in (AuditEntry, DecisionOriginal, Decision, Party, Organ):
        db.session.execute(sa.delete(table))
    db.session.commit()
    return found


Expected = list[tuple[object, ...]]


@pytest.mark.parametrize("piece", range(4))
def test_whatever_breaks_off_is_gone_on_with(
    expected: Expected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    import_id = start(tmp_path)
    real, calls = decisions.write_rows, []

    def breaking(*args: Any, **values: Any) -> object:
        done = real(*args, **values)
        calls.append(args)
        if len(calls) == piece + 1:
            raise InterruptedError
        return done

    monkeypatch.setattr(decisions, "write_rows", breaking)
    with pytest.raises(InterruptedError):
        run()
    db.session.rollback()
    assert load(import_id).rows_done == piece * 3
    vanish("one")
    run("two")
    assert (load(import_id).counts, records()) == (EXPECTED, expected)
    report = importer.report_of(load(import_id)).read_text("utf-8-sig")
    assert [line.split(",")[0] for line in report.splitlines()[1:4]] == ["9", "10", "12"]


def publish_the_fourth(_folder: Path) -> None:
    """Publish a decision that a row still waits to change."""
    fourth = Decision.number_key.contains("〕4号")
    db.session.execute(sa.update(Decision).where(fourth).values(state=DecisionState.PUBLISHED))
    db.session.commit()


def enter_the_sixth(folder: Path) -> None:
    """Enter what a row still waits to bring."""
    in_one_go(write(folder, [make_penalty(6)], "other.csv"), DECISIONS)


def give_away_the_code_of_the_seventh(folder: Path) -> None:
    """Give the credit code of a row that still waits to somebody else."""
    in_one_go(write(folder, [make_penalty(8, 统一社会信用代码=make_code(7, "91"))], "other.csv"), DECISIONS)


@pytest.mark.parametrize(
    ("meddle", "figures"),
    [
        (publish_the_fourth, (2, 4, 0, 1)),
        (enter_the_sixth, (1, 5, 1, 0)),
        (give_away_the_code_of_the_seventh, (1, 5, 0, 1)),
    ],
)
def test_what_others_do_meanwhile_stands(
    tmp_path: Path, app: Flask, monkeypatch: pytest.MonkeyPatch, meddle: Any, figures: tuple[int, ...]
) -> None:
    in_one_go(write(tmp_path, FIRST), DECISIONS)
    rows = [make_penalty(number, 违法事实="另有。") for number in range(1, 6)]
    import_id = hand_over(write(tmp_path, [*rows, make_penalty(6), make_penalty(7)]), DECISIONS)
    real = importer._write_next

    def meddling(*args: Any) -> bool:
        more = real(*args)
        if load(import_id).rows_done == 3:
            meddle(tmp_path)
        return more

    monkeypatch.setattr(importer, "_write_next", meddling)
    run()
    assert tuple(load(import_id).counts.values()) == figures
    published = sa.select(Decision.facts).where(Decision.state == DecisionState.PUBLISHED)
    assert set(db.session.scalars(published)) <= {"检查时货架上有超过保质期的食品。"}


def test_a_run_that_is_told_to_end_leaves_the_rest(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = hand_over(write(tmp_path, FIRST), DECISIONS)
    stopping, real = threading.Event(), decisions.write_rows

    def ending(*args: Any, **values: Any) -> object:
        stopping.set()
        return real(*args, **values)

    monkeypatch.setattr(decisions, "write_rows", ending)
    run_waiting("one", stopping)
    assert (load(import_id).rows_done, db.session.scalar(sa.select(sa.func.count(Decision.id)))) == (3, 3)


@pytest.mark.parametrize("times", [1, 2])
def test_from_the_shell_what_was_overtaken_is_decided_on_anew(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    path, real, left = write(tmp_path, SECOND), decisions.write_rows, [Overtaken] * times

    def overtaken(*args: Any, **values: Any) -> object:
        if len(args[1]) > 3 and args[2].start == 3 and left:
            raise left.pop()
        return real(*args, **values)

    monkeypatch.setattr(decisions, "write_rows", overtaken)
    result = app.test_cli_runner().invoke(args=["import", "decisions", str(path), "--json"])
    assert result.exit_code == times - 1
    assert db.session.scalar(sa.select(sa.func.count(Decision.id))) == (11 if times == 1 else 3)
    assert ("Run the import again" in result.stderr) is (times == 2)


def test_from_the_shell_it_shows_progress_is_killed_and_run_again(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    path = write(tmp_path, [make_penalty(number) for number in range(1, 1101)])
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data_dir),
        "SECRET_KEY": settings.secret_key,
        "PUBLIC_URL": "http://portal.test",
        "DEMO": "",
    }
    db.session.rollback()
    db.engine.dispose()
    command = [sys.executable, "-m", "flask", "import", "decisions", str(path), "--json"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = [process.stderr.readline().strip()]
    while not said[-1].startswith("1,000"):
        said.append(process.stderr.readline().strip())
        assert len(said) < 9, said
    process.kill()
    process.wait(30)
    process.stderr.close()
    assert "1100 rows read, 0 rejected" in said
    written = db.session.scalar(sa.select(sa.func.count(Decision.id))) or 0
    assert written in (1000, 1100)
    db.session.rollback()
    db.engine.dispose()
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120)
    result = json.loads(again.stdout)
    assert result == {"imported": 1100 - written, "changed": 0, "unchanged": written, "rejected": []}
    for table in (Decision, DecisionOriginal, Party):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 1100
    assert db.session.scalar(sa.select(sa.func.count(AuditEntry.id))) == 2
