"""Sealing what nobody may read who only has the database, a backup or a disk.

Envelope encryption: every record that holds secrets has a data key of its own (AES-256-GCM); the data key is stored
beside it, wrapped by one of the vault's keys, whose number comes first. Vault keys live in one file outside the
database. Rotating means adding a key and wrapping the data keys anew: what they seal stays as it is.
Whatever is sealed is bound to a context (table, column, record), so that it cannot be moved to another place.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import current_app

from portal.settings import Settings

FORMAT = 1
KEY_BYTES, NONCE_BYTES = 32, 12
HEADER = 2  # Format and number of the vault key, a byte each.


class BrokenSeal(Exception):
    """What was sealed cannot be opened: another key, another context, or changed; the message names no content."""


@dataclass(frozen=True, kw_only=True)
class Vault:
    """The vault's keys by number; the highest one wraps. `index` never changes: blind indexes are computed with it."""

    keys: Mapping[int, bytes] = field(repr=False)
    index: bytes = field(repr=False)

    @property
    def newest(self) -> int:
        return max(self.keys)

    def wrap(self, data_key: bytes, context: str) -> bytes:
        """Return a data key sealed with the newest vault key, led by format and key number."""
        head = bytes((FORMAT, self.newest))
        return head + seal(self.keys[self.newest], data_key, f"{head.hex()}:{context}")

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


def wrapped_by(wrapped: bytes) -> int:
    """Return the number of the vault key that wrapped a data key; 0 when it cannot be told."""
    return wrapped[1] if len(wrapped) > HEADER and wrapped[0] == FORMAT else 0


def new_data_key() -> bytes:
    """Return a fresh data key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, content: bytes, context: str) -> bytes:
    """Return content sealed with AES-256-GCM under a random nonce, which comes first."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
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


def get_vault() -> Vault:
    """Return the vault of this portal, made with its first key when there is none yet."""
    vault = current_app.extensions.get("vault")
    if vault is None:
        vault = current_app.extensions["vault"] = load(_path())
    return vault


def reload_vault() -> Vault:
    """Read the vault anew, because another process has added a key."""
    vault = current_app.extensions["vault"] = load(_path())
    return vault


def open_data_key(wrapped: bytes, context: str) -> bytes:
    """Return a record's data key, even when another process has just added the vault key; BrokenSeal otherwise."""
    vault = get_vault()
    if wrapped_by(wrapped) not in vault.keys:
        vault = reload_vault()
    return vault.unwrap(wrapped, context)


def load(path: Path) -> Vault:
    """Return the vault of a file, which is made when it is not there; twice at once makes one."""
    if not path.exists():
        _write_first(path)
    return read(path.read_text(encoding="utf-8"))


def read(text: str) -> Vault:
    """Return the vault that a file's text holds."""
    body = json.loads(text)
    keys = {int(number): base64.b64decode(key) for number, key in body["keys"].items()}
    return Vault(keys=keys, index=base64.b64decode(body["index"]))


def text_of(vault: Vault) -> str:
    """Return the text of a vault's file."""
    keys = {str(number): base64.b64encode(key).decode() for number, key in sorted(vault.keys.items())}
    return json.dumps({"keys": keys, "index": base64.b64encode(vault.index).decode()}, indent=2) + "\n"


def _write_first(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text_of(Vault(keys={1: new_data_key()}, index=new_data_key())))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link fails when somebody was faster; a rename would take their key away.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _path() -> Path:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.vault_file or settings.data_dir / "keys" / "vault.json"
