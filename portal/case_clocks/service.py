"""Waiting for the sender of a case, and giving a case more time. Callers commit."""

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Role, Staff
from portal.audit import service as audit
from portal.case_clocks import queries
from portal.case_clocks.models import CaseExtension
from portal.complaints import outbox
from portal.complaints.models import Complaint, ComplaintEvent, ComplaintPause
from portal.complaints.queries import get_case_type_of
from portal.complaints.service import add_event, move, set_deadlines
from portal.db import db
from portal.errors import Conflict, Forbidden

DECIDERS = frozenset({Role.SUPERVISOR, Role.ADMIN})


def ask_sender(*, complaint: Complaint, staff: Staff, text: str) -> ComplaintEvent:
    """Ask the sender for material; no period counts the days until they answer or staff go on without.

    Raises Conflict when this kind of case never pauses, or when the sender is being waited for already.
    """
    move(complaint, "ask")
    if not get_case_type_of(complaint).pausable:
        raise Conflict(_l("The period of this kind of case cannot be stopped. Send a message instead."))
    if complaint.paused_on is not None:
        raise Conflict(_l("The sender is being waited for already."))
    complaint.paused_on = clock.today()
    complaint.pauses.append(ComplaintPause(since=complaint.paused_on))
    set_deadlines(complaint)
    event = add_event(complaint, "ask", public=True, text=text, staff=staff)
    audit.record("complaint.ask", f"complaint:{complaint.id}", staff_id=staff.id)
    outbox.tell_sender(complaint, outbox.MATERIAL, nth=len(complaint.pauses))
    return event


def resume(*, complaint: Complaint, staff: Staff) -> None:
    """Go on without waiting for the sender any longer; raises Conflict when nobody is waited for."""
    move(complaint, "resume")
    if complaint.paused_on is None:
        raise Conflict(_l("The sender is not being waited for."))
    end_pause(complaint)
    add_event(complaint, "resume", public=True, staff=staff)
    audit.record("complaint.resume", f"complaint:{complaint.id}", staff_id=staff.id)


def resume_if_waiting(complaint: Complaint) -> bool:
    """Go on with a case whose sender was waited for, because they have answered; whether there was a pause."""
    if complaint.paused_on is None:
        return False
    end_pause(complaint)
    add_event(complaint, "resume", public=True)
    audit.record("complaint.resume", f"complaint:{complaint.id}")
    return True


def end_pause(complaint: Complaint) -> None:
    """Let the periods of a case run again from today."""
    for pause in complaint.pauses:
        if pause.until is None:
            pause.until = clock.today()
    complaint.paused_on = None
    set_deadlines(complaint)
    db.session.flush()


def ask_extension(*, complaint: Complaint, staff: Staff, reason: str) -> None:
    """Ask for the one extension that a case can have.

    Raises Conflict when its kind has none, when it was extended before, or when somebody is asking already.
    """
    move(complaint, "extend")
    if not queries.may_be_extended(complaint):
        raise Conflict(_l("This case cannot be extended, was extended already, or an extension waits to be decided."))
    extension = queries.find_extension(complaint)
    if extension is None:
        extension = CaseExtension(complaint_id=complaint.id)
        db.session.add(extension)
    extension.asked_by_id, extension.asked_at = staff.id, clock.now()
    extension.decided_by_id = extension.decided_at = extension.granted = None
    add_event(complaint, "extend-ask", public=False, text=reason, staff=staff)
    audit.record("complaint.extend-ask", f"complaint:{complaint.id}", staff_id=staff.id)


def decide_extension(*, complaint: Complaint, staff: Staff, granted: bool, words: str) -> None:
    """Grant or decline an extension, as a supervisor who did not ask for it; the sender reads why it takes longer.

    Raises Forbidden for anybody else, Conflict when nobody asks.
    """
    move(complaint, "extend")
    extension = queries.find_waiting_extension(complaint)
    if extension is None:
        raise Conflict(_l("No extension waits to be decided."))
    if staff.role not in DECIDERS or staff.id == extension.asked_by_id:
        raise Forbidden(_l("A supervisor who did not ask for the extension has to decide it."))
    extension.decided_by_id, extension.decided_at, extension.granted = staff.id, clock.now(), granted
    if granted:
        complaint.extended_by = get_case_type_of(complaint).extend_by
        set_deadlines(complaint)
        nth = 1 + sum(event.action == "extend" for event in complaint.events)
        outbox.tell_sender(complaint, outbox.EXTENDED, nth=nth)
    add_event(complaint, "extend" if granted else "extend-decline", public=granted, text=words, staff=staff)
    audit.record("complaint.extend", f"complaint:{complaint.id}", staff_id=staff.id, granted=granted)
