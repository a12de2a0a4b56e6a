"""Sealing what nobody may read who only has the database, a backup or a disk.

Envelope encryption: every record that holds secrets has a data key of its own (AES-256-GCM); the data key is stored
beside it, wrapped by one of the vault's keys, whose number comes first. Vault keys live in one file outside the
database. Rotating means adding a key and wrapping the data keys anew: what they seal stays as it is.
Whatever is sealed is bound to a context (table, column, record), so that it cannot be moved to another place.

What must be found by equality (phone numbers) is sealed alike instead: AES-SIV makes the same seal of the same text.
"""

import base64
import fcntl
import hashlib
import hmac
import json
import logging
import os
import secrets
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import lazy_gettext as _l

from portal.db import Model, db, reading
from portal.disk import sync_folder, write_new
from portal.errors import Refusal
from portal.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

log = logging.getLogger(__name__)

FILE_NAME = "vault.json"
FORMAT = 1
KEY_BYTES, NONCE_BYTES = 32, 12
HEADER = 2  # Format and number of the vault key, a byte each.
WRAPPED_BYTES = HEADER + NONCE_BYTES + KEY_BYTES + 16
MOST_KEYS = 255
ALIKE = "s1."  # Leads what is sealed alike, so that it is told apart from what was written before there was a vault.


class BrokenSeal(Exception):
    """What was sealed cannot be opened: another key, another context, or changed; the message names no content."""


class VaultMissing(Refusal):
    """The vault's file is not where it should be; a new one would open nothing of what is sealed."""

    status = 503

    def __init__(self, path: Path) -> None:
        super().__init__(_l("The keys that seal records are missing; whoever runs the portal has to bring them back."))
        log.error("the vault %s is missing or cannot be read", path)


@dataclass(frozen=True, kw_only=True)
class Vault:
    """The vault's keys by number; the highest one wraps. `index` never changes: blind indexes are computed with it."""

    keys: Mapping[int, bytes] = field(repr=False)
    index: bytes = field(repr=False)

    @property
    def newest(self) -> int:
        return max(self.keys)

    def wrap(self, data_key: bytes, context: str, *, nonce: bytes | None = None) -> bytes:
        """Return a data key sealed with the newest vault key, led by format and key number."""
        head = bytes((FORMAT, self.newest))
        return head + seal(self.keys[self.newest], data_key, f"{head.hex()}:{context}", nonce=nonce)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Return a data key.

        Raises BrokenSeal when its vault key is not here, or it was wrapped for another context.
        """
        head, body = bytes(wrapped[:HEADER]), bytes(wrapped[HEADER:])
        if len(head) < HEADER or head[0] != FORMAT or head[1] not in self.keys:
            raise BrokenSeal(f"vault key {wrapped_by(wrapped)} is not in the vault")
        return unseal(self.keys[head[1]], body, f"{head.hex()}:{context}")

    def digest(self, purpose: str, value: str) -> bytes:
        """Return 32 bytes that only holders of the vault can compute: for equality without content (HMAC-SHA256)."""
        return hmac.new(self.index, f"{purpose}:{value}".encode(), hashlib.sha256).digest()

    @cached_property
    def _alike(self) -> "AESSIV":
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESSIV(HKDF(SHA256(), length=64, salt=None, info=b"portal.vault:alike:1").derive(self.index))

    def seal_alike(self, text: str, context: str) -> str:
        """Return a text sealed so that the same text gives the same seal: to compare, not to read (AES-256-SIV)."""
        sealed = self._alike.encrypt(text.encode(), [context.encode()])
        return ALIKE + b2a_base64(sealed, newline=False).decode()

    def unseal_alike(self, sealed: str, context: str) -> str:
        """Return a text that was sealed alike; BrokenSeal when it does not open."""
        if not sealed.startswith(ALIKE):
            raise BrokenSeal(f"the seal of {context} is missing")
        try:
            # Every message that is sent passes here: no more than what it takes.
            return self._alike.decrypt(a2b_base64(sealed[len(ALIKE) :]), [context.encode()]).decode()
        except Exception as problem:
            from cryptography.exceptions import InvalidTag

            if isinstance(problem, InvalidTag | ValueError):
                raise BrokenSeal(f"the seal of {context} is broken") from problem
            raise


def wrapped_by(wrapped: bytes) -> int:
    """Return the number of the vault key that wrapped a data key; 0 when it cannot be told."""
    return wrapped[1] if len(wrapped) > HEADER and wrapped[0] == FORMAT else 0


def new_data_key() -> bytes:
    """Return a fresh data key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, content: bytes, context: str, *, nonce: bytes | None = None) -> bytes:
    """Return content sealed with AES-256-GCM under a nonce, which comes first: a random one, apart from known answers.

    A key seals far less often than the 2^32 times after which random nonces could meet.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = nonce or secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """Return sealed content.

    Raises BrokenSeal when key or context differ, or a single bit was changed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = bytes(sealed)
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as problem:
        raise BrokenSeal(f"the seal of {context.split(':', 1)[0]} is broken") from problem


