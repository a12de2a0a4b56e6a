"""Staff pages of the procedures: their texts in both languages, and their steps in order; every change is on record."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from portal.accounts import guard
from portal.accounts.models import Role
from portal.db import db
from portal.errors import Refusal
from portal.fields import saved
from portal.organs.queries import load_organs
from portal.paging import page_number
from portal.procedures import forms, queries, rules, service
from portal.procedures.models import Procedure

blueprint = Blueprint("procedures", __name__, url_prefix="/procedures")

keepers_only = guard.needs(Role.SUPERVISOR)


@blueprint.get("/")
@keepers_only
def index() -> str:
    """List the procedures."""
    page = queries.list_procedures(number=page_number(request.args.get("page")))
    return render_template("staff/procedures/index.html", page=page)


@blueprint.get("/<slug>")
@keepers_only
def show(slug: str) -> str:
    """Show one procedure and what can be done with it."""
    procedure = queries.get_procedure(slug)
    return render_template(
        "staff/procedures/show.html",
        procedure=procedure,
        stages=rules.stages(procedure.steps),
        ships=service.find_shipped(slug) is not None,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@keepers_only
def new() -> ResponseReturnValue:
    """Enter a procedure of the city's own."""
    form = forms.NewForm(data={"organ": 0})

    def save() -> None:
        service.create_procedure(slug=form.slug.data or "", staff_id=guard.current_staff().id, **read_form(form))

    return edit_page(form, save, None)


@blueprint.route("/<slug>/edit", methods=["GET", "POST"])
@keepers_only
def edit(slug: str) -> ResponseReturnValue:
    """Change what a procedure says."""
    procedure = queries.get_procedure(slug, lock=request.method == "POST")
    data: dict[str, Any] = {name: getattr(procedure, name) for name in forms.PROCEDURE_TEXTS}
    data |= {"organ": procedure.organ_id or 0, "seen": service.stamp(procedure)}
    form = forms.ProcedureForm(data=data)

    def save() -> None:
        said = read_form(form)
        staff_id = guard.current_staff().id
        service.update_procedure(procedure=procedure, seen=form.seen.data or "", staff_id=staff_id, **said)

    return edit_page(form, save, procedure)


def read_form(form: forms.ProcedureForm) -> dict[str, Any]:
    """Return what was typed."""
    words = {name: form[name].data or "" for name in forms.PROCEDURE_TEXTS}
    return {"words": words, "organ_id": form.organ.data or None}


def edit_page(form: forms.ProcedureForm, save: Any, procedure: Procedure | None) -> ResponseReturnValue:
    """Show the form of a procedure, or save what was typed and go on to it."""
    organs = [SelectChoice(row.id, row.name) for row in load_organs().values() if row.confirmed]
    form.organ.choices = [SelectChoice(0, _("The hotline")), *organs]
    slug = procedure.slug if procedure else None
    if saved(form, save):
        flash(_("The procedure is saved."), "good")
        return redirect(url_for(".show", slug=slug or form.slug.data), 303)
    status = 422 if form.is_submitted() else 200
    return render_template("staff/procedures/edit.html", form=form, slug=slug), status


@blueprint.post("/<slug>/restore")
@keepers_only
def restore(slug: str) -> ResponseReturnValue:
    """Go back to what ships with the portal."""
    service.restore_procedure(procedure=queries.get_procedure(slug, lock=True), staff_id=guard.current_staff().id)
    flash(_("The shipped procedure is shown again."), "good")
    db.session.commit()
    return redirect(url_for(".show", slug=slug), 303)


@blueprint.route("/<slug>/steps/new", methods=["GET", "POST"])
@keepers_only
def new_step(slug: str) -> ResponseReturnValue:
    """Add a step at the end."""
    return step_page(slug, None)


@blueprint.route("/<slug>/steps/<int:step_id>", methods=["GET", "POST"])
@keepers_only
def edit_step(slug: str, step_id: int) -> ResponseReturnValue:
    """Change a step."""
    return step_page(slug, step_id)


def step_page(slug: str, step_id: int | None) -> ResponseReturnValue:
    """Show the form of a step, or save what was typed and go back to its procedure."""
    procedure = queries.get_procedure(slug, lock=request.method == "POST")
    step = service.get_step(procedure, step_id) if step_id is not None else None
    form = forms.StepForm(data={name: getattr(step, name) for name in (*forms.STEP_TEXTS, "ends")} if step else {})

    def save() -> None:
        words = {name: form[name].data or "" for name in forms.STEP_TEXTS}
        staff_id = guard.current_staff().id
        service.keep_step(procedure=procedure, step_id=step_id, words=words, ends=form.ends.data, staff_id=staff_id)

    title = procedure.title
    if saved(form, save):
        flash(_("The step is saved."), "good")
        return redirect(url_for(".show", slug=slug), 303)
    page = render_template("staff/procedures/step.html", form=form, slug=slug, title=title, step_id=step_id)
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<slug>/steps/<int:step_id>/<move>")
@keepers_only
def move_step(slug: str, step_id: int, move: str) -> ResponseReturnValue:
    """Move a step up, or take it out."""
    procedure, staff_id = queries.get_procedure(slug, lock=True), guard.current_staff().id
    try:
        if move == "up":
            service.raise_step(procedure=procedure, step_id=step_id, staff_id=staff_id)
        elif move == "remove":
            service.remove_step(procedure=procedure, step_id=step_id, staff_id=staff_id)
            flash(_("The step is taken out."), "good")
    except Refusal as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
        return redirect(url_for(".show", slug=slug), 303)
    db.session.commit()
    return redirect(url_for(".show", slug=slug), 303)
