"""Where the staff pages of complaints hang; the rooms above add theirs to this blueprint."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.accounts import guard
from portal.accounts.models import Role, Staff
from portal.complaints import queries
from portal.complaints.models import Complaint
from portal.complaints.service import open_for_step
from portal.db import db
from portal.errors import NotFound, Refusal

blueprint = Blueprint("complaints", __name__, url_prefix="/complaints")

handlers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)


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
