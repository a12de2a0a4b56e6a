"""Reading the public log, its checkpoints and keys, and whether they still hold together."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portal.cli import current_settings
from portal.db import db
from portal.paging import Page, list_page
from portal.transparency import rules
from portal.transparency.models import LogCheckpoint, LogEntry

CHUNK = 1000
SHOWN = 10
PRIVATE_KEY, PUBLIC_KEYS, LAST_SIGNED = "transparency.pem", "transparency-keys.json", "transparency-last.json"
COLUMNS = (
    LogEntry.id,
    LogEntry.at,
    LogEntry.subject,
    LogEntry.action,
    LogEntry.content_hash,
    LogEntry.previous_hash,
    LogEntry.hash,
)


@dataclass(frozen=True)
class PublicKey:
    """A key that checkpoints were signed with.

    Each but the first was signed over by the one before it, unless that one was lost.
    """

    key_id: str
    pem: str
    since: str
    signed_by: str = ""
    signature: str = ""


@dataclass(frozen=True)
class Broken:
    """The first thing that does not hold: an entry, a checkpoint, a key or a record, by its number or name."""

    what: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what} {self.name} {self.reason}"


@dataclass(frozen=True)
class Chain:
    """How far the log holds: all of it when nothing is `broken`."""

    entries: int
    checkpoints: int
    broken: Broken | None = None


def key_folder() -> Path:
    """Return where the log's keys are kept."""
    return current_settings().data_dir / "keys"


def list_keys() -> list[PublicKey]:
    """Return the public keys, the first one first."""
    try:
        found = json.loads((key_folder() / PUBLIC_KEYS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [PublicKey(**item) for item in found]


def list_newest(number: int) -> Page[Any]:
    """Return a page of entries, newest first."""
    return list_page(sa.select(*COLUMNS).order_by(LogEntry.id.desc()), number, size=SHOWN)


def list_checkpoints(limit: int) -> Sequence[LogCheckpoint]:
    """Return the newest checkpoints."""
    return db.session.scalars(sa.select(LogCheckpoint).order_by(LogCheckpoint.id.desc()).limit(limit)).all()


def list_for_subject(subject: str) -> Sequence[LogEntry]:
    """Return the entries about one record (`decision:12`), oldest first."""
    return db.session.scalars(sa.select(LogEntry).where(LogEntry.subject == subject).order_by(LogEntry.id)).all()


def find_newest() -> sa.Row[*tuple[Any, ...]] | None:
    """Return the newest entry, or None."""
    return db.session.execute(sa.select(*COLUMNS).order_by(LogEntry.id.desc()).limit(1)).first()


def find_last_checkpoint() -> LogCheckpoint | None:
    """Return the newest checkpoint, or None."""
    return next(iter(list_checkpoints(1)), None)


def walk_entries(after: int = 0) -> Iterator[sa.Row[*tuple[Any, ...]]]:
    """Yield the entries after one, in their order."""
    for piece in walk_pieces(after):
        yield from piece


def walk_pieces(after: int = 0) -> Iterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
    """Yield the entries after one in pieces; nothing is held in the database between one and the next."""
    while rows := db.session.execute(
        sa.select(*COLUMNS).where(LogEntry.id > after).order_by(LogEntry.id).limit(CHUNK)
    ).all():
        yield rows
        after = rows[-1].id


def list_all_checkpoints() -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return all checkpoints, oldest first."""
    names = (LogCheckpoint.entry_id, LogCheckpoint.hash, LogCheckpoint.at, LogCheckpoint.key_id)
    return db.session.execute(sa.select(*names, LogCheckpoint.signature).order_by(LogCheckpoint.entry_id)).all()


def hash_of(entry: Any) -> str:
    """Return the hash an entry must carry."""
    return rules.entry_hash(
        previous_hash=entry.previous_hash,
        at=entry.at,
        subject=entry.subject,
        action=entry.action,
        content_hash=entry.content_hash,
    )


def check_chain() -> Chain:
    """Walk the whole log: every entry carries the hash of the one before, every checkpoint signs one that is there."""
    keys = {key.key_id: key for key in list_keys()}
    waiting = {row.entry_id: row for row in _anchors()}
    previous, entries, checkpoints = rules.GENESIS, 0, 0
    broken = _check_keys(list(keys.values()))
    for entry in walk_entries() if broken is None else ():
        entries += 1
        if entry.previous_hash != previous or entry.hash != hash_of(entry):
            broken = Broken("entry", str(entry.id), "was changed, or the one before it was changed or taken out")
            break
        previous = entry.hash
        anchor = waiting.pop(entry.id, None)
        broken = _check_anchor(anchor, entry.hash, keys) if anchor else None
        if broken:
            break
        checkpoints += anchor is not None
    if broken is None and waiting:
        broken = Broken("entry", str(min(waiting)), "was taken out: a checkpoint has signed it")
    return Chain(entries, checkpoints, broken)


@dataclass(frozen=True)
class _Anchor:
    entry_id: int
    hash: str
    at: datetime
    key_id: str
    signature: str


def _anchors() -> Iterator[_Anchor]:
    """Yield what was signed: the checkpoint that this machine signed last, kept beside its key, then the table's."""
    kept = read_last_signed()
    if kept:
        yield _Anchor(**kept | {"at": datetime.fromisoformat(kept["at"])})
    for row in list_all_checkpoints():
        yield _Anchor(*row)


def read_last_signed() -> dict[str, Any]:
    """Return the checkpoint that was signed last, as the file beside the key has it; empty before the first."""
    try:
        found: dict[str, Any] = json.loads((key_folder() / LAST_SIGNED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _check_anchor(anchor: _Anchor, entry_hash: str, keys: dict[str, PublicKey]) -> Broken | None:
    name = str(anchor.entry_id)
    if anchor.hash != entry_hash:
        return Broken("entry", name, "is not the one that a checkpoint has signed: the log was rewritten")
    key = keys.get(anchor.key_id)
    if key is None:
        return Broken("checkpoint", name, "is signed with a key that is not ours")
    text = rules.checkpoint_text(entry_id=anchor.entry_id, entry_hash=anchor.hash, at=anchor.at, key_id=anchor.key_id)
    return None if rules.is_signed(text, anchor.signature, key.pem) else Broken("checkpoint", name, "is not signed")


def _check_keys(keys: Sequence[PublicKey]) -> Broken | None:
    known: dict[str, PublicKey] = {}
    for key in keys:
        if key.key_id != rules.key_id_of(key.pem):
            return Broken("key", key.key_id, "is not what its name says")
        if key.signed_by:
            signer, text = known.get(key.signed_by), rules.succession_text(key_id=key.key_id, pem=key.pem)
            if signer is None or not rules.is_signed(text, key.signature, signer.pem):
                return Broken("key", key.key_id, "is not signed by the one before it")
        known[key.key_id] = key
    return None
