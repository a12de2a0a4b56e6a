"""Bringing the public log up to what is public: when it begins, and when a name changed that many decisions show."""

from collections.abc import Iterator

import sqlalchemy as sa

from portal.audit import service as audit
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.decisions.queries import public_content
from portal.errors import Conflict
from portal.publication.queries import ENDED, is_unchanged, list_newest, walk_decisions
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


def record_changes() -> Iterator[int]:
    """Enter a correction for each public decision that says something else than its newest entry.

    A renamed organ, party or law changes what many decisions show. Everybody can see in the log that they changed.
    Yields after each piece how many that were; to be committed before the next. Raises Conflict when the log itself
    does not hold: that is for a person to look into.
    """
    broken = queries.check_chain().broken
    if broken:
        raise Conflict(f"{broken}; run flask publication verify")
    for decisions in walk_decisions():
        newest = list_newest([decision.id for decision in decisions])
        changed = 0
        for decision in decisions:
            entry = newest.get(decision.id)
            public = decision.state is DecisionState.PUBLISHED and entry is not None and entry.action not in ENDED
            if public and entry and not is_unchanged(decision, entry):
                subject = f"decision:{decision.id}"
                append(subject=subject, action=LogAction.CORRECT, content=public_content(decision))
                audit.record("decision.record_change", subject)
                changed += 1
        yield changed
