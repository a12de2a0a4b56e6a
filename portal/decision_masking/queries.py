"""Reading what waits for its masking, and laying one decision out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.db import db
from portal.decisions import rules as decisions
from portal.decisions.models import Decision, DecisionState
from portal.decisions.service import masking_context, original_texts
from portal.masking.rules import Choices
from portal.masking_sheets.rules import Sheet, lay_out
from portal.paging import Page, list_page

MOST_AT_ONCE = 20
OPEN = tuple(DecisionState(state) for state in sorted(decisions.EDITABLE))


@dataclass(frozen=True)
class Waiting:
    """A decision whose masking waits, and how much was found in it."""

    decision: Decision
    seen: str
    count: int


def read_choices(decision: Decision) -> Choices:
    """Return what people decided about the findings of a decision."""
    return Choices.read(decision.original.marks if decision.original else {})


def get_sheet(decision: Decision, choices: Choices | None = None) -> Sheet:
    """Return the words of a decision side by side, as they stand or with other choices."""
    stamp = [decision.id, decision.state.value, decision.party.name, decision.party.kind.value]
    stamp.append(decision.masked_at.isoformat() if decision.masked_at else "")
    texts = {name: text for name, text in original_texts(decision).items() if text}
    return lay_out(texts, masking_context(decision), choices or read_choices(decision), stamp=str(stamp))


def list_waiting(*, scope: int | None, number: int) -> Page[Any]:
    """Return the decisions whose masking waits, oldest first, as `Waiting`."""
    statement = sa.select(Decision).where(Decision.state.in_(OPEN), Decision.masked_at.is_(None))
    if scope is not None:
        statement = statement.where(Decision.organ_id == scope)
    wanted = (joinedload(Decision.organ), joinedload(Decision.party), joinedload(Decision.original))
    page = list_page(statement.options(*wanted).order_by(Decision.decided_on, Decision.id), number, scalars=True)
    return Page(_waiting(page.items), page.number, page.total, page.size)


def _waiting(decisions: Sequence[Decision]) -> list[Waiting]:
    sheets = [(decision, get_sheet(decision)) for decision in decisions]
    return [Waiting(decision, sheet.seen, len(sheet.found)) for decision, sheet in sheets]


def count_waiting(*, scope: int | None) -> int:
    """Count the decisions whose masking waits."""
    statement = sa.select(sa.func.count()).where(Decision.state.in_(OPEN), Decision.masked_at.is_(None))
    if scope is not None:
        statement = statement.where(Decision.organ_id == scope)
    return db.session.scalar(statement) or 0
