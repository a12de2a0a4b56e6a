"""A backup brings database and uploads back, and overwrites nothing by accident."""

import stat
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from portal.accounts.models import Staff
from portal.db import db
from portal.transparency.models import LogAction
from portal.transparency.queries import Chain, check_chain
from portal.transparency.service import append, make_checkpoint, rotate_key
from tests.factories.accounts import make_staff


def run(app: Flask, *words: str) -> tuple[int, str]:
    """Run a command beside what the test has written."""
    db.session.commit()
    result = app.test_cli_runner().invoke(args=list(words))
    db.session.rollback()
    db.session.expire_all()
    return result.exit_code, result.output


def staff_count() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Staff)) or 0


def test_backup_and_restore(app: Flask, tmp_path: Path) -> None:
    data_dir = app.config["SETTINGS"].data_dir
    make_staff()
    (data_dir / "files").mkdir(exist_ok=True)
    (data_dir / "files" / "upload").write_text("proof")
    append(subject="decision:1", action=LogAction.PUBLISH, content={})
    make_checkpoint()
    key = (data_dir / "keys" / "transparency.pem").read_text()
    target = tmp_path / "backup.tar.gz"
    status, output = run(app, "backup", str(target))
    assert status == 0, output
    assert stat.S_IMODE(target.stat().st_mode) == 0o600

    make_staff()
    (data_dir / "files" / "upload").unlink()
    rotate_key()
    assert run(app, "restore", str(target))[0] == 1
    assert staff_count() == 2
    status, output = run(app, "restore", "--force", str(target))
    assert status == 0, output
    assert staff_count() == 1
    assert (data_dir / "files" / "upload").read_text() == "proof"
    # The log, what has signed it, and the checkpoint signed last are of one time.
    assert (data_dir / "keys" / "transparency.pem").read_text() == key
    assert check_chain() == Chain(1, 1)


def test_backup_overwrites_nothing(app: Flask, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar.gz"
    target.write_text("something else")
    status, output = run(app, "backup", str(target))
    assert status == 1
    assert "exists already" in output
    assert target.read_text() == "something else"


def test_file_that_is_no_backup_changes_nothing(app: Flask, tmp_path: Path) -> None:
    make_staff()
    (tmp_path / "nonsense").write_text("not a backup")
    status, output = run(app, "restore", "--force", str(tmp_path / "nonsense"))
    assert status == 1
    assert "not a backup" in output
    assert staff_count() == 1
