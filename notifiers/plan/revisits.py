"""Whose party is asked how it went: decisions that call for a revisit, some days after they were made."""

from datetime import date

from notifiers.plan.result import Planned
from portal import clock
from portal.db import db
from portal.revisits.models import RevisitState
from portal.revisits.queries import list_decisions_due
from portal.revisits.service import pass_silent_to_person, plan_revisit

BATCH = 200


def plan_revisits(on: date) -> Planned:
    """Ask everybody who is due on a day, and pass whom no text reaches to a person; commits after each batch.

    Who kept silent until the link ended goes to a person as well.
    """
    pass_silent_to_person(clock.start_of(on))
    db.session.commit()
    planned = suppressed = 0
    full = True
    while full:
        rows = list_decisions_due(on, BATCH)
        states = [
            plan_revisit(
                decision_id=row.id,
                decided_on=row.decided_on,
                contact_id=row.contact_id,
                opted_out=row.opted_out_at is not None,
                asked_on=max(on, clock.today()),
            )
            for row in rows
        ]
        db.session.commit()
        planned += states.count(RevisitState.ASKED)
        suppressed += states.count(RevisitState.PERSON)
        full = len(rows) == BATCH
    return Planned(planned=planned, suppressed=suppressed)
