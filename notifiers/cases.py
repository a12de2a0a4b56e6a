"""Looks after open cases: tells late ones to the supervising organ, and looks once more for whom they name."""

from portal import clock
from portal.complaint_escalation.service import escalate_some
from portal.complaint_named.service import match_again
from portal.db import db


def look_after_cases() -> dict[str, int]:
    """Tell what is late, a batch at a time with a commit after each, then match names; return how many of each."""
    told = 0
    while some := escalate_some(clock.today()):
        db.session.commit()
        told += some
    db.session.rollback()
    named = match_again()
    db.session.commit()
    return {"told": told, "named": named}
