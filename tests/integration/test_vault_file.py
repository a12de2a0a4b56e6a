"""The vault's file: made once and in time, never made anew over what is sealed, and seen by every process."""

import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import vault
from portal.app import create_app
from portal.contacts.models import Contact
from portal.contacts.service import keep_contact
from portal.db import db
from portal.vault import BrokenSeal, VaultMissing

CONTEXT = "complaint:1"


def path_of(app: Flask) -> Path:
    path: Path = app.config["SETTINGS"].data_dir / "keys" / "vault.json"
    return path


def test_the_first_use_makes_one_that_is_ours_alone(app: Flask) -> None:
    path = path_of(app)
    assert not path.exists()
    made = vault.get_vault()
    assert set(made.keys) == {1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["vault.json"]
    assert vault.get_vault() is made is vault.peek_vault()


def test_twenty_first_uses_at_once_make_one(tmp_path: Path, app: Flask) -> None:
    """Each in a process's place: an application of its own."""
    path, made = path_of(app), []
    ready = threading.Barrier(20)

    def use() -> None:
        with app.app_context():
            ready.wait()
            made.append(vault.load(path))

    threads = [threading.Thread(target=use) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 20
    assert all(one == made[0] for one in made)


def test_a_key_added_elsewhere_is_used_at_once(app: Flask) -> None:
    mine = vault.get_vault()
    other = create_app(app.config["SETTINGS"])
    with other.app_context():
        with vault.changing() as found:
            vault.replace_file(replace(found, keys={**found.keys, 2: vault.new_data_key()}))
        wrapped = vault.get_vault().wrap(b"k" * 32, CONTEXT)
        db.engine.dispose()
    assert vault.wrapped_by(wrapped) == 2
    assert vault.peek_vault() is mine
    assert vault.open_data_key(wrapped, CONTEXT) == b"k" * 32
    assert vault.get_vault().newest == 2
    with pytest.raises(BrokenSeal):
        vault.open_data_key(wrapped, "complaint:2")


def test_a_lost_file_is_never_made_anew_over_what_is_sealed(app: Flask, settings: object) -> None:
    path = path_of(app)
    keep_contact("+8613800138000")
    db.session.commit()
    kept = path.read_text()
    path.unlink()
    # While it runs: nothing may be sealed that nobody can open after the next start.
    with pytest.raises(VaultMissing):
        vault.get_vault()
    app.extensions.pop("vault")
    with pytest.raises(VaultMissing):
        vault.get_vault()
    assert not path.exists()
    path.write_text("{broken")
    with pytest.raises(VaultMissing):
        vault.get_vault()
    path.write_text(kept)
    assert db.session.scalar(sa.select(Contact.phone)) == "+8613800138000"


def test_a_lost_file_is_told_to_readers_without_its_place(
    app: Flask, sign_in: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    keep_contact("+8613800138000")
    db.session.commit()
    path_of(app).unlink()
    app.extensions.pop("vault")
    client = sign_in()
    answer = client.get("/sandbox/phone?phone=1")  # type: ignore[attr-defined]
    assert answer.status_code == 503
    assert "vault.json" not in answer.text
    assert "vault.json" in caplog.text


def test_the_vault_can_lie_elsewhere(app: Flask, tmp_path: Path) -> None:
    elsewhere = tmp_path / "safe" / "portal.json"
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], vault_file=elsewhere)
    vault.get_vault()
    assert elsewhere.exists()
    assert not path_of(app).exists()
