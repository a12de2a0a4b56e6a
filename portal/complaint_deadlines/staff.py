"""Staff pages: another kind for a case, and deadlines of running cases worked out anew after a kind has changed."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.calendar.queries import get_calendar
from portal.case_types.queries import get_case_type, list_case_types
from portal.complaint_deadlines import queries, service
from portal.complaint_deadlines.forms import KindForm, RecomputeForm
from portal.complaints.queries import get_case_type_of, get_for_staff, get_last_event, read_clock
from portal.complaints.service import open_for_step
from portal.fields import saved
from portal.i18n import pick

blueprint = Blueprint("complaint_deadlines", __name__)


@blueprint.route("/case-types/<key>/cases", methods=["GET", "POST"])
@guard.needs(Role.SUPERVISOR)
def kind(key: str) -> ResponseReturnValue:
    """Ask before the deadlines of all running cases of a kind are worked out anew."""
    found, form = get_case_type(key), RecomputeForm()
    moved: list[int] = []
    if saved(form, lambda: moved.append(service.recompute_kind(kind=key, staff=guard.current_staff()))):
        flash(ngettext("%(num)d case has another day now.", "%(num)d cases have another day now.", moved[0]), "good")
        return redirect(url_for("staff.case_types.edit", key=key), 303)
    return render_template(
        "staff/complaint_deadlines/kind.html", kind=found, form=form, count=queries.count_open(key)
    ), (422 if form.is_submitted() else 200)


@blueprint.route("/complaints/<int:complaint_id>/kind", methods=["GET", "POST"])
@guard.needs(Role.CLERK, Role.SUPERVISOR)
def change(complaint_id: int) -> ResponseReturnValue:
    """Make a case one of another kind."""
    staff, form = guard.current_staff(), KindForm()
    complaint = get_for_staff(complaint_id, staff)
    own = get_case_type_of(complaint)
    form.offer([(kind.key, pick(kind, "name")) for kind in list_case_types() if kind.active and kind.key != own.key])

    def save() -> None:
        opened = open_for_step(complaint_id=complaint_id, staff=staff, seen=form.seen.data)
        service.change_kind(complaint=opened, key=form.kind.data, reason=form.reason.data or "", staff=staff)

    if saved(form, save):
        flash(_("The case is of another kind now; its days are worked out anew."), "good")
        return redirect(url_for("staff.complaints.show", complaint_id=complaint_id), 303)
    complaint = get_for_staff(complaint_id, staff)
    page = render_template(
        "staff/complaint_deadlines/change.html",
        complaint=complaint,
        kind=get_case_type_of(complaint),
        clock=read_clock(complaint, get_calendar(), clock.today()),
        form=form,
        seen=get_last_event(complaint)[0],
    )
    return page, 422 if form.is_submitted() else 200
