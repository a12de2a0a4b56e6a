"""What the hashes of the public log are taken over; docs/transparency.md tells the public the same."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

GENESIS = "0" * 64
# What an entry may be about; a line break in it would make the hashed lines ambiguous.
SUBJECT = re.compile(r"[a-z_]+:[0-9]+")
# First lines of what is signed, so that no signature can pass for one over something else.
CHECKPOINT = "law-enforcement-portal checkpoint v1"
SUCCESSION = "law-enforcement-portal key v1"


def canonical(content: Mapping[str, object]) -> str:
    """Return a content as canonical JSON (RFC 8785): keys sorted, no spaces, no escapes but the needed ones.

    Days are ISO 8601, moments likewise in UTC, sums of money text with two decimals, so that a value reads the same
    before it is stored and after. Raises TypeError for anything whose form is not fixed, such as a float.
    """
    return canonical_value(content)


def canonical_value(value: object) -> str:
    """Return a part of a content as it stands in the whole."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def moment(at: datetime) -> str:
    """Return a moment as the log writes it: UTC, always with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def content_hash(salt: str, canonical_content: str) -> str:
    """Return the hash of a salt (32 hexadecimal digits) followed by the canonical content."""
    return hashlib.sha256(f"{salt}{canonical_content}".encode()).hexdigest()


def entry_hash(*, previous_hash: str, at: datetime, subject: str, action: str, content_hash: str) -> str:
    """Return the hash of an entry: over five lines, parted by line feeds, with none after the last."""
    lines = (previous_hash, moment(at), subject, action, content_hash)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def checkpoint_text(*, entry_id: int, entry_hash: str, at: datetime, key_id: str) -> str:
    """Return what a checkpoint's signature is over."""
    return "\n".join((CHECKPOINT, str(entry_id), entry_hash, moment(at), key_id))


def succession_text(*, key_id: str, pem: str) -> str:
    """Return what the key before signs when another one takes its place."""
    return "\n".join((SUCCESSION, key_id, pem.strip()))


def key_id_of(pem: str) -> str:
    """Return the name of a public key: the first 16 hexadecimal digits of the hash of its 32 bytes."""
    return hashlib.sha256(raw_key(pem)).hexdigest()[:16]


def raw_key(pem: str) -> bytes:
    """Return the 32 bytes of a public Ed25519 key; raises ValueError for anything else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no Ed25519 key")
    return key.public_bytes_raw()


def is_signed(text: str, signature: str, pem: str) -> bool:
    """Whether a signature (hexadecimal, Ed25519) over a text was made by whoever holds the key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(raw_key(pem)).verify(bytes.fromhex(signature), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
