"""The call list: whom to call, why and by when; the talk is recorded there."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import guard
from portal.accounts.models import Role
from portal.calls import queries, rules, service
from portal.calls.forms import CallForm
from portal.calls.models import Call
from portal.db import db
from portal.errors import Conflict
from portal.paging import Page, page_number

blueprint = Blueprint("calls", __name__, url_prefix="/calls")

callers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)
# Where the record that a call is about is shown; those features lie above this one.
PAGES = {
    "permit": ("staff.permits.show", "permit_id"),
    "complaint": ("staff.complaints.show", "complaint_id"),
    "risk_batch": ("staff.risk_batches.show", "batch_id"),
}


def record_url(subject: str) -> str:
    """Return the address of the record that a call is about, empty when it has no page."""
    kind, number = rules.split_subject(subject)
    endpoint, name = PAGES.get(kind, ("", ""))
    return url_for(endpoint, **{name: number}) if endpoint in current_app.view_functions else ""  # type: ignore[arg-type]


@blueprint.get("/")
@callers_only
def index() -> ResponseReturnValue:
    """Show whom to call, or who was called."""
    done = request.args.get("view") == "done"
    page = queries.list_calls(guard.scope(), guard.current_staff(), page_number(request.args.get("page")), done=done)
    return show(page, CallForm(formdata=None), done=done)


def show(page: Page[Call], form: CallForm, *, done: bool = False, wrong_call: int = 0) -> str:
    """Return the call list; `wrong_call` is the call whose form holds errors."""
    return render_template(
        "staff/calls/index.html", page=page, done=done, form=form, wrong_call=wrong_call, record_url=record_url
    )


@blueprint.post("/<int:call_id>")
@callers_only
def finish(call_id: int) -> ResponseReturnValue:
    """Record a talk and tick the call off."""
    form, own = CallForm(), guard.scope()
    status = 422
    if form.validate():
        try:
            call = service.finish_call(
                call_id=call_id, result=form.result.data, staff=guard.current_staff(), organ_id=own
            )
        except Conflict as refusal:
            db.session.rollback()
            form.result.errors, status = [refusal.message], refusal.status
        else:
            flash(_("The call is ticked off."), "good")
            back = record_url(call.subject) if request.args.get("back") == "record" else ""
            db.session.commit()
            return redirect(back or url_for(".index"))
    call = queries.get_call(call_id, own, guard.current_staff())
    return show(Page([call], 1, 1), form, done=call.done_at is not None, wrong_call=call_id), status
