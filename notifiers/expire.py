"""Ends publications whose period is over: their day hides them at once, this takes them from the search and logs it."""

from portal import clock
from portal.db import db
from portal.decision_endings.service import expire_some


def expire() -> int:
    """End every publication that is over, a batch at a time with a commit after each; return how many."""
    ended = 0
    while some := expire_some(clock.today()):
        db.session.commit()
        ended += some
    db.session.rollback()
    return ended
