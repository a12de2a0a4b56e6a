"""Writing the public log, and signing checkpoints over it.

The private key lives in `DATA_DIR/keys` and never in the database: whoever can change rows cannot sign what they did.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa

from portal import clock
from portal.audit.service import lock_chains
from portal.db import db
from portal.errors import Conflict
from portal.transparency import queries, rules
from portal.transparency.models import LogAction, LogCheckpoint, LogEntry
from portal.transparency.queries import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SALT_BYTES = 16
# After this step nothing of a record is public any more; of one that was withdrawn the notice is that says why.
WITHOUT_CONTENT = frozenset({LogAction.EXPIRE})


def append(*, subject: str, action: LogAction, content: Mapping[str, object] | None) -> LogEntry:
    """Add one step of a published record, in the caller's transaction; `content` is what the public reads from now on.

    Until the transaction ends, other writers of the log wait: keep what follows short. Raises ValueError when the
    subject is not `kind:number`, or when content is given for an expiry, or missing for anything else.
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
    entry.hash = queries.hash_of(entry)
    db.session.add(entry)
    db.session.flush()
    return entry


def make_checkpoint() -> LogCheckpoint | None:
    """Sign the log as it stands; None when nothing was added since the last time.

    Raises Conflict when what was added does not fit what was signed, or when the key is not to be had.
    """
    lock_chains()
    last, newest = queries.find_last_checkpoint(), queries.find_newest()
    if newest is None or (last is not None and (last.entry_id, last.hash) == (newest.id, newest.hash)):
        return None
    _refuse_misfit(last)
    key = _open_key(last)
    key_id = _key_id(key)
    checkpoint = LogCheckpoint(at=clock.now(), entry_id=newest.id, hash=newest.hash, key_id=key_id)
    text = rules.checkpoint_text(entry_id=newest.id, entry_hash=newest.hash, at=checkpoint.at, key_id=key_id)
    checkpoint.signature = key.sign(text.encode()).hex()
    db.session.add(checkpoint)
    db.session.flush()
    kept = {name: getattr(checkpoint, name) for name in ("entry_id", "hash", "key_id", "signature")}
    _write(queries.LAST_SIGNED, json.dumps(kept | {"at": rules.moment(checkpoint.at)}))
    return checkpoint


def _refuse_misfit(last: LogCheckpoint | None) -> None:
    """Raise Conflict when the log since the last checkpoint, or the entry signed last, is not what it was."""
    kept = queries.read_last_signed()
    signed = {kept["entry_id"]: kept["hash"]} if kept else {}
    signed |= {last.entry_id: last.hash} if last else {}
    found = dict(db.session.execute(sa.select(LogEntry.id, LogEntry.hash).where(LogEntry.id.in_(signed))).all())
    if found != signed:
        raise Conflict("what was signed is not in the log any more; run flask publication verify")
    previous = last.hash if last else rules.GENESIS
    for entry in queries.walk_entries(last.entry_id if last else 0):
        if entry.previous_hash != previous or entry.hash != queries.hash_of(entry):
            raise Conflict(f"entry {entry.id} does not fit the one before it; run flask publication verify")
        previous = entry.hash


def rotate_key(*, lost: bool = False) -> PublicKey:
    """Put a new key in the place of the present one, which signs it; what was signed before stays verifiable.

    With `lost` the present one signs nothing. Raises Conflict when it is not to be had.
    """
    lock_chains()
    before = None if lost else _open_key(queries.find_last_checkpoint())
    _make_key(before)
    return queries.list_keys()[-1]


def _open_key(last: LogCheckpoint | None) -> "Ed25519PrivateKey":
    """Return the private key, made when there was none; Conflict when there should be one here."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    known = queries.list_keys()
    if last is not None and last.key_id not in {key.key_id for key in known}:
        raise Conflict(f"the key {last.key_id} is on another machine: both need the same folder keys in DATA_DIR")
    try:
        pem = (queries.key_folder() / queries.PRIVATE_KEY).read_bytes()
    except FileNotFoundError:
        if not known:
            return _make_key(None)
        mend = "bring it back, or run flask publication rotate-key --lost"
        raise Conflict(f"{queries.PRIVATE_KEY} is gone: {mend}") from None
    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey) or _key_id(key) not in {item.key_id for item in known}:
        raise Conflict(f"{queries.PRIVATE_KEY} does not belong to {queries.PUBLIC_KEYS}")
    return key


def _make_key(before: "Ed25519PrivateKey | None") -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem, key_id = _public_pem(key), _key_id(key)
    signed = {}
    if before is not None:
        text = rules.succession_text(key_id=key_id, pem=pem)
        signed = {"signed_by": _key_id(before), "signature": before.sign(text.encode()).hex()}
    known = [*queries.list_keys(), PublicKey(key_id, pem, rules.moment(clock.now()), **signed)]
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # The public one first: a private one alone could sign what nobody can check.
    _write(queries.PUBLIC_KEYS, json.dumps([asdict(item) for item in known], indent=1))
    _write(queries.PRIVATE_KEY, key.private_bytes(*form).decode())
    return key


def _public_pem(key: "Ed25519PrivateKey") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _key_id(key: "Ed25519PrivateKey") -> str:
    return rules.key_id_of(_public_pem(key))


def _write(name: str, text: str) -> None:
    """Write a file beside the keys, whole or not at all, for nobody else to read."""
    folder = queries.key_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    new = folder / f".{name}.{secrets.token_hex(4)}"
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / name)
