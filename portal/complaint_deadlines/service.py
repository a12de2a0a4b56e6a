"""Working deadlines out anew. Callers commit."""

from datetime import date

from flask_babel import lazy_gettext as _l

from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.case_types.queries import get_case_type
from portal.complaint_deadlines import queries
from portal.complaints.models import Complaint
from portal.complaints.queries import OPEN, get_case_type_of
from portal.complaints.service import add_event, set_deadlines
from portal.db import db
from portal.errors import Conflict, Refusal

# Written by the portal when a day has moved: the sender reads from which day to which.
MOVED = "deadline"


def recompute_some(*, after: int = 0, kind: str | None = None) -> tuple[int, int]:
    """Work out the deadlines of some open cases behind one; return the last of them, 0 at the end, and how many moved.

    With all of one kind, or of all kinds.
    """
    calendar = get_calendar()
    cases = queries.list_open(after=after, kind=kind)
    moved = sum(_recompute(case, calendar) for case in cases)
    db.session.flush()
    return (cases[-1].id if cases else 0), moved


def _recompute(complaint: Complaint, calendar: WorkingCalendar) -> bool:
    before = _days(complaint)
    set_deadlines(complaint, calendar)
    return _tell_moved(complaint, before)


def _days(complaint: Complaint) -> tuple[date | None, date]:
    return complaint.next_due_on, complaint.answer_due_on


def _tell_moved(complaint: Complaint, before: tuple[date | None, date]) -> bool:
    """Tell the sender of the next deadline that has moved, or else of the last one; whether there is any."""
    for old, new in zip(before, _days(complaint), strict=True):
        if old is not None and new is not None and old != new:
            add_event(complaint, MOVED, public=True, text=f"{old:%Y-%m-%d} → {new:%Y-%m-%d}")
            return True
    return False


def recompute_kind(*, kind: str, staff: Staff) -> int:
    """Work out the deadlines of all open cases of a kind after it was changed; return how many moved."""
    moved, last = 0, 0
    while True:
        last, more = recompute_some(after=last, kind=kind)
        moved += more
        if not last:
            break
    audit.record("case_type.recompute", f"case_type:{kind}", staff_id=staff.id, moved=moved)
    return moved


def change_kind(*, complaint: Complaint, key: str, reason: str, staff: Staff) -> None:
    """Make a case one of another kind, whose periods then run from the same day.

    Raises Conflict when the case is finished, Refusal when it is of that kind already or the kind is not in use.
    """
    if complaint.state not in OPEN:
        raise Conflict(_l("This step is not possible any more; below is how it stands now."))
    kind, old = get_case_type(key), get_case_type_of(complaint)
    if kind.key == old.key or not kind.active:
        raise Refusal(_l("Choose another kind of case."), field="kind")
    before = _days(complaint)
    complaint.case_type = kind
    complaint.case_type_key = kind.key
    if kind.extend_by == 0:
        complaint.extended_by = 0
    set_deadlines(complaint)
    add_event(complaint, "retype", public=True, text=kind.name, staff=staff)
    add_event(complaint, "retype-why", public=False, text=reason, staff=staff)
    _tell_moved(complaint, before)
    audit.record("complaint.retype", f"complaint:{complaint.id}", staff_id=staff.id, before=old.key, after=kind.key)
