"""Reading which cases belong together, for those who may see them."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import sqlalchemy as sa

from portal.accounts.models import Staff
from portal.complaints import rules
from portal.complaints.models import Complaint, ComplaintEvent
from portal.complaints.queries import get_for_staff, visible_to
from portal.db import db
from portal.errors import NotFound

# Steps of another sender's case that tell nothing of that sender; their words, and what was written to them, stay out.
SHOWN_STEPS = ("accept", "refuse", "answer", "transfer", "give-back", "extend", "close")


NEAR = timedelta(days=30)
MOST_REPEATS = 20
# Events whose text is the number of another case.
LINKS = frozenset({"split", "split-from", "merge-into", "merged"})


def list_parts(complaint: Complaint, staff: Staff | None = None) -> Sequence[Complaint]:
    """Return the other cases that came of the same letter, all from the same sender; with `staff` as they may see."""
    whole = complaint.split_from_id or complaint.id
    found = sa.or_(Complaint.id == whole, Complaint.split_from_id == whole)
    return db.session.scalars(
        sa.select(Complaint).where(found, Complaint.id != complaint.id, *_seen_by(staff)).order_by(Complaint.id)
    ).all()


def _seen_by(staff: Staff | None) -> list[sa.ColumnElement[bool]]:
    return [] if staff is None else [visible_to(staff)]


def list_merged(complaint: Complaint, staff: Staff | None = None) -> Sequence[Complaint]:
    """Return the cases that were joined with this one; with `staff` as they may see."""
    joined = sa.select(Complaint).where(Complaint.merged_into_id == complaint.id, *_seen_by(staff))
    return db.session.scalars(joined.order_by(Complaint.id)).all()


def list_repeats(complaint: Complaint, staff: Staff) -> Sequence[Complaint]:
    """Return what the same sender filed about the same organ within 30 days, as far as a member of staff may see it.

    Known by the number they gave; of those who gave none nothing is known. What belongs together is left out.
    """
    if complaint.contact_id is None:
        return []
    whole = complaint.split_from_id or complaint.id
    apart = sa.not_(
        sa.or_(Complaint.id.in_((complaint.id, whole)), sa.func.coalesce(Complaint.split_from_id, 0) == whole)
    )
    near = Complaint.received_at.between(complaint.received_at - NEAR, complaint.received_at + NEAR)
    same = sa.and_(
        Complaint.contact_id == complaint.contact_id,
        sa.func.coalesce(Complaint.organ_id, 0) == (complaint.organ_id or 0),
        sa.func.coalesce(Complaint.merged_into_id, 0) != complaint.id,
        Complaint.id != (complaint.merged_into_id or 0),
    )
    return db.session.scalars(
        sa.select(Complaint)
        .where(same, apart, near, visible_to(staff))
        .order_by(Complaint.id.desc())
        .limit(MOST_REPEATS)
    ).all()


def find_lead(complaint: Complaint, staff: Staff) -> Complaint | None:
    """Return the case that this one was joined with, if a member of staff may see it."""
    wanted = sa.select(Complaint).where(Complaint.id == (complaint.merged_into_id or 0), visible_to(staff))
    return db.session.scalar(wanted)


def list_hidden_numbers(events: Iterable[ComplaintEvent], staff: Staff) -> set[str]:
    """Return which numbers in the history of a case are of other cases that a member of staff may not see."""
    told = {event.text for event in events if event.action in LINKS and event.text}
    if not told:
        return told
    seen = sa.select(Complaint.number).where(Complaint.number.in_(told), visible_to(staff))
    return told - set(db.session.scalars(seen))


def list_lead_steps(complaint: Complaint) -> Sequence[sa.Row[object, str]]:
    """Return what was done since in the case this one was joined with, as rows (at, action) without any words."""
    return db.session.execute(
        sa.select(ComplaintEvent.at, ComplaintEvent.action)
        .where(
            ComplaintEvent.complaint_id == (complaint.merged_into_id or 0),
            ComplaintEvent.public,
            ComplaintEvent.action.in_(SHOWN_STEPS),
        )
        .order_by(ComplaintEvent.id.desc())
    ).all()


def find_for_staff(number: str, staff: Staff, *, lock: bool = False) -> Complaint | None:
    """Return the case of a number as somebody typed it, if this member of staff may see it."""
    complaint_id = db.session.scalar(sa.select(Complaint.id).where(Complaint.number == rules.read_number(number)))
    try:
        return get_for_staff(complaint_id or 0, staff, lock=lock)
    except NotFound:
        return None
