"""Reading the public log, and whether it still holds together."""

import sqlalchemy as sa

from portal.db import db
from portal.transparency import rules
from portal.transparency.models import LogEntry

CHUNK = 500


def hash_of(entry: LogEntry) -> str:
    """Return the hash an entry must carry."""
    return rules.entry_hash(
        previous_hash=entry.previous_hash,
        at=entry.at,
        subject=entry.subject,
        action=entry.action,
        content_hash=entry.content_hash,
    )


def find_broken() -> int | None:
    """Return the id of the first entry that does not fit the one before it, or None."""
    previous = rules.GENESIS
    for entry in db.session.scalars(sa.select(LogEntry).order_by(LogEntry.id)).yield_per(CHUNK):
        if entry.previous_hash != previous or entry.hash != hash_of(entry):
            return entry.id
        previous = entry.hash
    return None
