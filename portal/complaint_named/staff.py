"""Staff page: whom a complaint names, for supervisors whom it does not name."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import guard
from portal.accounts.models import Role
from portal.complaint_named import queries, service
from portal.complaint_named.forms import AddForm, ClearForm
from portal.complaints.queries import get_for_staff
from portal.complaints.service import open_for_step
from portal.db import db
from portal.errors import Refusal

blueprint = Blueprint("complaint_named", __name__, url_prefix="/complaints")
supervisors_only = guard.needs(Role.SUPERVISOR)


@blueprint.get("/<int:complaint_id>/named")
@supervisors_only
def index(complaint_id: int) -> ResponseReturnValue:
    """Show who is named, and how that is known."""
    return show(complaint_id)


def show(
    complaint_id: int, *, add: AddForm | None = None, clear: ClearForm | None = None, wrong: int = 0, status: int = 200
) -> ResponseReturnValue:
    """Render the page; `wrong` is the match whose form holds errors."""
    complaint = get_for_staff(complaint_id, guard.current_staff())
    add = add or AddForm(formdata=None)
    add.account.choices = [("", _("Please choose")), *((row.id, row.name) for row in queries.list_accounts())]
    page = render_template(
        "staff/complaint_named/index.html",
        complaint=complaint,
        named=queries.list_named(complaint_id),
        add=add,
        clear=clear or ClearForm(formdata=None),
        wrong=wrong,
    )
    return page, status


@blueprint.post("/<int:complaint_id>/named")
@supervisors_only
def add(complaint_id: int) -> ResponseReturnValue:
    """Keep the complaint from somebody else."""
    form, staff = AddForm(), guard.current_staff()
    if not form.validate():
        return show(complaint_id, add=form, status=422)
    try:
        service.add_named(
            complaint=open_for_step(complaint_id=complaint_id, staff=staff),
            account_id=form.account.data,
            card=form.card.data or "",
            reason=form.reason.data or "",
            staff=staff,
        )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        db.session.rollback()
        form[refusal.field or "account"].errors = [refusal.message]
        return show(complaint_id, add=form, status=422)
    flash(_("They cannot see this complaint any more."), "good")
    # Whoever names themselves does not see it any more either.
    own = form.account.data == staff.id
    db.session.commit()
    return redirect(url_for("staff.complaints.index") if own else url_for(".index", complaint_id=complaint_id))


@blueprint.post("/<int:complaint_id>/named/<int:named_id>/clear")
@supervisors_only
def clear(complaint_id: int, named_id: int) -> ResponseReturnValue:
    """Let somebody see it who is not meant."""
    form, staff = ClearForm(), guard.current_staff()
    if not form.validate():
        return show(complaint_id, clear=form, wrong=named_id, status=422)
    complaint = open_for_step(complaint_id=complaint_id, staff=staff)
    service.clear_named(complaint=complaint, named_id=named_id, reason=form.why.data or "", staff=staff)
    flash(_("They may see this complaint now, as far as it is for them."), "good")
    db.session.commit()
    return redirect(url_for(".index", complaint_id=complaint_id))
