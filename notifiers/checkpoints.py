"""Signs the public log of publication whenever something was added to it."""

import logging

from portal.db import db
from portal.errors import Conflict
from portal.transparency.service import make_checkpoint

log = logging.getLogger(__name__)


def sign() -> dict[str, int]:
    """Sign the newest entry, unless it is signed; return how many checkpoints that made.

    A log that does not hold is not signed; the reason is logged each time, until somebody has looked into it.
    """
    try:
        made = make_checkpoint()
    except Conflict as problem:
        db.session.rollback()
        log.error("the public log is not signed: %s", problem.message)
        return {"checkpoints": 0}
    db.session.commit()
    return {"checkpoints": int(made is not None)}
