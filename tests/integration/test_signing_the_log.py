"""The notifier signs the public log when something was added, and never one that does not hold."""

import logging

import pytest
import sqlalchemy as sa
from flask import Flask

from notifiers.checkpoints import sign
from notifiers.wakeups import SECONDS
from notifiers.worker import JOBS
from portal.db import db
from portal.transparency.models import LogAction, LogCheckpoint, LogEntry
from portal.transparency.service import append


def add() -> int:
    entry = append(subject="decision:1", action=LogAction.PUBLISH, content={"title": "虚构"})
    db.session.commit()
    return entry.id


def count() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(LogCheckpoint)) or 0


def test_what_is_new_is_signed_within_minutes(app: Flask) -> None:
    assert JOBS["sign"] is sign
    assert SECONDS["sign"] <= 300
    assert sign() == {"checkpoints": 0}
    add()
    assert sign() == {"checkpoints": 1}
    assert sign() == {"checkpoints": 0}
    db.session.rollback()
    assert count() == 1


def test_a_log_that_does_not_hold_is_complained_of_and_not_signed(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    number = add()
    add()
    db.session.execute(sa.update(LogEntry).where(LogEntry.id == number).values(action=LogAction.CORRECT))
    db.session.commit()
    with caplog.at_level(logging.ERROR):
        assert sign() == {"checkpoints": 0}
    assert f"entry {number} does not fit" in caplog.text
    assert count() == 0
