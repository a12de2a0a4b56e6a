"""Who may do what, and how many tries a sign-in has."""

from datetime import datetime, timedelta

TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=8)
MIN_PASSWORD = 12

ROLES_THAT_SEE_ALL = frozenset({"admin", "supervisor"})


def sees_all(role: str) -> bool:
    """Whether a role sees the records of every organ: the legal office supervises all of them."""
    return role in ROLES_THAT_SEE_ALL


def lock_after(failed_attempts: int, now: datetime) -> datetime | None:
    """Return until when an account is locked after so many failures in a row, or None."""
    return now + LOCKED_FOR if failed_attempts >= TRIES else None
