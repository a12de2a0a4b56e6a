"""Ends what is over: publications whose period has passed, cases that can no longer be reopened, and what is kept of
closed ones.

Their day hides publications at once; this takes them from the search and logs it.
"""

from collections.abc import Callable
from datetime import date

from portal import clock
from portal.case_steps.service import close_some
from portal.complaint_retention.service import retain_some
from portal.db import db
from portal.decision_endings.service import expire_some

ENDS: tuple[Callable[[date], int], ...] = (expire_some, close_some, retain_some)


def expire() -> int:
    """End everything that is over, a batch at a time with a commit after each; return how many."""
    ended = 0
    for end_some in ENDS:
        while some := end_some(clock.today()):
            db.session.commit()
            ended += some
        db.session.rollback()
    return ended
