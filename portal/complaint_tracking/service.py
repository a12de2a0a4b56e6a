"""What the sender of a complaint can still change. Callers commit."""

from datetime import timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.complaints import rules
from portal.complaints.models import ComplaintTry
from portal.complaints.service import add_event, lock_for_sender, move
from portal.db import db, upsert
from portal.errors import Conflict, TooMany


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
    if row.locked_until or now - row.last_at > rules.LOCKED_FOR:
        row.tries = 0
    row.tries += 1
    row.last_at = now
    row.locked_until = rules.lock_after(row.tries, now)
    db.session.execute(sa.delete(ComplaintTry).where(ComplaintTry.last_at < now - timedelta(days=1)))
    db.session.flush()


def clear_tries(number: str) -> None:
    """Forget the wrong tries at a number, after a right one."""
    db.session.execute(sa.delete(ComplaintTry).where(ComplaintTry.number == number))


def add_supplement(*, complaint_id: int, text: str) -> None:
    """Add to a complaint what its sender sends later.

    Raises TransitionError when it is answered, refused or withdrawn.
    """
    complaint = lock_for_sender(complaint_id)
    move(complaint, "supplement")
    add_event(complaint, "supplement", public=True, text=text)


def withdraw_complaint(*, complaint_id: int) -> None:
    """Withdraw a complaint that has no answer yet.

    Raises TransitionError otherwise.
    """
    complaint = lock_for_sender(complaint_id)
    move(complaint, "withdraw")
    add_event(complaint, "withdraw", public=True)


def rate_answer(*, complaint_id: int, grade: int, solved: bool, comment: str) -> None:
    """Keep the sender's judgement of the answer, once.

    Raises TransitionError when there is no answer, Conflict when it was rated before.
    """
    complaint = lock_for_sender(complaint_id)
    move(complaint, "rate")
    if complaint.rated_at is not None:
        raise Conflict(_l("You have already rated this answer."))
    complaint.grade, complaint.solved, complaint.grade_comment = grade, solved, comment
    complaint.rated_at = clock.now()
    add_event(complaint, "rate", public=True)
