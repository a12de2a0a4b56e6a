"""A backup brings database and uploads back, and overwrites nothing by accident."""

import base64
import stat
import tarfile
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from portal import vault
from portal.accounts.models import Staff
from portal.complaints.models import Complaint
from portal.contacts.service import keep_contact
from portal.db import db
from portal.transparency.models import LogAction
from portal.transparency.queries import Chain, check_chain
from portal.transparency.service import append, make_checkpoint, rotate_key
from tests.factories.accounts import make_staff
from tests.factories.complaints import make_complaint


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


def test_the_vault_does_not_travel_with_what_it_opens(app: Flask, tmp_path: Path) -> None:
    """And a restore leaves the vault alone that is there, or says that it is missing or another one."""
    path = vault.vault_path()
    keep_contact("+8613800138000")
    complaint = make_complaint(facts="只有经办人能看到")
    append(subject="decision:1", action=LogAction.PUBLISH, content={})
    make_checkpoint()
    exported = run(app, "vault", "export")[1]
    assert exported == path.read_text()
    (path.parent / "vault.json.lock").touch()
    target = tmp_path / "backup.tar.gz"
    status, output = run(app, "backup", str(target))
    assert status == 0
    assert "flask vault export" in output
    with tarfile.open(target) as archive:
        names = archive.getnames()
        content = b"".join(
            file.read() for member in archive if member.isfile() and (file := archive.extractfile(member)) is not None
        )
    assert "keys/transparency.pem" in names
    assert not [name for name in names if "vault" in name]
    for key in (*vault.get_vault().keys.values(), vault.get_vault().index):
        assert base64.b64encode(key) not in content
        assert key not in content
    assert "只有经办人能看到".encode() not in content

    assert "The vault fits." in run(app, "restore", "--force", str(target))[1]
    assert path.read_text() == exported
    path.unlink()
    app.extensions.pop("vault")
    status, output = run(app, "restore", "--force", str(target))
    assert status == 0
    assert "The vault is missing" in output
    assert not path.exists()
    path.write_text(vault.text_of(vault.Vault(keys={1: bytes(32)}, index=bytes(32))))
    assert "another one, or lacks a key: 2 records" in run(app, "restore", "--force", str(target))[1]
    path.write_text(exported)
    assert "The vault fits." in run(app, "restore", "--force", str(target))[1]
    db.session.expire_all()
    app.extensions.pop("vault", None)
    assert db.session.get_one(Complaint, complaint.id).facts == "只有经办人能看到"
