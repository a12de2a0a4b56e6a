"""Ordering, replying, and accepting or asking again. Callers hold the case's row locked, and commit."""

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Role, Staff
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.complaints.models import Complaint, ComplaintState
from portal.complaints.service import add_event
from portal.db import db
from portal.errors import Forbidden, TransitionError
from portal.supervisions.models import Supervision, SupervisionState
from portal.supervisions.queries import find_open

OFFICE = frozenset({Role.SUPERVISOR, Role.ADMIN})
NEVER = (ComplaintState.WITHDRAWN, ComplaintState.MERGED)
GONE = _l("This step is not possible any more; below is how it stands now.")


def order_supervision(*, complaint: Complaint, staff: Staff, reason: str, within: int) -> Supervision:
    """Order the organ that handles a case to report on it, within so many working days.

    Provincial regulation on administrative law enforcement, article 43. Raises Forbidden for whoever is not of the
    office that supervises, TransitionError when an order is open or the case was withdrawn or joined.
    """
    _require_office(staff)
    if find_open(complaint) is not None or complaint.state in NEVER:
        raise TransitionError(GONE)
    ordered = Supervision(
        complaint_id=complaint.id,
        organ_id=complaint.handler_organ_id,
        due_on=get_calendar().add_working_days(clock.today(), within).day,
        ordered_by_id=staff.id,
    )
    db.session.add(ordered)
    _record(complaint, "supervise", staff, reason)
    return ordered


def reply_to_order(*, complaint: Complaint, staff: Staff, reply: str) -> None:
    """Report to the office; raises TransitionError when nothing is asked, Forbidden for whoever ordered it."""
    ordered = _get_open(complaint, SupervisionState.ORDERED)
    if staff.id == ordered.ordered_by_id:
        raise Forbidden(_l("Whoever ordered it cannot reply to it."))
    ordered.state, ordered.replied_at, ordered.replied_by_id = SupervisionState.REPLIED, clock.now(), staff.id
    _record(complaint, "supervise-reply", staff, reply)


def accept_reply(*, complaint: Complaint, staff: Staff, words: str) -> None:
    """Find a reply sufficient; refusals as in `ask_again`."""
    ordered = _get_replied(complaint, staff)
    ordered.state, ordered.accepted_at = SupervisionState.ACCEPTED, clock.now()
    _record(complaint, "supervise-accept", staff, words)


def ask_again(*, complaint: Complaint, staff: Staff, words: str, within: int) -> None:
    """Find a reply insufficient and ask again, with a new deadline in working days.

    Raises TransitionError without a reply, Forbidden for whoever replied or is not of the office that supervises.
    """
    ordered = _get_replied(complaint, staff)
    ordered.state, ordered.rounds = SupervisionState.ORDERED, ordered.rounds + 1
    ordered.due_on = get_calendar().add_working_days(clock.today(), within).day
    _record(complaint, "supervise-again", staff, words)


def _require_office(staff: Staff) -> None:
    if staff.role not in OFFICE:
        raise Forbidden(_l("Only the office that supervises enforcement can do this."))


def _get_open(complaint: Complaint, state: SupervisionState) -> Supervision:
    ordered = find_open(complaint)
    if ordered is None or ordered.state is not state:
        raise TransitionError(GONE)
    return ordered


def _get_replied(complaint: Complaint, staff: Staff) -> Supervision:
    _require_office(staff)
    ordered = _get_open(complaint, SupervisionState.REPLIED)
    if staff.id == ordered.replied_by_id:
        raise Forbidden(_l("Whoever replied cannot decide about it."))
    return ordered


def _record(complaint: Complaint, action: str, staff: Staff, text: str) -> None:
    add_event(complaint, action, public=False, text=text, staff=staff)
    audit.record(f"complaint.{action}", f"complaint:{complaint.id}", staff_id=staff.id)
