"""Reading second factors."""

import sqlalchemy as sa

from portal.accounts.models import RecoveryCode, SecondFactor
from portal.db import db


def find_factor(staff_id: int, *, lock: bool = False) -> SecondFactor | None:
    """Return somebody's second factor, or None; a locked one lets two tries at the same moment follow each other."""
    statement = sa.select(SecondFactor).where(SecondFactor.staff_id == staff_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(statement)


def count_recovery_codes(staff_id: int) -> int:
    """Return how many recovery codes somebody has left."""
    found = sa.select(sa.func.count()).select_from(RecoveryCode).where(RecoveryCode.staff_id == staff_id)
    return db.session.scalar(found) or 0
