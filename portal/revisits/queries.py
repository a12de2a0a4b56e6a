"""Reading revisits: whom to ask, who answered, what follows."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.contacts.models import Contact
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.errors import NotFound
from portal.paging import Page, list_page
from portal.parties.models import Party
from portal.revisits import rules
from portal.revisits.models import FollowUp, Revisit, RevisitState
from portal.security import token_hash


class View(StrEnum):
    """The filters of the staff list."""

    ALL = "all"
    WAITING = "waiting"
    ANSWERED = "answered"
    PERSON = "person"
    DUE = "due"
    LATE = "late"


def list_decisions_due(on: date, limit: int) -> Sequence[Any]:
    """Return published decisions whose party is to be asked by a day and was not yet, oldest first."""
    return db.session.execute(
        sa.select(Decision.id, Decision.decided_on, Party.contact_id, Contact.opted_out_at)
        .join(Party, Party.id == Decision.party_id)
        .outerjoin(Contact, Contact.id == Party.contact_id)
        .where(
            Decision.revisit_required,
            Decision.state == DecisionState.PUBLISHED,
            Decision.decided_on <= rules.last_decided_on(on),
            ~sa.exists().where(Revisit.decision_id == Decision.id),
        )
        .order_by(Decision.decided_on, Decision.id)
        .limit(limit)
    ).all()


def find_by_token(token: str) -> Revisit | None:
    """Return the revisit that a link opens, used or expired ones included, or None."""
    return db.session.scalar(
        sa.select(Revisit)
        .where(Revisit.token_hash == token_hash(token))
        .options(joinedload(Revisit.decision).joinedload(Decision.organ))
    )


def get_revisit(revisit_id: int) -> Revisit:
    """Return a revisit with what it concerns; raises NotFound."""
    revisit = db.session.get(Revisit, revisit_id)
    if revisit is None:
        raise NotFound("")
    return revisit


def _narrow(statement: sa.Select[Any], view: View, today: date) -> sa.Select[Any]:
    is_open = FollowUp.closed_at.is_(None)
    contact_late = sa.and_(FollowUp.contacted_at.is_(None), FollowUp.contact_due_on < today)
    late = sa.or_(FollowUp.due_on < today, contact_late)
    wheres: dict[View, tuple[sa.ColumnElement[bool], ...]] = {
        View.ALL: (),
        View.WAITING: (Revisit.state.in_([RevisitState.PLANNED, RevisitState.ASKED]),),
        View.ANSWERED: (Revisit.answered_at.is_not(None),),
        View.PERSON: (Revisit.state == RevisitState.PERSON,),
        View.DUE: (FollowUp.id.is_not(None), is_open),
        View.LATE: (FollowUp.id.is_not(None), is_open, late),
    }
    return statement.outerjoin(FollowUp, FollowUp.revisit_id == Revisit.id).where(*wheres[view])


def list_revisits(number: int, *, view: View, today: date) -> Page[Revisit]:
    """Return one page of revisits: nearest deadline of a follow-up first, then the newest."""
    statement = _narrow(sa.select(Revisit), view, today).options(
        joinedload(Revisit.decision).joinedload(Decision.organ), joinedload(Revisit.follow_up)
    )
    open_until = sa.case((FollowUp.closed_at.is_(None), FollowUp.due_on), else_=None)
    return list_page(
        statement.order_by(open_until.is_(None), open_until, Revisit.due_on.desc(), Revisit.id.desc()),
        number,
        scalars=True,
    )


def count_views(today: date) -> dict[View, int]:
    """Return how many revisits each filter of the staff list shows."""
    return {view: db.session.scalar(_narrow(sa.select(sa.func.count(Revisit.id)), view, today)) or 0 for view in View}


def count_grades() -> dict[int, int]:
    """Return how often each grade was given."""
    rows = db.session.execute(
        sa.select(Revisit.grade, sa.func.count()).where(Revisit.grade.is_not(None)).group_by(Revisit.grade)
    )
    return {int(grade): count for grade, count in rows if grade is not None}
