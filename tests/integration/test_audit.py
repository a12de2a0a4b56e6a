"""The audit log tells when somebody changed it, and where."""

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.audit import service as audit
from portal.audit.models import AuditEntry
from portal.db import db


@pytest.fixture
def entries(app: Flask) -> list[int]:
    found = [
        audit.record("permit.renewed", f"permit:{number}", staff_id=7, why="虚构", number=number).id
        for number in range(4)
    ]
    db.session.commit()
    db.session.expire_all()
    return found


def test_a_log_that_nobody_touched_holds(entries: list[int]) -> None:
    assert len(entries) == 4
    assert audit.first_broken() is None


@pytest.mark.parametrize(
    "change", [{"action": "permit.revoked"}, {"staff_id": 8}, {"details": {"why": "other"}}, {"subject": "permit:9"}]
)
def test_a_changed_entry_is_found(entries: list[int], change: dict[str, object]) -> None:
    db.session.execute(sa.update(AuditEntry).where(AuditEntry.id == entries[1]).values(change))
    assert audit.first_broken() == entries[1]


def test_an_entry_that_is_gone_is_found(entries: list[int]) -> None:
    db.session.execute(sa.delete(AuditEntry).where(AuditEntry.id == entries[1]))
    assert audit.first_broken() == entries[2]
