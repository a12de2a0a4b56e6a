"""SQLite under load: many processes read, then write, and nobody is told that the database is locked."""

import multiprocessing
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal.db import db, reading
from tests.conftest import make_app, make_settings, prepare
from tests.factories.accounts import make_staff

WRITERS = 4
ROUNDS = 60


def write_often(folder: str, staff_id: int, answers: "multiprocessing.Queue[str]") -> None:
    """Add one to a row, having read it first, again and again, each time in a transaction of its own."""
    app = make_app(make_settings(Path(folder), f"sqlite:///{folder}/portal.db"))
    with app.app_context():
        try:
            for _ in range(ROUNDS):
                seen = db.session.scalar(sa.text("SELECT failed_attempts FROM staff WHERE id = :id"), {"id": staff_id})
                time.sleep(0.0005)
                db.session.execute(
                    sa.text("UPDATE staff SET failed_attempts = :value WHERE id = :id"),
                    {"id": staff_id, "value": (seen or 0) + 1},
                )
                db.session.commit()
        except sa.exc.SQLAlchemyError as problem:
            answers.put(str(problem))
        else:
            answers.put("")


def test_no_writer_is_locked_out_and_no_update_is_lost(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}")
    prepare(settings)
    app = make_app(settings)
    with app.app_context():
        staff_id = make_staff().id
        db.session.commit()
        db.engine.dispose()
    fork = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = fork.Queue()
    workers = [fork.Process(target=write_often, args=(str(tmp_path), staff_id, answers)) for _ in range(WRITERS)]
    for worker in workers:
        worker.start()
    assert [answers.get(timeout=60) for _ in workers] == [""] * WRITERS
    for worker in workers:
        worker.join(10)
    with sqlite3.connect(tmp_path / "portal.db") as connection:
        assert connection.execute("SELECT failed_attempts FROM staff").fetchone() == (WRITERS * ROUNDS,)


def test_sqlite_is_journalled_synced_and_keeps_foreign_keys(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}")
    prepare(settings)
    with make_app(settings).app_context():
        pragmas = {name: db.session.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys")}
        assert pragmas == {"journal_mode": "wal", "foreign_keys": 1}
        assert db.session.scalar(sa.text("PRAGMA synchronous")) == 2


def test_a_reader_cannot_write_and_waits_for_no_writer(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}")
    prepare(settings)
    app = make_app(settings)
    with app.app_context():
        make_staff()  # An open write transaction.
        with app.app_context(), reading():
            begun = time.monotonic()
            assert db.session.scalar(sa.text("SELECT count(*) FROM staff")) == 0
            assert time.monotonic() - begun < 1
            with pytest.raises(sa.exc.OperationalError, match="readonly"):
                db.session.execute(sa.text("DELETE FROM staff"))
        db.session.rollback()
