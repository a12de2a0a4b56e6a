"""Doing the work that a bad grade opens. Callers hold the case's row locked, and commit."""

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Role, Staff
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.complaints import outbox
from portal.complaints.models import Complaint
from portal.complaints.queries import get_case_type_of
from portal.complaints.service import add_event
from portal.db import db
from portal.errors import Forbidden, TransitionError
from portal.rectifications.models import Outcome, Rectification
from portal.rectifications.queries import find_open

DECIDERS = frozenset({Role.SUPERVISOR, Role.ADMIN})


def open_rectification(*, complaint: Complaint) -> Rectification:
    """Open the work after a bad grade that was given today; its days are those of the kind of case.

    Working days, counted from the day after (civil procedure law, article 85).
    """
    kind, calendar, today = get_case_type_of(complaint), get_calendar(), clock.today()
    opened = Rectification(
        complaint_id=complaint.id,
        grade=complaint.grade,
        contact_due_on=calendar.add_working_days(today, kind.contact_within).day,
        due_on=calendar.add_working_days(today, kind.rectify_within).day,
    )
    db.session.add(opened)
    db.session.flush()
    return opened


def end_by_reopening(*, complaint: Complaint) -> None:
    """End what a grade has opened because its case is dealt with again: the new answer is graded anew."""
    opened = find_open(complaint)
    if opened is not None:
        _close(opened, Outcome.REOPENED, None)


def make_contact(*, complaint: Complaint, staff: Staff, text: str) -> None:
    """Note what was said on the telephone, for staff only; who wanted no call, or left no number, reads the words.

    Raises TransitionError when nothing is open or somebody else was faster.
    """
    opened = _get_open(complaint)
    if opened.contacted_at is not None:
        raise TransitionError(_l("Somebody else has noted the contact already."))
    opened.contacted_at, opened.contacted_by_id = clock.now(), staff.id
    if complaint.call_wanted:
        add_event(complaint, "rectify-contact", public=False, text=text, staff=staff)
    else:
        _write_to_sender(complaint, staff, text)
    audit.record("complaint.rectify-contact", f"complaint:{complaint.id}", staff_id=staff.id)


def answer_grade(*, complaint: Complaint, staff: Staff, text: str) -> None:
    """Tell the sender what was put right, on the case's page, which ends the work.

    Raises TransitionError when nothing is open, or before there was any contact.
    """
    opened = _get_open(complaint)
    if opened.contacted_at is None:
        raise TransitionError(_l("Contact the sender first, then answer."))
    _close(opened, Outcome.ANSWERED, staff)
    _write_to_sender(complaint, staff, text)
    audit.record("complaint.rectify-answer", f"complaint:{complaint.id}", staff_id=staff.id)


def ask_mistake(*, complaint: Complaint, staff: Staff, reason: str) -> None:
    """Say that the sender gave the grade by mistake, for a second person to decide.

    Raises TransitionError when nothing is open or somebody says so already.
    """
    opened = _get_open(complaint)
    if opened.mistake_by_id is not None:
        raise TransitionError(_l("This waits for a second person already."))
    opened.mistake_by_id = staff.id
    add_event(complaint, "mistake-ask", public=False, text=reason, staff=staff)
    audit.record("complaint.mistake-ask", f"complaint:{complaint.id}", staff_id=staff.id)


def decide_mistake(*, complaint: Complaint, staff: Staff, granted: bool, words: str) -> None:
    """Decide whether a grade was given by mistake; where it was, it counts no longer and the sender may grade again.

    The sender reads the words then. Raises Forbidden for whoever said so themselves, or may not decide.
    """
    opened = _get_open(complaint)
    if opened.mistake_by_id is None:
        raise TransitionError(_l("This step is not possible any more; below is how it stands now."))
    if staff.role not in DECIDERS or staff.id == opened.mistake_by_id:
        raise Forbidden(_l("A supervisor who did not ask for it has to decide this."))
    audit.record("complaint.mistake-decide", f"complaint:{complaint.id}", staff_id=staff.id, granted=granted)
    if not granted:
        opened.mistake_by_id = None
        add_event(complaint, "mistake-decline", public=False, text=words, staff=staff)
        return
    _close(opened, Outcome.MISTAKE, staff)
    complaint.grade = complaint.solved = complaint.rated_at = None
    complaint.grade_comment, complaint.call_wanted = "", False
    add_event(complaint, "mistake", public=True, text=words, staff=staff)


def _write_to_sender(complaint: Complaint, staff: Staff, text: str) -> None:
    # Unlike other messages this one is owed after the case is closed as well.
    add_event(complaint, "message", public=True, text=text, staff=staff)
    sent = sum(event.action == "message" for event in complaint.events)
    outbox.tell_sender(complaint, outbox.MESSAGE, nth=sent)


def _get_open(complaint: Complaint) -> Rectification:
    opened = find_open(complaint)
    if opened is None:
        raise TransitionError(_l("There is nothing open here any more."))
    return opened


def _close(opened: Rectification, outcome: Outcome, staff: Staff | None) -> None:
    opened.closed_at, opened.outcome = clock.now(), outcome
    opened.closed_by_id = staff.id if staff else None
    db.session.flush()
