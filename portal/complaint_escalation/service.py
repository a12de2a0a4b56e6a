"""Telling late cases to the supervising organ. Callers commit."""

from datetime import date

from portal.complaint_escalation import queries
from portal.complaints.service import add_event
from portal.db import db

ESCALATED = "escalate"


def escalate_some(today: date) -> int:
    """Tell some cases whose deadline is over to the supervising organ; return how many, 0 when all are told.

    Each deadline once: who misses the next one as well is told of again. The sender sees that it was told.
    """
    cases = queries.list_untold(today)
    for case in cases:
        case.escalated_due_on = case.next_due_on
        add_event(case, ESCALATED, public=True)
    db.session.flush()
    return len(cases)