def seal_json(key: bytes, content: Any, context: str) -> bytes:
    """Return a JSON value sealed."""
    return seal(key, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), context)


def unseal_json(key: bytes, sealed: bytes, context: str) -> Any:
    """Return a sealed JSON value; BrokenSeal when it does not open."""
    return json.loads(unseal(key, sealed, context))


@dataclass(frozen=True)
class _Kept:
    """A vault in memory, with what its file looked like when it was read."""

    vault: Vault
    path: str
    stamp: tuple[int, int]


def get_vault() -> Vault:
    """Return the vault as its file stands now, so that whatever is wrapped gets the newest key.

    The vault is made with its first key when there is none, as long as nothing is sealed yet. Raises VaultMissing.
    """
    kept: _Kept | None = current_app.extensions.get("vault")
    if kept is None:
        load(vault_path())
        return _keep()
    try:
        changed = _stamp(kept.path) != kept.stamp
    except FileNotFoundError as problem:
        # What would be sealed now could be opened by nobody after the next start.
        raise VaultMissing(Path(kept.path)) from problem
    return _keep() if changed else kept.vault


def peek_vault() -> Vault:
    """Return the vault without a look at its file: for what depends on `index` alone, which never changes."""
    kept: _Kept | None = current_app.extensions.get("vault")
    return kept.vault if kept is not None else get_vault()


def _keep() -> Vault:
    path = vault_path()
    stamp = _stamp(str(path))  # Before it is read: what changes in between is then read again.
    vault = _read_file(path)
    current_app.extensions["vault"] = _Kept(vault, str(path), stamp)
    return vault


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - a third of the time that a Path takes
    return found.st_mtime_ns, found.st_ino


def open_data_key(wrapped: bytes, context: str) -> bytes:
    """Return a record's data key, even when another process has just added the vault key; BrokenSeal otherwise."""
    vault = peek_vault()
    if wrapped_by(wrapped) not in vault.keys:
        vault = get_vault()
    return vault.unwrap(wrapped, context)


def load(path: Path) -> Vault:
    """Return the vault of a file, which is made when there is none and nothing is sealed; twice at once makes one.

    Raises VaultMissing when there should be one.
    """
    if not path.exists():
        if _is_needed():
            raise VaultMissing(path)
        _write_first(path)
    return _read_file(path)


def _is_needed() -> bool:
    """Whether the database holds something that only a vault made earlier can open."""
    with reading(), db.engine.connect() as connection:
        inspector = sa.inspect(connection)
        for name, column, condition in _sealed_columns():
            if inspector.has_table(name) and column.name in {found["name"] for found in inspector.get_columns(name)}:
                statement = sa.select(sa.literal(1)).select_from(sa.table(name, column)).where(condition).limit(1)
                if connection.execute(statement).first():
                    return True
    return False


def _sealed_columns() -> Iterator[tuple[str, sa.ColumnClause[Any], sa.ColumnElement[bool]]]:
    phone: sa.ColumnClause[Any] = sa.column("phone", sa.Text)
    yield "contact", phone, phone.startswith(ALIKE)
    for name, table in Model.metadata.tables.items():
        if "data_key" in table.columns:
            data_key: sa.ColumnClause[Any] = sa.column("data_key")
            yield name, data_key, data_key.is_not(None)


def _read_file(path: Path) -> Vault:
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise VaultMissing(path) from problem


def read(text: str) -> Vault:
    """Return the vault that a file's text holds; ValueError or KeyError when it holds none."""
    body = json.loads(text)
    keys = {int(number): _read_key(key) for number, key in body["keys"].items()}
    if not keys or not all(0 < number <= MOST_KEYS for number in keys):
        raise ValueError("no keys, or numbered beyond what a header can say")
    return Vault(keys=keys, index=_read_key(body["index"]))


def _read_key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("a key of another length")
    return key


def text_of(vault: Vault) -> str:
    """Return the text of a vault's file."""
    keys = {str(number): base64.b64encode(key).decode() for number, key in sorted(vault.keys.items())}
    return json.dumps({"keys": keys, "index": base64.b64encode(vault.index).decode()}, indent=2) + "\n"


@contextmanager
def changing() -> Iterator[Vault]:
    """Let one process at a time change the vault, by `replace_file`; inside is the vault as it stands."""
    get_vault()
    path = vault_path()
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _read_file(path)


def replace_file(vault: Vault) -> Vault:
    """Put a vault in the place of what is there, in one step, and use it from now on."""
    path = vault_path()
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    write_new(fresh, text_of(vault).encode())
    fresh.replace(path)
    sync_folder(path.parent)
    return _keep()


def _write_first(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    write_new(fresh, text_of(Vault(keys={1: new_data_key()}, index=new_data_key())).encode())
    try:
        # A link fails when somebody was faster; a rename would take their key away.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    sync_folder(path.parent)


def vault_path() -> Path:
    """Return where the vault's file is."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.vault_file or settings.data_dir / "keys" / FILE_NAME
