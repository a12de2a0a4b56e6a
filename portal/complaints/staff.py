"""Staff pages: the worklist; the workbench of one complaint hangs its pages on the same blueprint."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role, Staff
from portal.calendar.queries import get_calendar
from portal.complaints import queries
from portal.complaints.models import Complaint, ComplaintState
from portal.complaints.service import open_for_step
from portal.db import db
from portal.errors import NotFound, Refusal
from portal.fields import one_line
from portal.paging import page_number, whole_number

blueprint = Blueprint("complaints", __name__, url_prefix="/complaints")

handlers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)


@blueprint.get("/")
@handlers_only
def index() -> str:
    """Show the worklist."""
    staff, today = guard.current_staff(), clock.today()
    filters = read_filters()
    page = queries.list_complaints(filters, staff, today, page_number(request.args.get("page")))
    calendar = get_calendar()
    rows = [(row[0], row[1], queries.read_clock(row[0], calendar, today)) for row in page.items]
    return render_template(
        "staff/complaints/index.html",
        page=page,
        rows=rows,
        filters=filters,
        views=queries.count_views(staff, today),
        organs=queries.list_organs(today),
        states=list(ComplaintState),
        link=link,
        page_link=page_link,
    )


def read_filters() -> queries.Filters:
    """Return the filters of the address; what makes no sense is left out."""
    view, organ, state = (request.args.get(name, "") for name in ("view", "organ", "state"))
    return queries.Filters(
        view=view if view in queries.VIEWS else "all",
        words=one_line(request.args.get("q"))[:100],
        organ_id=whole_number(organ),
        state=state if state in list(ComplaintState) else "",
    )


def link(**changes: Any) -> str:
    """Return the worklist's address with some filters changed; page one unless told."""
    kept = {name: value for name, value in request.args.items() if name in ("view", "q", "organ", "state")}
    return url_for("staff.complaints.index", **{name: value for name, value in (kept | changes).items() if value})


def page_link(number: int) -> str:
    """Return the address of another page of the same worklist."""
    return link(page=number)


def change_case(
    complaint_id: int,
    form: Any,
    act: Callable[[Complaint, Staff], object],
    *,
    show: Callable[[int, Any, int], ResponseReturnValue],
    done: str,
) -> ResponseReturnValue:
    """Take one step with a case on a page of its own; what is refused is said there beside what was typed."""
    staff = guard.current_staff()
    queries.get_for_staff(complaint_id, staff)
    if not form.validate():
        return show(complaint_id, form, 422)
    try:
        act(open_for_step(complaint_id=complaint_id, staff=staff), staff)
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        db.session.rollback()
        if refusal.field in form:
            form[refusal.field].errors = [refusal.message]
        else:
            form.form_errors.append(str(refusal.message))
        return show(complaint_id, form, refusal.status if refusal.status in (403, 409) else 422)
    db.session.commit()
    flash(done, "good")
    return redirect(url_for(".show", complaint_id=complaint_id), 303)
