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


def canonical(content: Mapping[str, object]) -> str:
    """Return a content as canonical JSON (RFC 8785): keys sorted, no spaces, no escapes but the needed ones.

    Days are ISO 8601, moments likewise in UTC, sums of money text with two decimals, so that a value reads the same
    before it is stored and after. Raises TypeError for anything whose form is not fixed, such as a float.
    """
    return json.dumps(_plain(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


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
