"""One-time codes: six digits that a shared secret and the time give (RFC 6238), and codes on paper."""

import base64
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
# A phone's clock may be half a minute off.
DRIFT = 1
RECOVERY_CODES = 10
RECOVERY_LENGTH = 12


def step_at(moment: datetime) -> int:
    """Return the number of the time step that holds a moment."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step (RFC 4226, section 5.3)."""
    # SHA-1 is what every authenticator computes; as a keyed digest it is not broken.
    digest = hmac.new(secret, step.to_bytes(8, "big"), "sha1").digest()
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def find_step(secret: bytes, typed: str, now: datetime, *, after: int) -> int | None:
    """Return the time step that a typed code belongs to, or None; one at or before `after` is used up."""
    present = step_at(now)
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), typed.encode()) and step > after:
            return step
    return None


def read_code(typed: str) -> str:
    """Return the digits of a code, however it was grouped."""
    return "".join(str(int(letter)) for letter in typed if letter.isdecimal())


def read_recovery(typed: str) -> str:
    """Return the letters and digits of a recovery code, however it was grouped."""
    return "".join(letter for letter in typed.upper() if letter.isascii() and letter.isalnum())


def group(text: str) -> str:
    """Return a long word in groups of four."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def spell(secret: bytes) -> str:
    """Return a secret as it is typed into an authenticator."""
    return base64.b32encode(secret).decode().rstrip("=")


def address_of(secret: bytes, *, issuer: str, account: str) -> str:
    """Return what an authenticator reads from the picture."""
    label = quote(f"{issuer}:{account}", safe=":@")
    values = {"secret": spell(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"
