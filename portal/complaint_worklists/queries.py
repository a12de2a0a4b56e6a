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
from portal.complaint_words.queries import list_texts, may_hold
from portal.complaint_words.rules import holds
from portal.complaint_worklists import rules
from portal.complaint_worklists.models import SavedFilter
from portal.complaint_worklists.rules import Filters
from portal.complaints.models import Channel, Complaint, ComplaintKind, ComplaintOrgan, ComplaintState, OrganPart
from portal.complaints.queries import OPEN, visible_to
from portal.complaints.rules import read_number
from portal.db import batched, db
from portal.organs.queries import list_stood_for
from portal.paging import COUNT_CAP, Page
from portal.search.rules import too_short

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
        # Late, and the supervising organ was told of this very deadline.
        "told": ([Complaint.next_due_on < today, Complaint.escalated_due_on == Complaint.next_due_on], []),
        "unassigned": ([due, nobodys], [paused, nobodys]),
        "waiting": ([], [paused]),
        "answered": ([], [Complaint.state == ComplaintState.ANSWERED]),
    }
    return views.get(view, ([due], [Complaint.next_due_on.is_(None)]))


def narrow(filters: Filters, staff: Staff) -> list[Condition]:
    """Return what the filters besides the view, the state, the deadline and the words ask for."""
    found: list[Condition] = []
    if filters.organ_id:
        found.append(Complaint.organ_id == filters.organ_id)
    if filters.kind:
        found.append(Complaint.kind == ComplaintKind(filters.kind))
    if filters.channel:
        found.append(Complaint.channel == Channel(filters.channel))
    if filters.handler == rules.NOBODY:
        found.append(Complaint.handler_id.is_(None))
    elif filters.handler:
        handler_id = staff.id if filters.handler == rules.ME else int(filters.handler)
        found.append(Complaint.handler_id == handler_id)
    return found


def list_parts(filters: Filters, staff: Staff, today: date) -> tuple[list[Condition], list[Condition]]:
    """Return all conditions on cases with a deadline and on those without; empty lists leave a part out.

    A part in which no case can be is not looked through.
    """
    due, rest = view_parts(filters.view, staff, today)
    if filters.state:
        state = ComplaintState(filters.state)
        due = [*due, Complaint.state == state] if due and state in OPEN else []
        paused = [Complaint.paused_on.is_not(None)] if state in OPEN else []
        rest = [*rest, Complaint.state == state, *paused] if rest else []
    if filters.due:
        dues = {
            "late": Complaint.next_due_on < today,
            "today": Complaint.next_due_on == today,
            "week": Complaint.next_due_on.between(today, today + timedelta(days=rules.WEEK)),
        }
        due = [*due, dues[filters.due]] if due and filters.due in dues else []
        rest = [] if filters.due in dues else rest
    asked = narrow(filters, staff)
    return [*due, *asked] if due else [], [*rest, *asked] if rest else []


def _ids(reach: Reach, conditions: Sequence[Condition], *order: Any, limit: int) -> Ids:
    """Return a statement of the ids of visible cases in an order of id and deadline, at most so many."""
    wanted = sa.select(Complaint.id, Complaint.next_due_on).where(*conditions, KEPT, reach.visible)
    parts = [wanted.where(part).order_by(*order).limit(limit) for part in reach.parts]
    if len(parts) == 1:
        return sa.select(parts[0].subquery().c.id)
    found = sa.union(*(sa.select(part.subquery()) for part in parts)).subquery().c
    again = [_again(one, found) for one in order]
    return sa.select(found.id).order_by(*again).limit(limit)


def _again(order: Any, columns: Any) -> Any:
    """Return the same order on the columns of a subquery."""
    if isinstance(order, sa.UnaryExpression):
        return columns[order.element.key].desc()
    return columns[order.key]


def _count(reach: Reach, conditions: Sequence[Condition]) -> Any:
    if not conditions:
        return sa.literal(0)
    found = _ids(reach, conditions, limit=rules.COUNTED).subquery()
    return sa.select(sa.func.count()).select_from(found).scalar_subquery()


def count_views(staff: Staff, today: date) -> dict[str, int]:
    """Count what each view of the worklist holds, each up to `rules.COUNTED`, in one statement."""
    reach, columns = find_reach(staff), []
    for view in rules.VIEWS:
        due, rest = view_parts(view, staff, today)
        columns.append((_count(reach, due) + _count(reach, rest)).label(view))
    row = db.session.execute(sa.select(*columns)).one()
    return {view: min(getattr(row, view), rules.COUNTED) for view in rules.VIEWS}


