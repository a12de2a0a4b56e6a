"""Staff pages of the kinds of cases: how long each step may take, under which rule, and for how long they are kept."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import guard
from portal.accounts.models import Role
from portal.case_types import forms, queries, service
from portal.fields import saved

blueprint = Blueprint("case_types", __name__, url_prefix="/case-types")

supervisors_only = guard.needs(Role.SUPERVISOR)


@blueprint.get("/")
@supervisors_only
def index() -> str:
    """List the kinds of cases with their periods."""
    return render_template("staff/case_types/index.html", kinds=queries.list_case_types(), units=forms.UNITS)


@blueprint.route("/<key>", methods=["GET", "POST"])
@supervisors_only
def edit(key: str) -> ResponseReturnValue:
    """Change a kind of case, from now on."""
    kind = queries.get_case_type(key, lock=request.method == "POST")
    form = forms.CaseTypeForm(data={name: getattr(kind, name) for name in service.SETTINGS})
    changed: list[str] = []

    def save() -> None:
        staff_id = guard.current_staff().id
        changed.extend(service.update_case_type(kind=kind, staff_id=staff_id, settings=form.settings()))

    if saved(form, save):
        flash(_("Saved. It holds for cases from now on.") if changed else _("Nothing has changed."), "good")
        return redirect(url_for(".edit", key=key), 303)
    return render_template("staff/case_types/edit.html", kind=kind, form=form), 422 if form.is_submitted() else 200
