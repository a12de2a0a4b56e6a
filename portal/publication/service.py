"""Beginning the public log with what was public before there was one."""

import sqlalchemy as sa

from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.decisions.queries import public_content
from portal.transparency import queries
from portal.transparency.models import LogAction
from portal.transparency.service import append


def load_facts() -> int:
    """Enter every published decision into a log that nobody has ever written to; return how many that were.

    Never into one that has begun: a decision that slipped past it must not be entered afterwards.
    """
    if queries.find_newest() or queries.find_last_checkpoint() or queries.list_keys():
        return 0
    published = sa.select(Decision.id).where(Decision.state == DecisionState.PUBLISHED)
    numbers = db.session.scalars(published.order_by(Decision.published_at, Decision.id)).all()
    for number in numbers:
        content = public_content(db.session.get_one(Decision, number))
        append(subject=f"decision:{number}", action=LogAction.PUBLISH, content=content)
    return len(numbers)
