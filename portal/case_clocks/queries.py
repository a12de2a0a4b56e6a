"""Reading how the period of a case was asked to be lengthened."""

from portal.case_clocks.models import CaseExtension
from portal.complaints.models import Complaint
from portal.complaints.queries import get_case_type_of
from portal.db import db


def find_extension(complaint: Complaint) -> CaseExtension | None:
    """Return the wish for more time, if anybody ever had one."""
    return db.session.get(CaseExtension, complaint.id)


def find_waiting_extension(complaint: Complaint) -> CaseExtension | None:
    """Return the wish for more time that nobody has decided yet; one from before the case was reopened is over."""
    extension = find_extension(complaint)
    if extension is None or extension.granted is not None:
        return None
    return extension if complaint.reopened_at is None or extension.asked_at > complaint.reopened_at else None


def may_be_extended(complaint: Complaint) -> bool:
    """Whether more time can be asked for: where its kind of case has any, once, and nobody is asking already."""
    if not get_case_type_of(complaint).extend_by or complaint.extended_by:
        return False
    return find_waiting_extension(complaint) is None
