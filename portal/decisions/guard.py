"""Who sees the words of the original, and who may review."""

from flask_babel import lazy_gettext as _l

from portal.accounts import guard
from portal.accounts.models import Role
from portal.errors import Forbidden

REVIEWERS = (Role.REVIEWER, Role.SUPERVISOR)


def may_review() -> bool:
    """Whether whoever is signed in may publish what others wrote."""
    return guard.current_staff().role in (*REVIEWERS, Role.ADMIN)


def sees_original(organ_id: int) -> bool:
    """Whether whoever is signed in sees the unmasked words of an organ's decisions: its own staff, and administrators.

    The legal office supervises all organs by what the public reads.
    """
    staff = guard.current_staff()
    return staff.role is Role.ADMIN or staff.organ_id == organ_id


def require_original(organ_id: int) -> None:
    """Raise Forbidden to whoever does not see the original of an organ's decisions."""
    if not sees_original(organ_id):
        raise Forbidden(_l("Only the organ itself sees and changes the original of its decisions."))
