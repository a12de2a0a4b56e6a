"""Keeping filters, and giving many cases to somebody at once. Callers commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.accounts.models import Staff
from portal.case_steps.service import assign_complaint
from portal.complaint_worklists import queries, rules
from portal.complaint_worklists.models import SavedFilter
from portal.complaint_worklists.rules import Filters
from portal.complaints.models import Complaint
from portal.complaints.queries import get_remit, visible_to
from portal.complaints.rules import OPEN_STATES, may_see
from portal.complaints.service import open_for_step
from portal.db import db
from portal.errors import Conflict, NotFound, Refusal


@dataclass(frozen=True)
class Planned:
    """A case that is to get another handler, and what stands against it, if anything does."""

    complaint: Complaint
    handler: str | None
    obstacle: Any = ""


def keep_filter(*, staff: Staff, name: str, filters: Filters) -> SavedFilter:
    """Keep a filter under a name, in place of what had this name; raises Conflict when there are very many."""
    saved = {row.name: row for row in queries.list_saved(staff)}
    if name not in saved and len(saved) >= rules.MOST_SAVED:
        raise Conflict(_l("You keep as many filters as there is room for. Remove one first."))
    kept = saved.get(name) or SavedFilter(staff_id=staff.id, name=name)
    kept.filters = filters.to_keep()
    db.session.add(kept)
    db.session.flush()
    return kept


def remove_filter(*, staff: Staff, filter_id: int) -> None:
    """Forget a filter of one's own; raises NotFound when there is none."""
    kept = db.session.get(SavedFilter, filter_id)
    if kept is None or kept.staff_id != staff.id:
        raise NotFound(_l("You keep no such filter."))
    db.session.delete(kept)
    db.session.flush()


def plan_assignment(*, staff: Staff, case_ids: Sequence[int], handler_id: int) -> list[Planned]:
    """Return what giving cases to somebody would do to each; those that are not for whoever asks are left out.

    Raises Refusal when nobody of that number handles cases that they may see.
    """
    handler = find_handler(staff, handler_id)
    visible = db.session.scalars(sa.select(Complaint.id).where(Complaint.id.in_(case_ids), visible_to(staff))).all()
    rows = queries.load_cases([case_id for case_id in case_ids if case_id in set(visible)])
    return [Planned(row[0], row[1], find_obstacle(row[0], handler)) for row in rows]


def find_handler(staff: Staff, handler_id: int) -> Staff:
    """Return who is to get cases; raises Refusal when they handle none that are for whoever asks."""
    handler = db.session.get(Staff, handler_id)
    if handler is None or handler_id not in {row.id for row in queries.list_handlers(staff)}:
        raise Refusal(_l("Choose who shall handle them."), field="handler")
    return handler


def find_obstacle(complaint: Complaint, handler: Staff) -> Any:
    """Return why a case cannot be given to somebody, or an empty text."""
    if complaint.state not in OPEN_STATES:
        return _l("It is finished.")
    if complaint.handler_id == handler.id:
        return _l("They handle it already.")
    return "" if may_see(get_remit(complaint), handler) else _l("They may not handle it.")


def assign_many(*, staff: Staff, case_ids: Sequence[int], handler_id: int) -> tuple[int, int]:
    """Give cases to somebody; return how many, and how many were left as they are because it is not possible any more.

    One after the other in the order of their numbers, so that two who do this at once wait instead of blocking.
    """
    handler, done = find_handler(staff, handler_id), 0
    for case_id in sorted(case_ids):
        try:
            complaint = open_for_step(complaint_id=case_id, staff=staff)
        except NotFound:
            continue
        if not find_obstacle(complaint, handler):
            assign_complaint(complaint=complaint, staff=staff, handler_id=handler.id)
            done += 1
    return done, len(case_ids) - done