def list_cases(filters: Filters, staff: Staff, today: date, number: int) -> Page[Any]:
    """Return one page of the worklist as rows (Complaint, handler's name), the nearest deadline first.

    Words are taken for a number here; see `find_cases`.
    """
    ids = list_ids(filters, staff, today, limit=COUNT_CAP)
    number = min(number, max(1, -(-len(ids) // rules.SIZE)))
    shown = ids[(number - 1) * rules.SIZE : number * rules.SIZE]
    return Page(load_cases(shown), number, len(ids), rules.SIZE)


def list_ids(filters: Filters, staff: Staff, today: date, *, limit: int) -> list[int]:
    """Return the ids of the cases that a worklist holds, in its order, at most so many."""
    reach = find_reach(staff)
    due, rest = list_parts(filters, staff, today)
    numbered = [Complaint.number == read_number(filters.words)] if filters.words else []
    ids: list[int] = []
    if due:
        order: tuple[Any, ...] = (Complaint.next_due_on, Complaint.id)
        ids += db.session.scalars(_ids(reach, [*due, *numbered], *order, limit=limit))
    if rest and len(ids) < limit:
        # Both the same way, though nothing here has a deadline: so an index can be read backwards.
        order = (Complaint.next_due_on.desc(), Complaint.id.desc())
        ids += db.session.scalars(_ids(reach, [*rest, *numbered], *order, limit=limit - len(ids)))
    return ids


@dataclass(frozen=True)
class Found:
    """One page of cases as rows (Complaint, handler's name); `cut` when more could hold the words than were opened.

    `too_short` when there was nothing to look for.
    """

    page: Page[Any]
    cut: bool = False
    too_short: bool = False


def find_cases(filters: Filters, staff: Staff, today: date, number: int) -> Found:
    """Return one page of the cases with a number, or with words in their texts, the nearest deadline first.

    Of the cases that may hold the words the newest MOST_OPENED are opened, and looked at.
    """
    words = filters.words
    if not words or read_number(words):
        return Found(list_cases(filters, staff, today, number))
    if too_short(words):
        return Found(Page([], 1, 0, rules.SIZE), too_short=True)
    candidates = _find_ids(filters, staff, today)
    held = _open(candidates[: rules.MOST_OPENED], words)
    number = min(number, max(1, -(-len(held) // rules.SIZE)))
    shown = held[(number - 1) * rules.SIZE : number * rules.SIZE]
    return Found(Page(load_cases(shown), number, len(held), rules.SIZE), cut=len(candidates) > rules.MOST_OPENED)


def _find_ids(filters: Filters, staff: Staff, today: date) -> Sequence[int]:
    """Return the newest cases that may hold the words, one more than are opened."""
    due, rest = list_parts(filters, staff, today)
    asked = sa.or_(sa.false(), *(sa.and_(*part) for part in (due, rest) if part))
    # The words find less than any part of the reach.
    reach = Reach((sa.true(),), visible_to(staff))
    ids = _ids(reach, [asked, may_hold(filters.words)], Complaint.id.desc(), limit=rules.MOST_OPENED + 1)
    return db.session.scalars(ids).all()


def list_exported(filters: Filters, staff: Staff, today: date) -> tuple[list[Complaint], bool]:
    """Return the cases of a worklist in its order, at most MOST_EXPORTED, and whether there are more."""
    most = rules.MOST_EXPORTED
    if filters.words and not read_number(filters.words):
        found = [] if too_short(filters.words) else _find_ids(filters, staff, today)
        ids, more = _open(found[: rules.MOST_OPENED], filters.words), len(found) > rules.MOST_OPENED
    else:
        ids = list_ids(filters, staff, today, limit=most + 1)
        ids, more = ids[:most], len(ids) > most
    return [row[0] for some in batched(ids) for row in load_cases(some)], more


def _open(ids: Sequence[int], words: str) -> list[int]:
    """Return those of some cases that hold the words, in the order of a worklist."""
    statement = sa.select(Complaint).where(Complaint.id.in_(ids)).options(selectinload(Complaint.events))
    held = [
        case
        for case in db.session.scalars(statement)
        if case.external_number == words or holds(list_texts(case), words)
    ]
    held.sort(key=lambda case: (case.next_due_on is None, case.next_due_on or date.max, case.id))
    without = [case.id for case in reversed(held) if case.next_due_on is None]
    return [case.id for case in held if case.next_due_on is not None] + without


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
