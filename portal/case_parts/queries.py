"""Reading which cases belong together, for those who may see them."""

from collections.abc import Sequence

import sqlalchemy as sa

from portal.accounts.models import Staff
from portal.complaints import rules
from portal.complaints.models import Complaint, ComplaintEvent
from portal.complaints.queries import get_for_staff
from portal.db import db
from portal.errors import NotFound

# Steps of another sender's case that tell nothing of that sender; their words, and what was written to them, stay out.
SHOWN_STEPS = ("accept", "refuse", "answer", "transfer", "give-back", "extend", "close")


def list_parts(complaint: Complaint) -> Sequence[Complaint]:
    """Return the other cases that came of the same letter, all from the same sender."""
    whole = complaint.split_from_id or complaint.id
    found = sa.or_(Complaint.id == whole, Complaint.split_from_id == whole)
    return db.session.scalars(
        sa.select(Complaint).where(found, Complaint.id != complaint.id).order_by(Complaint.id)
    ).all()


def list_merged(complaint: Complaint) -> Sequence[Complaint]:
    """Return the cases that were joined with this one."""
    return db.session.scalars(
        sa.select(Complaint).where(Complaint.merged_into_id == complaint.id).order_by(Complaint.id)
    ).all()


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
