"""Who prepares the texts about high-risk periods, and who approves them."""

from portal.accounts import guard
from portal.accounts.models import Role

PREPARERS = (Role.CLERK, Role.SUPERVISOR)
APPROVERS = (Role.SUPERVISOR, Role.REVIEWER)


def may(roles: tuple[Role, ...]) -> bool:
    """Whether whoever is signed in has one of these roles."""
    return guard.current_staff().role in (*roles, Role.ADMIN)
