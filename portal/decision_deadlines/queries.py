"""What runs late or is due next: publications, ordered withdrawals, objections, applications for credit repair."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from portal.calendar.rules import DAY, SOON, WorkingCalendar, first_in_time
from portal.db import db
from portal.decisions import rules as decision_rules
from portal.decisions.models import (
    CorrectionState,
    CreditRepair,
    Decision,
    DecisionCorrection,
    DecisionState,
    RepairState,
)
from portal.organs.models import Organ
from portal.paging import Page, list_page
from portal.parties.models import Party

OPEN = tuple(DecisionState(state) for state in sorted(decision_rules.OPEN))


@dataclass(frozen=True)
class Span:
    """The deadlines to list: those on or after `first` (all the earlier ones when None) and before `end`."""

    end: date
    first: date | None = None

    @classmethod
    def late(cls, today: date) -> "Span":
        """Return the deadlines that are over."""
        return cls(today)

    @classmethod
    def soon(cls, calendar: WorkingCalendar, today: date) -> "Span":
        """Return the deadlines of today and the next two working days."""
        return cls(calendar.add_working_days(today, SOON).day + DAY, today)


def list_due(
    span: Span, calendar: WorkingCalendar, *, scope: int | None, organ_id: int | None, number: int
) -> Page[Any]:
    """Return what must be done in a span, what has run longest first: decision, `task`, `began_on` of its clock."""
    due = _due(span, calendar, scope=scope, organ_id=organ_id)
    columns = (
        due.c.task,
        due.c.began_on,
        Decision.id,
        Decision.kind,
        Decision.document_number,
        Decision.title,
        Decision.organ_id,
        Party.kind.label("party_kind"),
        Party.name.label("party_name"),
        Organ.name.label("organ_name"),
        Organ.name_en.label("organ_name_en"),
    )
    statement = sa.select(*columns).select_from(due).join(Decision, Decision.id == due.c.id)
    statement = statement.join(Party, Party.id == Decision.party_id).join(Organ, Organ.id == Decision.organ_id)
    return list_page(statement.order_by(due.c.began_on, Decision.id, due.c.task), number)


def count_due(span: Span, calendar: WorkingCalendar, *, scope: int | None) -> Sequence[Any]:
    """Count what must be done in a span: rows of organ_id, organ_name, organ_name_en, count; most first."""
    due = _due(span, calendar, scope=scope, organ_id=None)
    count = sa.func.count().label("number")
    names = (Organ.id.label("organ_id"), Organ.name.label("organ_name"), Organ.name_en.label("organ_name_en"))
    statement = sa.select(*names, count).select_from(due).join(Organ, Organ.id == due.c.organ_id)
    return db.session.execute(statement.group_by(*names).order_by(count.desc(), Organ.id)).all()


def _due(span: Span, calendar: WorkingCalendar, *, scope: int | None, organ_id: int | None) -> sa.Subquery:
    clocks = decision_rules.CLOCKS

    def within(began_on: Any, days: int) -> sa.ColumnElement[bool]:
        # A start before this day has its deadline before the end of the span.
        before: sa.ColumnElement[bool] = began_on < first_in_time(calendar, span.end, days)
        return before if span.first is None else before & (began_on >= first_in_time(calendar, span.first, days))

    kinds = decision_rules.WITHIN.items()
    waits = sa.or_(*((Decision.kind == kind) & within(Decision.decided_on, days) for kind, days in kinds))
    # Without statistics SQLite would read every public decision by the index on its state.
    public = sa.func.coalesce(Decision.state, "") == DecisionState.PUBLISHED.value
    ordered = within(Decision.withdrawal_ordered_on, clocks["withdrawal"])
    objected = within(DecisionCorrection.objected_on, clocks["objection"])
    applied = within(CreditRepair.applied_on, clocks["repair"])
    parts = (
        _part("publish", Decision.decided_on).where(Decision.state.in_(OPEN), waits),
        _part("withdrawal", Decision.withdrawal_ordered_on).where(public, ordered),
        _part("objection", DecisionCorrection.objected_on)
        .join(DecisionCorrection, DecisionCorrection.decision_id == Decision.id)
        .where(public, DecisionCorrection.state == CorrectionState.PROPOSED, objected),
        _part("repair", CreditRepair.applied_on)
        .join(CreditRepair, CreditRepair.decision_id == Decision.id)
        .where(public, CreditRepair.state == RepairState.OPEN, applied),
    )
    own = organ_id if scope is None else scope
    return sa.union_all(*(part.where(Decision.organ_id == own) if own else part for part in parts)).subquery()


def _part(task: str, began_on: Any) -> sa.Select[*tuple[Any, ...]]:
    columns = (Decision.id, Decision.organ_id, sa.literal(task).label("task"), began_on.label("began_on"))
    return sa.select(*columns).select_from(Decision)
