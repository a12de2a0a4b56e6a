"""The public log: what an entry holds, how entries hang together, and that writers take turns."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.audit import service as audit
from portal.audit.models import AuditEntry
from portal.db import db
from portal.transparency.models import LogAction, LogEntry
from portal.transparency.queries import check_chain
from portal.transparency.rules import GENESIS, canonical
from portal.transparency.service import append

CONTENT = {"title": "虚构的处罚", "fine": "1000.00"}


def find_broken() -> str | None:
    broken = check_chain().broken
    return f"{broken.what} {broken.name}" if broken else None


def add(number: int, action: LogAction = LogAction.PUBLISH) -> LogEntry:
    return append(subject=f"decision:{number}", action=action, content=CONTENT)


def test_an_entry_commits_to_the_content_and_to_the_entry_before(app: Flask) -> None:
    first, second = add(1), add(1)
    assert (first.previous_hash, second.previous_hash) == (GENESIS, first.hash)
    assert len(first.salt) == 32
    assert first.content_hash == hashlib.sha256((first.salt + canonical(CONTENT)).encode()).hexdigest()
    # Equal contents do not show as equal.
    assert first.content_hash != second.content_hash


def test_the_end_of_a_period_says_nothing_about_a_content(app: Flask) -> None:
    entry = append(subject="decision:1", action=LogAction.EXPIRE, content=None)
    assert (entry.salt, entry.content_hash) == ("", "")
    with pytest.raises(ValueError, match="content"):
        append(subject="decision:1", action=LogAction.EXPIRE, content=CONTENT)


@pytest.mark.parametrize("action", [LogAction.PUBLISH, LogAction.CORRECT, LogAction.WITHDRAW])
def test_whatever_else_is_logged_has_a_content(app: Flask, action: LogAction) -> None:
    with pytest.raises(ValueError, match="content"):
        append(subject="decision:1", action=action, content=None)


def test_a_subject_is_a_kind_and_a_number(app: Flask) -> None:
    for subject in ("", "decision", "decision:", "decision:1\npublish", "Decision:1"):
        with pytest.raises(ValueError, match="subject"):
            append(subject=subject, action=LogAction.PUBLISH, content=CONTENT)


def test_a_log_that_was_stored_and_read_again_holds(app: Flask) -> None:
    for number in range(4):
        add(number)
    db.session.commit()
    db.session.expire_all()
    assert find_broken() is None


def test_a_changed_entry_is_found(app: Flask) -> None:
    entries = [add(number).id for number in range(3)]
    db.session.commit()
    for change in ({"action": "correct"}, {"subject": "decision:9"}, {"content_hash": "0" * 64}, {"hash": "1" * 64}):
        db.session.execute(sa.update(LogEntry).where(LogEntry.id == entries[1]).values(change))
        assert find_broken() == f"entry {entries[1]}"
        db.session.rollback()
    assert find_broken() is None


def test_an_entry_that_is_gone_is_found(app: Flask) -> None:
    entries = [add(number).id for number in range(3)]
    db.session.execute(sa.delete(LogEntry).where(LogEntry.id == entries[1]))
    assert find_broken() == f"entry {entries[2]}"


def test_what_is_rolled_back_leaves_no_entry(app: Flask) -> None:
    add(1)
    db.session.commit()
    add(2)
    db.session.rollback()
    add(3)
    db.session.commit()
    assert list(db.session.scalars(sa.select(LogEntry.subject).order_by(LogEntry.id))) == ["decision:1", "decision:3"]
    assert find_broken() is None


def test_a_second_writer_waits_for_the_first(app: Flask) -> None:
    begun, ended = threading.Event(), threading.Event()

    def second() -> None:
        with app.app_context():
            begun.set()
            add(2)
            ended.set()
            db.session.commit()

    add(1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        assert begun.wait(10)
        assert not ended.wait(0.5)
        db.session.commit()
        waiting.result(10)
    db.session.expire_all()
    assert list(db.session.scalars(sa.select(LogEntry.subject).order_by(LogEntry.id))) == ["decision:1", "decision:2"]
    assert find_broken() is None


def test_writers_of_both_chains_at_once_do_not_block_each_other_for_good(app: Flask) -> None:
    def write(first: int) -> None:
        for number in range(10):
            with app.app_context():
                steps = [lambda number=number: add(number), lambda number=number: audit.record("x", f"x:{number}")]
                for step in steps if first else reversed(steps):
                    step()
                db.session.commit()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (0, 1), timeout=60))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(LogEntry)) == 20
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == 20
    assert find_broken() is None
    assert audit.first_broken() is None
