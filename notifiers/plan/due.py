"""Everything that is due on a day, from every planner."""

import logging
from datetime import date

from notifiers.plan.permits import plan_permits
from notifiers.plan.revisits import plan_revisits
from notifiers.plan.risk_periods import plan_risk_periods

log = logging.getLogger(__name__)


def plan_due(on: date) -> dict[str, int]:
    """Run every planner for a day; return how many messages are new, had nobody to go to, and became void."""
    total = plan_permits(on) + plan_revisits(on) + plan_risk_periods(on)
    result = {"planned": total.planned, "suppressed": total.suppressed, "void": total.void}
    if any(result.values()):
        log.info("plan: %s", result)
    return result
