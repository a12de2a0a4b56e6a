"""Who may do what, and how many tries a sign-in has."""

from datetime import datetime, timedelta

TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
# Without a request for so long, and at most.
SESSION_LASTS = timedelta(hours=8)
SESSION_ENDS = timedelta(days=7)
# When a place was last used is kept no finer than this, so that reading hardly ever writes.
USE_IS_NOTED = timedelta(minutes=15)
# How long somebody may look for their phone after the password.
WAITS_FOR_CODE = timedelta(minutes=10)
MIN_PASSWORD = 12

ROLES_THAT_SEE_ALL = frozenset({"admin", "supervisor"})


def sees_all(role: str) -> bool:
    """Whether a role sees the records of every organ: the legal office supervises all of them."""
    return role in ROLES_THAT_SEE_ALL


def is_over(started_at: datetime, used_at: datetime, now: datetime) -> bool:
    """Whether a session has run out."""
    return now >= started_at + SESSION_ENDS or now >= used_at + SESSION_LASTS + USE_IS_NOTED


def lock_after(failed_attempts: int, now: datetime) -> datetime | None:
    """Return until when an account is locked after so many failures in a row, or None."""
    return now + LOCKED_FOR if failed_attempts >= TRIES else None
