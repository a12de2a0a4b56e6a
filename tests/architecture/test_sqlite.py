"""SQLite under load: many processes read, then write, and nobody is told that the database is locked."""

import fcntl
import multiprocessing
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal.db import LockedConnection, _on_sqlite_connect, db, reading
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
        # 1: the log is synced by `LockedConnection.commit`, past the lock; the tests below.
        assert db.session.scalar(sa.text("PRAGMA synchronous")) == 1


def test_a_commit_returns_when_it_is_on_disk_and_keeps_nobody_waiting_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}")
    prepare(settings)
    app, synced = make_app(settings), []

    def sync(handle: int) -> None:
        with (tmp_path / "portal.db.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Raises where the writer still holds it.
        with sqlite3.connect(tmp_path / "portal.db") as connection:
            counted = connection.execute("SELECT count(*) FROM staff").fetchone()[0]
        synced.append((Path(f"/proc/self/fd/{handle}").resolve().name, counted))

    monkeypatch.setattr("portal.db._sync", sync)
    with app.app_context():
        make_staff()
        assert not synced
        db.session.commit()
        assert synced == [("portal.db-wal", 1)]
        with reading():
            db.session.scalar(sa.text("SELECT count(*) FROM staff"))
            db.session.commit()
        make_staff()
        db.session.rollback()
        assert len(synced) == 1


def test_a_commit_that_the_disk_does_not_confirm_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}")
    prepare(settings)

    def sync(_handle: int) -> None:
        raise OSError(5, "the disk is gone")

    with make_app(settings).app_context():
        make_staff()
        monkeypatch.setattr("portal.db._sync", sync)
        with pytest.raises(OSError, match="gone"):
            db.session.commit()


def test_without_a_log_sqlite_syncs_itself() -> None:
    connection = sqlite3.connect(":memory:", factory=LockedConnection)
    _on_sqlite_connect(connection, None)
    assert connection.log is None
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


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
