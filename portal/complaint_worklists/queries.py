"""Reading worklists: a fixed number of statements, none of which reads more than it shows or can count.

First comes what has a deadline, the nearest first, then what has none, the newest first. Each part is read along an
index that is in that order, for whoever supervises by itself and for a clerk along their organ's cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.accounts.models import Role, Staff
from portal.accounts.rules import sees_all
from portal.case_types.queries import list_case_types
from portal.complaint_worklists import rules
from portal.complaint_worklists.models import SavedFilter
from portal.complaint_worklists.rules import Filters
from portal.complaints.models import Channel, Complaint, ComplaintKind, ComplaintOrgan, ComplaintState, OrganPart
from portal.complaints.queries import OPEN, visible_to
from portal.complaints.rules import read_number
from portal.db import db
from portal.organs.queries import list_stood_for
from portal.paging import COUNT_CAP, Page

Condition = sa.ColumnElement[bool]
Ids = sa.Select[int]
WITH_DEADLINE: Condition = Complaint.next_due_on.is_not(None)
# Whatever was closed and kept for long enough is in the figures alone.
KEPT: Condition = Complaint.erased_at.is_(None)


@dataclass(frozen=True)
class Reach:
    """The cases that somebody may see, in parts each of which an index finds; together they are all of them."""

    parts: tuple[Condition, ...]
    visible: Condition


def find_reach(staff: Staff) -> Reach:
    """Return what a member of staff may see."""
    if sees_all(staff.role) or staff.organ_id is None:
        return Reach((sa.true(),), visible_to(staff))
    organs = list_stood_for(staff.organ_id, on=clock.today())
    joint = sa.select(ComplaintOrgan.complaint_id).where(
        ComplaintOrgan.part == OrganPart.JOINT, ComplaintOrgan.organ_id.in_(organs)
    )
    return Reach((Complaint.handler_organ_id.in_(organs), Complaint.id.in_(joint)), visible_to(staff))


def view_parts(view: str, staff: Staff, today: date) -> tuple[list[Condition], list[Condition]]:
    """Return the conditions of a view on cases with a deadline and on those without; empty lists leave a part out."""
    due, paused = WITH_DEADLINE, sa.and_(Complaint.paused_on.is_not(None), Complaint.state.in_(OPEN))
    mine, nobodys = Complaint.handler_id == staff.id, Complaint.handler_id.is_(None)
    views: dict[str, tuple[list[Condition], list[Condition]]] = {
        "mine": ([due, mine], [paused, mine]),
        "today": ([Complaint.next_due_on == today], []),
        "late": ([Complaint.next_due_on < today], []),
        "unassigned": ([due, nobodys], [paused, nobodys]),
        "waiting": ([], [paused]),
        "answered": ([], [Complaint.state == ComplaintState.ANSWERED]),
    }
    return views.get(view, ([due], [Complaint.next_due_on.is_(None)]))


def narrow(filters: Filters, staff: Staff, today: date) -> list[Condition]:
    """Return what the filters besides the view and the words ask for."""
    found: list[Condition] = []
    if filters.organ_id:
        found.append(Complaint.organ_id == filters.organ_id)
    if filters.kind:
        found.append(Complaint.kind == ComplaintKind(filters.kind))
    if filters.state:
        found.append(Complaint.state == ComplaintState(filters.state))
    if filters.channel:
        found.append(Complaint.channel == Channel(filters.channel))
    if filters.handler == rules.NOBODY:
        found.append(Complaint.handler_id.is_(None))
    elif filters.handler:
        handler_id = staff.id if filters.handler == rules.ME else int(filters.handler)
        found.append(Complaint.handler_id == handler_id)
    dues = {
        "late": Complaint.next_due_on < today,
        "today": Complaint.next_due_on == today,
        "week": Complaint.next_due_on.between(today, today + timedelta(days=rules.WEEK)),
        "none": Complaint.next_due_on.is_(None),
    }
    return [*found, dues[filters.due]] if filters.due else found


def _ids(reach: Reach, conditions: Sequence[Condition], *order: Any, limit: int) -> Ids:
    """Return a statement of the ids of visible cases in an order, at most so many of each part that somebody sees."""
    wanted = sa.select(Complaint.id, Complaint.next_due_on).where(*conditions, KEPT, reach.visible)
    parts = [wanted.where(part).order_by(*order).limit(limit) for part in reach.parts]
    if len(parts) == 1:
        return sa.select(parts[0].subquery().c.id)
    return sa.select(sa.union(*(sa.select(part.subquery()) for part in parts)).subquery().c.id)


def _count(reach: Reach, conditions: Sequence[Condition]) -> Any:
    if not conditions:
        return sa.literal(0)
    found = _ids(reach, conditions, limit=COUNT_CAP).limit(COUNT_CAP).subquery()
    return sa.select(sa.func.count()).select_from(found).scalar_subquery()


def count_views(staff: Staff, today: date) -> dict[str, int]:
    """Count what each view of the worklist holds, each up to COUNT_CAP, in one statement."""
    reach, columns = find_reach(staff), []
    for view in rules.VIEWS:
        due, rest = view_parts(view, staff, today)
        columns.append((_count(reach, due) + _count(reach, rest)).label(view))
    row = db.session.execute(sa.select(*columns)).one()
    return {view: min(getattr(row, view), COUNT_CAP) for view in rules.VIEWS}


def list_cases(filters: Filters, staff: Staff, today: date, number: int) -> Page[Any]:
    """Return one page of the worklist as rows (Complaint, handler's name), the nearest deadline first."""
    reach, asked = find_reach(staff), narrow(filters, staff, today)
    if filters.words:
        asked.append(_has_number(filters.words))
    due, rest = view_parts(filters.view, staff, today)
    due, rest = [*due, *asked] if due else [], [*rest, *asked] if rest else []
    counted = db.session.execute(sa.select(_count(reach, due), _count(reach, rest))).one()
    with_deadline, total = counted[0], min(counted[0] + counted[1], COUNT_CAP)
    number = min(number, max(1, -(-total // rules.SIZE)))
    first = (number - 1) * rules.SIZE
    ids = _read_ids(reach, due, first, rules.SIZE, latest=False) if first < with_deadline else []
    if len(ids) < rules.SIZE and first + len(ids) < total:
        ids += _read_ids(reach, rest, max(0, first - with_deadline), rules.SIZE - len(ids), latest=True)
    return Page(load_cases(ids), number, total, rules.SIZE)


def _read_ids(reach: Reach, conditions: Sequence[Condition], skipped: int, limit: int, *, latest: bool) -> list[int]:
    order: tuple[Any, ...] = (Complaint.next_due_on, Complaint.id)
    if latest:
        # Both the same way, though nothing here has a deadline: so an index can be read backwards.
        order = (Complaint.next_due_on.desc(), Complaint.id.desc())
    found = _ids(reach, conditions, *order, limit=skipped + limit).subquery()
    case = Complaint.__table__.c
    wanted = sa.select(case.id).where(case.id.in_(sa.select(found.c.id)))
    ordered = (case.id.desc(),) if latest else (case.next_due_on, case.id)
    return list(db.session.scalars(wanted.order_by(*ordered).limit(limit).offset(skipped)))


def _has_number(words: str) -> Condition:
    return sa.or_(Complaint.number == read_number(words), Complaint.external_number == words)


def load_cases(ids: Sequence[int]) -> list[Any]:
    """Return cases with all that a row shows, as rows (Complaint, handler's name), in the order of their ids."""
    # Held while the rows are read, so that nobody asks for them one by one.
    _kinds = list_case_types()
    rows = db.session.execute(
        sa.select(Complaint, Staff.name)
        .outerjoin(Staff, Staff.id == Complaint.handler_id)
        .where(Complaint.id.in_(ids))
        .options(joinedload(Complaint.organ), joinedload(Complaint.case_type), selectinload(Complaint.pauses))
    ).all()
    found = {row[0].id: row for row in rows}
    return [found[case_id] for case_id in ids if case_id in found]


def list_handlers(staff: Staff) -> Sequence[sa.Row[int, str]]:
    """Return who may handle cases that somebody sees, as rows (id, name): supervisors, and clerks of the same organ."""
    able: Condition = Staff.role.in_((Role.ADMIN, Role.SUPERVISOR, Role.CLERK))
    if not sees_all(staff.role):
        able = sa.or_(Staff.role.in_((Role.ADMIN, Role.SUPERVISOR)), sa.and_(able, Staff.organ_id == staff.organ_id))
    return db.session.execute(
        sa.select(Staff.id, Staff.name).where(Staff.active, able).order_by(Staff.name, Staff.id)
    ).all()


def list_saved(staff: Staff) -> Sequence[SavedFilter]:
    """Return the filters that a member of staff keeps, by name."""
    return db.session.scalars(
        sa.select(SavedFilter).where(SavedFilter.staff_id == staff.id).order_by(SavedFilter.name, SavedFilter.id)
    ).all()
