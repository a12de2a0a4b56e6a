"""Staff pages: writing a complaint down for its sender, and the receipt that the sender gets, once."""

import re
import secrets
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock, uploads
from portal.accounts import guard as accounts
from portal.accounts.models import Role
from portal.audit import service as audit
from portal.case_steps.staff import stage_files
from portal.case_types.queries import list_case_types
from portal.complaint_filing.forms import UNKNOWN_ORGAN
from portal.complaint_filing.queries import list_streets
from portal.complaint_intakes.forms import IntakeForm, read_intake
from portal.complaints import guard, queries, rules, service
from portal.db import db
from portal.errors import NotFound, Refusal
from portal.i18n import DEFAULT, pick
from portal.settings import Settings

blueprint = Blueprint("complaint_intakes", __name__, url_prefix="/intakes")
RECEIPT = "intake"
KEY = re.compile(r"[0-9a-f]{32}")


def make_form() -> IntakeForm:
    """Return the form with what can be chosen today."""
    form = IntakeForm()
    today = clock.today()
    if not form.is_submitted():
        form.received_on.data, form.key.data = today, secrets.token_hex(16)
    form.latest = today
    form.case_types = {kind.key: kind for kind in list_case_types() if kind.active}
    usual = [("", _("The usual one"))]
    form.case_type.choices = [*usual, *((key, pick(kind, "name")) for key, kind in form.case_types.items())]
    organs = [(str(row.id), pick(row, "name")) for row in queries.list_organs(today)]
    form.organ.choices = [("", _("Please choose")), (UNKNOWN_ORGAN, _("Not known")), *organs]
    form.street.choices = [("", _("Please choose")), *((street, street) for street in list_streets())]
    return form


@blueprint.get("/new")
@accounts.needs(Role.CLERK, Role.SUPERVISOR)
def new() -> ResponseReturnValue:
    """Show the form."""
    return show_form(make_form())


def show_form(form: IntakeForm, status: int = 200) -> ResponseReturnValue:
    """Render the form."""
    return render_template("staff/complaint_intakes/new.html", form=form, rules=rules, uploads=uploads), status


@blueprint.post("/new")
@accounts.needs(Role.CLERK, Role.SUPERVISOR)
def register() -> ResponseReturnValue:
    """Write the complaint into the register and lead to its receipt; the same form gives the same case."""
    form, staff = make_form(), accounts.current_staff()
    # The kind of case says whether it may be anonymous, so it is judged before the name.
    form.validate_on_submit()
    if not KEY.fullmatch(form.key.data or ""):
        form.form_errors.append(_("This page was open for too long. Go back, reload it and send it again."))
    if form.errors or form.form_errors:
        return show_form(form, 422)
    code = service.make_code()
    try:
        filing = read_intake(form, files=stage_files(form.files), staff_id=staff.id, locale=DEFAULT)
        complaint = service.file_complaint(filing=filing, code=code)
    except Refusal as refusal:
        db.session.rollback()
        form.form_errors.append(str(refusal.message))
        return show_form(form, 422)
    if complaint.registered_by_id != staff.id:
        raise NotFound("")
    if complaint.code_hash == code.hash:
        if not form.code_told.data:
            service.confirm_code(complaint)
        subject = f"complaint:{complaint.id}"
        details = {"channel": complaint.channel.value, "named": not complaint.anonymous, "consent": form.consent.data}
        audit.record("complaint.register", subject, staff_id=staff.id, code_told=form.code_told.data, **details)
    guard.open_place(RECEIPT, complaint.id)
    flash(_("Written into the register."), "good")
    db.session.commit()
    return redirect(url_for("staff.complaint_intakes.receipt"))


def find_registered() -> Any:
    """Return the complaint whose receipt whoever is signed in may see, or None."""
    complaint_id = guard.find_place(RECEIPT)
    complaint = queries.get_for_sender(complaint_id) if complaint_id is not None else None
    return complaint if complaint and complaint.registered_by_id == accounts.current_staff().id else None


@blueprint.get("/receipt")
@accounts.needs(Role.CLERK, Role.SUPERVISOR)
def receipt() -> ResponseReturnValue:
    """Show the receipt, to print or to read out, until the sender has it and for half an hour at most."""
    # Only receipts draw a code.
    import segno

    complaint = find_registered()
    if complaint is None:
        return redirect(url_for("staff.complaint_intakes.new"))
    settings: Settings = current_app.config["SETTINGS"]
    address = f"{settings.public_url}{url_for('complaints.track')}"
    return render_template(
        "staff/complaint_intakes/receipt.html",
        complaint=complaint,
        code=rules.group_code(service.show_code(complaint)),
        address=address,
        picture=segno.make(address, error="m").svg_data_uri(scale=4, light="#fff", border=3),
    )


@blueprint.post("/receipt")
@accounts.needs(Role.CLERK, Role.SUPERVISOR)
def hand_out() -> ResponseReturnValue:
    """Erase the code that the sender has now."""
    complaint = find_registered()
    if complaint is not None:
        service.confirm_code(service.lock_for_sender(complaint.id))
        guard.close_place(RECEIPT)
        db.session.commit()
    return redirect(url_for("staff.complaints.index" if request.form.get("go") == "list" else ".new"))
