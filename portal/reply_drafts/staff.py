"""Staff pages: drafts that wait for their second person, and the templates that replies start from."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.complaints.forms import CATEGORIES, KINDS
from portal.complaints.queries import list_organs
from portal.db import db
from portal.i18n import pick
from portal.reply_drafts import forms, queries, rules, service
from portal.reply_drafts.models import ReplyTemplate

blueprint = Blueprint("reply_drafts", __name__, url_prefix="/replies")


@blueprint.get("/")
@guard.needs(Role.CLERK, Role.SUPERVISOR)
def index() -> str:
    """Show what waits for whoever is signed in, and the templates."""
    return render_template(
        "staff/reply_drafts/index.html",
        waiting=queries.list_waiting(guard.current_staff()),
        templates=queries.list_templates(),
        words=forms,
        kinds=KINDS,
        categories=CATEGORIES,
        may_edit=guard.current_staff().role is not Role.CLERK,
    )


@blueprint.route("/templates/new", methods=["GET", "POST"])
@guard.needs(Role.SUPERVISOR)
def new() -> ResponseReturnValue:
    """Write a template."""
    return edit_template(None)


@blueprint.route("/templates/<int:template_id>", methods=["GET", "POST"])
@guard.needs(Role.SUPERVISOR)
def edit(template_id: int) -> ResponseReturnValue:
    """Change a template."""
    return edit_template(queries.get_template(template_id))


def edit_template(template: ReplyTemplate | None) -> ResponseReturnValue:
    """Show a template's form, and save what was typed."""
    names = ("purpose", "name", "kind", "category", "body", "active")
    present = {name: getattr(template, name) for name in names} if template else {}
    if template is not None:
        present["organ"] = str(template.organ_id or "")
    form = forms.TemplateForm(data=present)
    organs = [(str(row.id), pick(row, "name")) for row in list_organs(clock.today())]
    form.organ.choices = [("", _("Every organ")), *organs]
    status = 200
    if form.is_submitted():
        if form.validate():
            content = service.TemplateContent(**forms.read_template(form))
            service.save_template(template=template, content=content, staff=guard.current_staff())
            flash(_("Saved."), "good")
            db.session.commit()
            return redirect(url_for("staff.reply_drafts.index"), 303)
        status = 422
    page = render_template(
        "staff/reply_drafts/edit.html", form=form, template=template, rules=rules, placeholders=rules.PLACEHOLDERS
    )
    return page, status
