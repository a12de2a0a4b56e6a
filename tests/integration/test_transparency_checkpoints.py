"""Checkpoints: signed, found again after tampering, and verifiable after the key has changed."""

import json
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.errors import Conflict
from portal.transparency import queries, rules
from portal.transparency.models import LogAction, LogCheckpoint, LogEntry
from portal.transparency.queries import Broken, Chain, check_chain
from portal.transparency.service import append, make_checkpoint, rotate_key


def add(*numbers: int) -> list[LogEntry]:
    entries = [
        append(subject=f"decision:{number}", action=LogAction.PUBLISH, content={"title": "虚构"}) for number in numbers
    ]
    db.session.commit()
    return entries


def sign() -> LogCheckpoint | None:
    checkpoint = make_checkpoint()
    db.session.commit()
    db.session.expire_all()
    return checkpoint


def broken() -> tuple[str, str] | None:
    db.session.expire_all()
    found = check_chain().broken
    return (found.what, found.name) if found else None


def test_an_empty_log_holds_and_needs_no_key(app: Flask) -> None:
    assert sign() is None
    assert check_chain() == Chain(0, 0)
    assert not queries.key_folder().exists()


def test_a_checkpoint_signs_the_newest_entry_once(app: Flask) -> None:
    entries = add(1, 2)
    checkpoint = sign()
    assert checkpoint is not None
    assert (checkpoint.entry_id, checkpoint.hash) == (entries[1].id, entries[1].hash)
    assert sign() is None
    add(3)
    assert sign() is not None
    assert check_chain() == Chain(3, 2)
    (key,) = queries.list_keys()
    assert checkpoint.key_id == key.key_id
    text = rules.checkpoint_text(
        entry_id=checkpoint.entry_id, entry_hash=checkpoint.hash, at=checkpoint.at, key_id=key.key_id
    )
    assert rules.is_signed(text, checkpoint.signature, key.pem)
    assert not rules.is_signed(f"{text}0", checkpoint.signature, key.pem)


def test_nobody_else_can_read_the_key(app: Flask) -> None:
    add(1)
    sign()
    folder = queries.key_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [queries.PRIVATE_KEY, queries.PUBLIC_KEYS, queries.LAST_SIGNED]
    )
    assert "PRIVATE" not in (folder / queries.PUBLIC_KEYS).read_text()


def rewrite(*numbers: int) -> None:
    """Put a fresh chain in the place of the log, right in itself, as somebody who can write every table would."""
    db.session.execute(sa.delete(LogEntry))
    db.session.commit()
    db.session.expire_all()
    add(*numbers)


@pytest.mark.parametrize("also", ["", "checkpoints", "first checkpoint"])
def test_a_log_that_was_rewritten_does_not_fit_its_checkpoints(app: Flask, also: str) -> None:
    first = add(1, 2)[0]
    sign()
    add(3)
    sign()
    if also == "checkpoints":
        db.session.execute(sa.delete(LogCheckpoint))
    if also == "first checkpoint":
        db.session.execute(sa.delete(LogCheckpoint).where(LogCheckpoint.entry_id > first.id + 1))
    rewrite(1, 9, 3)
    found = check_chain()
    assert found.broken is not None
    assert found.broken.what == "entry"
    # Nor is it ever signed.
    with pytest.raises(Conflict):
        make_checkpoint()


def test_checkpoints_made_to_fit_are_not_signed(app: Flask) -> None:
    add(1, 2)
    sign()
    rewrite(1, 9)
    newest = db.session.scalars(sa.select(LogEntry).order_by(LogEntry.id.desc())).first()
    assert newest is not None
    db.session.execute(sa.update(LogCheckpoint).values(entry_id=newest.id, hash=newest.hash))
    assert broken() == ("checkpoint", str(newest.id))


def test_a_tail_that_was_cut_off_is_missed(app: Flask) -> None:
    entries = add(1, 2, 3)
    sign()
    db.session.execute(sa.delete(LogEntry).where(LogEntry.id == entries[2].id))
    assert broken() == ("entry", str(entries[2].id))


def test_a_broken_log_is_not_signed(app: Flask) -> None:
    entries = add(1, 2, 3)
    db.session.execute(sa.update(LogEntry).where(LogEntry.id == entries[1].id).values(subject="decision:9"))
    with pytest.raises(Conflict, match=f"entry {entries[1].id}"):
        make_checkpoint()


def test_what_was_signed_before_a_change_of_keys_stays_verifiable(app: Flask) -> None:
    add(1)
    first = sign()
    key = rotate_key()
    add(2)
    second = sign()
    assert first is not None
    assert second is not None
    assert first.key_id == key.signed_by != second.key_id == key.key_id
    assert check_chain() == Chain(2, 2)
    assert [item.key_id for item in queries.list_keys()] == [first.key_id, key.key_id]


def test_a_key_that_none_of_ours_has_signed_is_found(app: Flask) -> None:
    add(1)
    sign()
    rotate_key()
    old, new = queries.list_keys()
    path = queries.key_folder() / queries.PUBLIC_KEYS
    path.write_text(json.dumps([vars(old), vars(replace(new, signature="00" * 64))]))
    assert broken() == ("key", new.key_id)
    path.write_text(json.dumps([vars(replace(old, pem=new.pem))]))
    assert broken() == ("key", old.key_id)
    path.write_text(json.dumps([vars(new) | {"signed_by": "", "signature": ""}]))
    assert (broken() or ("",))[0] == "checkpoint"


def test_a_lost_key_is_not_made_anew_without_anybody_knowing(app: Flask) -> None:
    add(1)
    sign()
    (queries.key_folder() / queries.PRIVATE_KEY).unlink()
    add(2)
    with pytest.raises(Conflict, match="is gone"):
        make_checkpoint()
    assert rotate_key(lost=True).signed_by == ""
    assert sign() is not None
    assert check_chain() == Chain(2, 2)


def test_a_machine_without_the_keys_does_not_sign(app: Flask) -> None:
    add(1)
    sign()
    shutil.rmtree(queries.key_folder())
    add(2)
    with pytest.raises(Conflict, match="another machine"):
        make_checkpoint()
    assert broken() == ("checkpoint", str(db.session.scalar(sa.select(LogCheckpoint.entry_id))))


def test_two_at_once_sign_once(app: Flask) -> None:
    add(1)

    def work(_: int) -> bool:
        with app.app_context():
            made = make_checkpoint() is not None
            db.session.commit()
            return made

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4), timeout=30)) == [False, False, False, True]
    assert check_chain() == Chain(1, 1)
    assert len(queries.list_keys()) == 1


def test_what_is_broken_reads_as_a_sentence() -> None:
    assert str(Broken("entry", "7", "was changed")) == "entry 7 was changed"
