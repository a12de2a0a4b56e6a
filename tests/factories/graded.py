"""Answered cases that their senders graded, for tests."""

from typing import Any

from portal import clock
from portal.complaint_tracking.service import rate_answer
from portal.complaints.models import Complaint, ComplaintState
from portal.db import db
from tests.factories.complaints import make_complaint


def make_answered(*, answer: str = "经查，情况属实。", **values: Any) -> Complaint:
    """Create a case that was answered just now."""
    case = make_complaint(state=ComplaintState.ANSWERED, **values)
    case.answer, case.answered_at = answer, clock.now()
    db.session.flush()
    return case


def make_graded(grade: int = 1, *, call: bool = False, comment: str = "没有解决", **values: Any) -> Complaint:
    """Create a case whose sender graded its answer just now."""
    case = make_answered(**values)
    rate_answer(complaint_id=case.id, grade=grade, solved=False, comment=comment, call_wanted=call)
    return case
