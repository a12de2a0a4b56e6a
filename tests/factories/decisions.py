"""Decisions for tests."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from portal import clock
from portal.db import db
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.decisions.service import index_decision
from portal.organs.models import Organ
from portal.parties.models import Party
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

_numbers = count(1)


def make_decision(
    *,
    organ: Organ | None = None,
    party: Party | None = None,
    state: DecisionState = DecisionState.PUBLISHED,
    kind: DecisionKind = DecisionKind.PENALTY,
    decided_on: date | None = None,
    **values: Any,
) -> Decision:
    """Create a decision in a state; a published one can be found."""
    number = next(_numbers)
    today = clock.today()
    organ = organ or make_organ()
    defaults: dict[str, Any] = {
        "document_number": f"虚监罚〔2026〕{number}号",
        "title": f"未按规定公示许可证第{number}案",
        "facts": "检查时没有公示许可证。",
        "basis_text": "《虚构条例》第三条",
        "content": "罚款1000元",
        "measures": ["罚款"],
        "decided_on": decided_on or today - timedelta(days=3),
    }
    if kind is DecisionKind.PENALTY and "罚款" in values.get("measures", ["罚款"]):
        defaults |= {"fine": Decimal(1000)}
    was_public = state in (DecisionState.PUBLISHED, DecisionState.WITHDRAWN, DecisionState.EXPIRED)
    if state is not DecisionState.DRAFT:
        defaults |= {"masked_at": clock.now()}
    if was_public:
        defaults |= {"published_at": clock.now(), "publish_until": today + timedelta(days=90)}
    if state is DecisionState.WITHDRAWN:
        defaults |= {"withdrawn_at": clock.now(), "withdrawal_reason": "经复议撤销。", "withdrawal_ordered_on": today}
    decision = Decision(organ=organ, party=party or make_party(), state=state, kind=kind, **(defaults | values))
    db.session.add(decision)
    db.session.flush()
    index_decision(decision)
    return decision
