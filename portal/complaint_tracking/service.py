"""What the sender of a complaint can still do with it. Callers commit."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock, uploads
from portal.case_clocks.service import resume_if_waiting
from portal.complaint_publication.service import end_publication
from portal.complaint_tracking import queries, rules
from portal.complaints import outbox
from portal.complaints.models import Complaint, ComplaintTry
from portal.complaints.queries import get_case_type_of
from portal.complaints.rules import LOCKED_FOR, lock_after
from portal.complaints.service import add_event, lock_for_sender, move, new_file, set_deadlines
from portal.db import db, upsert
from portal.errors import Conflict, TooMany
from portal.rectifications.service import end_by_reopening, open_rectification


def take_try(number: str) -> None:
    """Count a try at a number before it is checked, so that tries made at the same moment all count.

    Raises TooMany while the number is locked.
    """
    now = clock.now()
    start = upsert(ComplaintTry).values(number=number, tries=0, last_at=now, locked_until=None)
    db.session.execute(start.on_conflict_do_nothing(index_elements=["number"]))
    row = db.session.execute(
        sa.select(ComplaintTry).where(ComplaintTry.number == number).with_for_update()
    ).scalar_one()
    if row.locked_until and row.locked_until > now:
        raise TooMany(_l("Too many wrong tries."), retry_at=row.locked_until)
    if row.locked_until or now - row.last_at > LOCKED_FOR:
        row.tries = 0
    row.tries += 1
    row.last_at = now
    row.locked_until = lock_after(row.tries, now)
    db.session.execute(sa.delete(ComplaintTry).where(ComplaintTry.last_at < now - timedelta(days=1)))
    db.session.flush()


def clear_tries(number: str) -> None:
    """Forget the wrong tries at a number, after a right one."""
    db.session.execute(sa.delete(ComplaintTry).where(ComplaintTry.number == number))


def add_supplement(*, complaint_id: int, text: str, files: Sequence[uploads.Staged] = ()) -> None:
    """Add to a complaint what its sender sends later, once; where they were waited for, its periods run again.

    Raises TransitionError when it is answered, refused or withdrawn, Conflict when a file is no longer staged or the
    case holds as many as it can.
    """
    complaint = lock_for_sender(complaint_id)
    known = {file.token for file in complaint.files}
    if is_repeated(complaint, text, [file.token for file in files], known):
        return
    move(complaint, "supplement")
    if len(known) + len(files) > rules.MAX_FILES_OF_CASE:
        raise Conflict(_l("This case holds as many files as it can. Bring others to the counter."))
    for file in files:
        uploads.keep(file)
    event = add_event(complaint, "supplement", public=True, text=text)
    db.session.add_all(new_file(complaint, file, event_id=event.id) for file in files)
    db.session.flush()
    resume_if_waiting(complaint)


def is_repeated(complaint: Complaint, text: str, tokens: Sequence[str], known: set[str]) -> bool:
    """Whether the same was sent before: by its files, or as the last thing that the sender said."""
    if tokens:
        return known.issuperset(tokens)
    said = [event for event in complaint.events if event.public and event.action != "resume"]
    return bool(said) and said[-1].action == "supplement" and said[-1].text == text


def withdraw_complaint(*, complaint_id: int) -> None:
    """Withdraw a complaint that has no answer yet.

    Raises TransitionError otherwise.
    """
    complaint = lock_for_sender(complaint_id)
    move(complaint, "withdraw")
    add_event(complaint, "withdraw", public=True)


def rate_answer(*, complaint_id: int, grade: int, solved: bool, comment: str, call_wanted: bool = False) -> None:
    """Keep the sender's judgement of an answer, once for each; a call only where there is a number and a bad grade.

    Raises TransitionError when there is no answer, Conflict when it was rated before.
    """
    complaint = lock_for_sender(complaint_id)
    move(complaint, "rate")
    if queries.is_rated(complaint):
        raise Conflict(_l("You have already rated this answer."))
    complaint.grade, complaint.solved, complaint.grade_comment = grade, solved, comment
    complaint.call_wanted = call_wanted and grade in rules.BAD_GRADES and complaint.contact_id is not None
    complaint.rated_at = clock.now()
    add_event(complaint, "rate", public=True, text=comment)
    if grade in rules.BAD_GRADES:
        open_rectification(complaint=complaint)


def reopen_case(*, complaint_id: int, reason: str) -> None:
    """Have a case dealt with again, with a reason and a new clock; its answer so far moves into its history.

    Raises TransitionError when there is no answer, Conflict when the period for it is over.
    """
    complaint = lock_for_sender(complaint_id)
    answered_at, today = complaint.answered_at, clock.today()
    move(complaint, "reopen")
    within = get_case_type_of(complaint).reopen_within
    until = rules.reopen_until(clock.local(answered_at).date(), within) if answered_at else None
    if until is None or today > until:
        raise Conflict(_l("The days in which this case could be reopened are over. You can file a new one."))
    answers = [event for event in complaint.events if event.action == "answer"]
    if answers:
        answers[-1].text = complaint.answer
    complaint.answer, complaint.answered_at, complaint.closed_at, complaint.finding = "", None, None, None
    complaint.reopened_at, complaint.clock_from_on, complaint.extended_by = clock.now(), today, 0
    set_deadlines(complaint)
    end_by_reopening(complaint=complaint)
    end_publication(complaint=complaint)
    add_event(complaint, "reopen", public=True, text=reason)
    outbox.tell_sender(complaint, outbox.REOPENED, nth=sum(event.action == "reopen" for event in complaint.events))
