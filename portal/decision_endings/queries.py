"""Reading the applications of one decision."""

from flask_babel import lazy_gettext as _l

from portal.db import db
from portal.decisions.models import CreditRepair, Decision
from portal.errors import NotFound


def get_repair(decision: Decision, repair_id: int) -> CreditRepair:
    """Return an application for credit repair of a decision; raises NotFound."""
    found = db.session.get(CreditRepair, repair_id, populate_existing=True)
    if found is None or found.decision_id != decision.id:
        raise NotFound(_l("This decision has no such application."))
    return found
