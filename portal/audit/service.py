"""Writing the audit log."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.audit.models import AuditEntry
from portal.db import db

GENESIS = "0" * 64


def lock_chains() -> None:
    """Wait until nobody else is writing to a hash chain, and keep others out until this transaction ends.

    Two writers must not continue a chain from the same row. All chains share one lock: a step that is written to two
    of them could meet another that takes them the other way round. SQLite has one writer at a time anyway.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.text("SELECT pg_advisory_xact_lock(4108831)"))


def record(action: str, subject: str, *, staff_id: int | None = None, **details: Any) -> AuditEntry:
    """Append one step; `details` must hold ids and words, never personal data."""
    lock_chains()
    previous = db.session.scalar(sa.select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)) or GENESIS
    entry = AuditEntry(
        at=clock.now(), staff_id=staff_id, action=action, subject=subject, details=details, previous_hash=previous
    )
    entry.hash = chain_hash(entry)
    db.session.add(entry)
    db.session.flush()
    return entry


def chain_hash(entry: AuditEntry) -> str:
    """Return the hash an entry must carry, over its own content and the hash before it."""
    body = [entry.previous_hash, entry.at.isoformat(), entry.staff_id, entry.action, entry.subject, entry.details]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def first_broken() -> int | None:
    """Return the id of the first entry whose chain does not hold, or None."""
    previous = GENESIS
    for entry in db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).yield_per(500):
        if entry.previous_hash != previous or entry.hash != chain_hash(entry):
            return entry.id
        previous = entry.hash
    return None
