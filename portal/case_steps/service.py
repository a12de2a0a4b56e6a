"""The steps of staff that change no period and pass nothing on: who handles a case, messages, notes, files, its end."""

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock, uploads
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.case_steps import rules
from portal.case_types.queries import list_case_types
from portal.complaints import outbox, queries
from portal.complaints.models import Complaint, ComplaintEvent, ComplaintFile, ComplaintState
from portal.complaints.rules import OPEN_STATES
from portal.complaints.service import add_event, finish_step, move, new_file
from portal.db import db
from portal.errors import Conflict, Forbidden, Refusal
from portal.rectifications.models import Rectification

AT_ONCE = 200
ENDED = (ComplaintState.REFUSED, ComplaintState.WITHDRAWN, ComplaintState.MERGED)


def assign_complaint(*, complaint: Complaint, staff: Staff, handler_id: int) -> None:
    """Give a complaint to somebody who may handle it, or take it.

    Raises Refusal when they may not, Conflict when it is finished.
    """
    if handler_id not in {row.id for row in queries.list_assignable(complaint)}:
        raise Refusal(_l("This person may not handle this complaint."), field="handler")
    if complaint.state not in OPEN_STATES:
        raise Conflict(_l("This step is not possible any more; below is how it stands now."))
    complaint.handler_id = handler_id
    add_event(complaint, "take" if handler_id == staff.id else "assign", public=False, staff=staff)
    audit.record("complaint.assign", f"complaint:{complaint.id}", staff_id=staff.id, handler_id=handler_id)


def accept_complaint(*, complaint: Complaint, staff: Staff) -> None:
    """Accept a complaint and tell its sender; who accepts handles it unless somebody does already."""
    move(complaint, "accept")
    complaint.accepted_at = clock.now()
    complaint.handler_id = complaint.handler_id or staff.id
    finish_step(complaint, "accept", staff, outbox.ACCEPTED)


def send_message(
    *, complaint: Complaint, staff: Staff, text: str, files: Sequence[uploads.Staged] = ()
) -> ComplaintEvent:
    """Write to the sender of a complaint, who reads it, and what comes with it, on the case's page."""
    move(complaint, "message")
    event = add_event(complaint, "message", public=True, text=text, staff=staff)
    attach(complaint, event, files)
    audit.record("complaint.message", f"complaint:{complaint.id}", staff_id=staff.id, files=len(files))
    outbox.tell_sender(complaint, outbox.MESSAGE, nth=sum(row.action == "message" for row in complaint.events))
    return event


def add_note(*, complaint: Complaint, staff: Staff, note: str, files: Sequence[uploads.Staged] = ()) -> ComplaintEvent:
    """Keep a note, and what comes with it, that only staff see."""
    event = add_event(complaint, "note", public=False, text=note, staff=staff)
    attach(complaint, event, files)
    audit.record("complaint.note", f"complaint:{complaint.id}", staff_id=staff.id, files=len(files))
    return event


def attach(complaint: Complaint, event: ComplaintEvent, files: Sequence[uploads.Staged]) -> None:
    """Keep files with what they came with; the sender sees them where they see that."""
    for file in files:
        uploads.keep(file)
        record = new_file(complaint, file, event_id=event.id)
        record.public = event.public
        db.session.add(record)
    db.session.flush()


def remove_file(*, complaint: Complaint, staff: Staff, file_id: int, reason: str) -> ComplaintFile:
    """Remove a file with a reason; what it was, its digest, stays. The caller erases its content after the commit.

    Raises NotFound when it is not there, Conflict when it was removed before.
    """
    file = queries.get_file(complaint, file_id)
    if file.removed_at is not None:
        raise Conflict(_l("This file was removed already."))
    file.removed_at, file.removed_reason = clock.now(), reason
    add_event(complaint, "remove-file", public=file.public, staff=staff)
    audit.record(
        "complaint.remove-file", f"complaint:{complaint.id}", staff_id=staff.id, file_id=file.id, sha256=file.sha256
    )
    return file


def show_identity(*, complaint: Complaint, staff: Staff, why: str) -> None:
    """Record that somebody looks at who sent a complaint, and why; raises Forbidden when they may not."""
    if not rules.may_open_identity(staff.role, staff.id, complaint.handler_id):
        raise Forbidden(_l("Only a supervisor, or whoever handles the complaint, may see who sent it."))
    add_event(complaint, "identity", public=False, text=why, staff=staff)
    audit.record("complaint.identity", f"complaint:{complaint.id}", staff_id=staff.id, why=why)


def close_some(today: date) -> int:
    """Close some answered cases whose time to reopen is over, a batch at a time; return how many.

    None whose bad grade is still being put right. What ended otherwise, without anything to reopen, is over at
    once; keeping it counts from `closed_at`.
    """
    closed = 0
    at_work = sa.exists().where(Rectification.complaint_id == Complaint.id, Rectification.closed_at.is_(None))
    answered = sa.and_(Complaint.state == ComplaintState.ANSWERED, sa.not_(at_work))
    for kind in list_case_types():
        # The last day to reopen is the one this many days after the answer.
        over = Complaint.answered_at < clock.start_of(today - timedelta(days=kind.reopen_within))
        key = sa.func.coalesce(Complaint.case_type_key, Complaint.kind)
        closed += sum(_close(row) for row in _lock_some(answered, over, key == kind.key))
    ended = _lock_some(Complaint.state.in_(ENDED), Complaint.closed_at.is_(None))
    for complaint in ended:
        complaint.closed_at = clock.now()
        audit.record("complaint.end", f"complaint:{complaint.id}")
    db.session.flush()
    return closed + len(ended)


def _lock_some(*conditions: sa.ColumnElement[bool]) -> Sequence[Complaint]:
    statement = sa.select(Complaint).where(*conditions).order_by(Complaint.id).limit(AT_ONCE)
    return db.session.scalars(
        statement.with_for_update(of=Complaint, skip_locked=True).execution_options(populate_existing=True)
    ).all()


def _close(complaint: Complaint) -> bool:
    move(complaint, "close")
    complaint.closed_at = clock.now()
    add_event(complaint, "close", public=True)
    audit.record("complaint.close", f"complaint:{complaint.id}")
    return True
