"""Staff pages of the permit register: the list and one permit."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.calendar.queries import get_calendar
from portal.calls.forms import CallForm
from portal.calls.queries import count_open_calls, list_calls_of
from portal.db import db
from portal.errors import Conflict, Message
from portal.fields import one_line
from portal.messages.queries import list_for_subject
from portal.paging import page_number, whole_number
from portal.permits import queries, rules, service
from portal.permits.models import PermitStatus

blueprint = Blueprint("permits", __name__, url_prefix="/permits")

handlers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)


def read_filters() -> queries.Filters:
    """Return the filters of the address, within the organ of whoever asks; nonsense filters nothing."""
    kind, organ, window = (request.args.get(name, "") for name in ("type", "organ", "window"))
    own = guard.scope()
    return queries.Filters(
        words=one_line(request.args.get("q"))[:100],
        type_id=whole_number(kind),
        organ_id=own if own is not None else whole_number(organ),
        window=window if window in queries.WINDOWS else "",
    )


def page_link(number: int) -> str:
    """Return the address of another page of the same list."""
    kept = {name: value for name, value in request.args.items() if name in ("q", "type", "organ", "window") and value}
    return url_for("staff.permits.index", **kept, page=number)  # type: ignore[arg-type]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show the permits, nearest last day first."""
    filters, own = read_filters(), guard.scope()
    return render_template(
        "staff/permits/index.html",
        page=queries.list_permits(filters, clock.today(), page_number(request.args.get("page"))),
        filters=filters,
        own=own,
        filtered=any(request.args.get(name) for name in ("q", "type", "organ", "window")),
        types=queries.list_types(),
        organs=queries.list_organs(own),
        calls=count_open_calls(own, guard.current_staff()),
        page_link=page_link,
        no_end=rules.NO_END,
    )


@blueprint.get("/<int:permit_id>")
def show(permit_id: int) -> ResponseReturnValue:
    """Show everything about one permit."""
    permit = queries.get_permit(permit_id, guard.scope())
    today = clock.today()
    counts_down = permit.valid_to < rules.NO_END and permit.status is PermitStatus.VALID
    offsets = permit.permit_type.reminder_offsets or rules.DEFAULT_OFFSETS
    return render_template(
        "staff/permits/show.html",
        permit=permit,
        messages=list_for_subject(f"permit:{permit_id}"),
        calls=list_calls_of(f"permit:{permit_id}"),
        planned=rules.occurrences(permit.window_opens_on, permit.last_apply_on, offsets),
        left=get_calendar().working_days_between(today, permit.last_apply_on) if counts_down else None,
        form=CallForm(formdata=None),
        no_end=rules.NO_END,
        may_act=guard.current_staff().role is not Role.REVIEWER,
    )


def act(permit_id: int, step: Callable[..., None], done: Message) -> ResponseReturnValue:
    """Take a step and show the permit; a step that its state does not allow explains itself."""
    try:
        step(permit_id, staff_id=guard.current_staff().id, organ_id=guard.scope())
    except Conflict as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
    else:
        flash(str(done), "good")
        db.session.commit()
    return redirect(url_for("staff.permits.show", permit_id=permit_id))


@blueprint.post("/<int:permit_id>/renewed")
@handlers_only
def confirm(permit_id: int) -> ResponseReturnValue:
    """Close a permit as renewed."""
    return act(permit_id, service.confirm_renewal, _("The permit is closed as renewed. Nobody is reminded any more."))


@blueprint.post("/<int:permit_id>/not-renewed")
@handlers_only
def deny(permit_id: int) -> ResponseReturnValue:
    """Go on reminding."""
    return act(permit_id, service.deny_renewal, _("The report is set aside. Reminders go on."))


@blueprint.post("/<int:permit_id>/revoke")
@handlers_only
def revoke(permit_id: int) -> ResponseReturnValue:
    """Close a permit that no longer stands."""
    return act(permit_id, service.revoke, _("The permit is closed as no longer valid. Nobody is reminded any more."))


@blueprint.get("/calls")
def calls() -> ResponseReturnValue:
    """Lead old links to the call list, which is no longer about permits alone."""
    return redirect(url_for("staff.calls.index", view=request.args.get("view")), 301)
