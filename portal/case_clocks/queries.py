"""Reading how the period of a case was asked to be lengthened."""

from portal.case_clocks.models import CaseExtension
from portal.complaints.models import Complaint
from portal.complaints.queries import get_case_type_of
from portal.db import db


def find_extension(complaint: Complaint) -> CaseExtension | None:
    """Return the wish for more time, if anybody ever had one."""
    return db.session.get(CaseExtension, complaint.id)


def find_waiting_extension(complaint: Complaint) -> CaseExtension | None:
    """Return the wish for more time that nobody has decided yet."""
    extension = find_extension(complaint)
    return extension if extension is not None and extension.granted is None else None


def may_be_extended(complaint: Complaint) -> bool:
    """Whether more time can be asked for: where its kind of case has any, once, and nobody is asking already."""
    if not get_case_type_of(complaint).extend_by or complaint.extended_by:
        return False
    return find_waiting_extension(complaint) is None
