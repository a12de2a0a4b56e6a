"""Who sees the words of the original, what is recorded of it, and who may review."""

from flask import session
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.audit import service as audit
from portal.db import db, writing
from portal.decisions.models import Decision
from portal.errors import Forbidden

REVIEWERS = (Role.REVIEWER, Role.SUPERVISOR)
# For so long an opened original stays open; looking again later is recorded anew.
OPEN_SECONDS = 30 * 60
MOST_OPEN = 10


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


def is_open(decision_id: int) -> bool:
    """Whether whoever is signed in has opened the original of a decision lately."""
    opened_at = session.get("originals", {}).get(str(decision_id), 0)
    return bool(clock.now().timestamp() - float(opened_at) < OPEN_SECONDS)


def open_original(decision: Decision) -> None:
    """Record and commit that somebody looks at the unmasked words of a decision, unless they are open already.

    Nothing else is kept of what was not committed before.
    """
    if is_open(decision.id):
        return
    subject, staff_id = f"decision:{decision.id}", guard.current_staff().id
    db.session.rollback()
    with writing():
        audit.record("decision.original", subject, staff_id=staff_id)
        db.session.commit()
    opened = sorted(session.get("originals", {}).items(), key=lambda entry: float(entry[1]))[1 - MOST_OPEN :]
    session["originals"] = dict(opened) | {str(decision.id): clock.now().timestamp()}
