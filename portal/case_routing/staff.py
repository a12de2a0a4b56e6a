"""Staff page: to which organ a case belongs, why, and passing it on there."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.case_routing import forms, queries, service
from portal.complaints.queries import get_for_staff, get_last_event
from portal.complaints.service import open_for_step
from portal.db import db
from portal.fields import saved
from portal.organs.queries import load_organs
from portal.powers.models import PowerItem

blueprint = Blueprint("case_routing", __name__, url_prefix="/complaints")
handlers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)


@blueprint.get("/<int:complaint_id>/routing")
@handlers_only
def show(complaint_id: int) -> ResponseReturnValue:
    """Show to which organ a case belongs, and look for the power that it is about."""
    return show_page(complaint_id)


def show_page(
    complaint_id: int, *, power: forms.PowerForm | None = None, passing: forms.PassForm | None = None
) -> ResponseReturnValue:
    """Render the page, with the form that was sent if it has errors."""
    complaint, today = get_for_staff(complaint_id, guard.current_staff()), clock.today()
    item = db.session.get(PowerItem, complaint.power_item_id) if complaint.power_item_id else None
    known = {"code": item.code if item else "", "street": complaint.street}
    search = forms.SearchForm(request.args)
    page = render_template(
        "staff/case_routing/show.html",
        complaint=complaint,
        item=item,
        suggestion=queries.suggest_for(complaint, on=today),
        organs=load_organs(),
        power=power or forms.PowerForm(formdata=None, data=known),
        passing=passing or forms.PassForm(formdata=None),
        search=search,
        found=queries.list_matching(search.q.data, on=today) if search.q.data else None,
        seen=get_last_event(complaint)[0],
    )
    return page, 200 if power is None and passing is None else 422


@blueprint.post("/<int:complaint_id>/routing/power")
@handlers_only
def set_power(complaint_id: int) -> ResponseReturnValue:
    """Say which power the case is about."""
    form, staff = forms.PowerForm(), guard.current_staff()
    get_for_staff(complaint_id, staff)

    def save() -> None:
        opened = open_for_step(complaint_id=complaint_id, staff=staff, seen=form.seen.data)
        service.set_power(complaint=opened, staff=staff, code=form.code.data or "", street=form.street.data or "")

    if saved(form, save):
        flash(_("Saved. Below is where it belongs now."), "good")
        return redirect(url_for(".show", complaint_id=complaint_id), 303)
    return show_page(complaint_id, power=form)


@blueprint.post("/<int:complaint_id>/routing/pass")
@handlers_only
def pass_on(complaint_id: int) -> ResponseReturnValue:
    """Pass the case on to the organ that it belongs to."""
    form, staff = forms.PassForm(), guard.current_staff()
    get_for_staff(complaint_id, staff)

    def save() -> None:
        opened = open_for_step(complaint_id=complaint_id, staff=staff, seen=form.seen.data)
        service.pass_on(complaint=opened, staff=staff, reason=form.reason.data or "")

    if saved(form, save):
        flash(_("The case is with the organ that it belongs to."), "good")
        # Who passed it on may not see it there any more.
        return redirect(url_for("staff.complaints.index"), 303)
    return show_page(complaint_id, passing=form)
