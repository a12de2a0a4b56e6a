"""Writing the public log."""

import secrets
from collections.abc import Mapping

import sqlalchemy as sa

from portal import clock
from portal.audit.service import lock_chains
from portal.db import db
from portal.transparency import rules
from portal.transparency.models import LogAction, LogEntry
from portal.transparency.queries import hash_of

SALT_BYTES = 16
# After these steps a record is not public any more, so the log says nothing about what it held.
WITHOUT_CONTENT = frozenset({LogAction.WITHDRAW, LogAction.EXPIRE})


def append(*, subject: str, action: LogAction, content: Mapping[str, object] | None) -> LogEntry:
    """Add one step of a published record, in the caller's transaction; `content` is what the public reads from now on.

    Until the transaction ends, other writers of the log wait: keep what follows short. Raises ValueError when the
    subject is not `kind:number`, or when content is given for a withdrawal or expiry, or missing for anything else.
    """
    if not rules.SUBJECT.fullmatch(subject):
        raise ValueError("a subject is a kind and a number")
    if (content is None) != (action in WITHOUT_CONTENT):
        raise ValueError(f"{action} with the wrong content")
    salt = "" if content is None else secrets.token_hex(SALT_BYTES)
    content_hash = "" if content is None else rules.content_hash(salt, rules.canonical(content))
    lock_chains()
    entry = LogEntry(
        at=clock.now(),
        subject=subject,
        action=action,
        salt=salt,
        content_hash=content_hash,
        previous_hash=db.session.scalar(sa.select(LogEntry.hash).order_by(LogEntry.id.desc()).limit(1))
        or rules.GENESIS,
    )
    entry.hash = hash_of(entry)
    db.session.add(entry)
    db.session.flush()
    return entry
