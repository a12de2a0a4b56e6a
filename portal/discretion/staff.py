"""Staff pages of the discretion standards: list, one standard with its tiers, and the import of a spreadsheet.

Clerks and reviewers keep those of their own organ; the legal office keeps all.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.db import db
from portal.discretion import forms, importer, queries, rules, service
from portal.discretion.models import DiscretionStandard, Tier
from portal.fields import one_line, saved
from portal.organs.queries import load_organs
from portal.paging import page_number
from portal.registers import Outcome, read_upload

blueprint = Blueprint("discretion", __name__, url_prefix="/discretion")

keepers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)
TEXTS = ("code", "violation", "trade", "basis_text", "document_number")
COLUMNS = (*TEXTS, "valid_from", "valid_to")


@blueprint.get("/")
@keepers_only
def index() -> str:
    """List the standards of whoever keeps them, those of today or those that are over."""
    keyword, ended = one_line(request.args.get("q"))[:100], request.args.get("ended") == "1"
    wanted = queries.Wanted(on=clock.today(), words=keyword.split(), organ_id=guard.scope(), ended=ended)
    return render_template(
        "staff/discretion/index.html",
        page=queries.list_standards(wanted, number=page_number(request.args.get("page"))),
        keyword=keyword,
        ended=ended,
        address=lambda number: url_for(".index", q=keyword or None, ended="1" if ended else None, page=number),
    )


def get_own(standard_id: int, *, lock: bool = False) -> DiscretionStandard:
    """Return a standard to somebody who may change it; raises NotFound."""
    return queries.get_standard(standard_id, scope=guard.scope(), lock=lock)


@blueprint.get("/<int:standard_id>")
@keepers_only
def show(standard_id: int) -> str:
    """Show one standard and what can be done with it."""
    standard = get_own(standard_id)
    return render_template("staff/discretion/show.html", standard=standard, tier_labels=forms.TIER_LABELS)


@blueprint.route("/new", methods=["GET", "POST"])
@keepers_only
def new() -> ResponseReturnValue:
    """Enter a standard."""
    return edit_page(None)


@blueprint.route("/<int:standard_id>/edit", methods=["GET", "POST"])
@keepers_only
def edit(standard_id: int) -> ResponseReturnValue:
    """Change a standard, or let it end."""
    return edit_page(get_own(standard_id, lock=request.method == "POST"))


def edit_page(standard: DiscretionStandard | None) -> ResponseReturnValue:
    """Show the form of a standard, or save what was typed and go on to it."""
    data: dict[str, Any] = {name: getattr(standard, name) for name in COLUMNS} if standard else {}
    form = forms.StandardForm(data=data | ({"organ": standard.organ_id} if standard else {}))
    own = guard.scope()
    organs = [row for row in load_organs().values() if row.confirmed and own in (None, row.id)]
    form.organ.choices = [SelectChoice(row.id, row.name) for row in organs]
    found: list[DiscretionStandard] = []

    def save() -> None:
        content = service.Content(
            **{name: form[name].data or "" for name in TEXTS},
            organ_id=form.organ.data,
            valid_from=form.valid_from.data,
            valid_to=form.valid_to.data,
        )
        staff_id = guard.current_staff().id
        if standard is None:
            found.append(service.create_standard(content=content, staff_id=staff_id))
        else:
            service.update_standard(standard=standard, content=content, staff_id=staff_id)
            found.append(standard)

    if saved(form, save):
        flash(_("The standard is saved."), "good")
        return redirect(url_for(".show", standard_id=found[0].id), 303)
    status = 422 if form.is_submitted() else 200
    return render_template("staff/discretion/edit.html", form=form, standard=standard), status


@blueprint.route("/<int:standard_id>/tiers/new", methods=["GET", "POST"])
@keepers_only
def new_tier(standard_id: int) -> ResponseReturnValue:
    """Add a tier."""
    return tier_page(standard_id, None)


@blueprint.route("/<int:standard_id>/tiers/<int:tier_id>", methods=["GET", "POST"])
@keepers_only
def edit_tier(standard_id: int, tier_id: int) -> ResponseReturnValue:
    """Change a tier."""
    return tier_page(standard_id, tier_id)


def tier_page(standard_id: int, tier_id: int | None) -> ResponseReturnValue:
    """Show the form of a tier, or save what was typed and go back to its standard."""
    standard = get_own(standard_id, lock=request.method == "POST")
    tier = service.get_tier(standard, tier_id) if tier_id is not None else None
    names = ("condition", "consequence", "fine_from", "fine_to")
    data = {name: getattr(tier, name) for name in names} | {"tier": tier.tier.value} if tier else {}
    form = forms.TierForm(data=data)

    def save() -> None:
        fines = [rules.read_amount(field.data) if field.data else None for field in (form.fine_from, form.fine_to)]
        content = service.TierContent(
            tier=Tier(form.tier.data),
            condition=form.condition.data or "",
            consequence=form.consequence.data or "",
            fine_from=fines[0],
            fine_to=fines[1],
        )
        service.keep_tier(standard=standard, tier_id=tier_id, content=content, staff_id=guard.current_staff().id)

    if saved(form, save):
        flash(_("The tier is saved."), "good")
        return redirect(url_for(".show", standard_id=standard_id), 303)
    page = render_template(
        "staff/discretion/tier.html", form=form, standard_id=standard_id, tier_id=tier_id, heading=standard.violation
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<int:standard_id>/tiers/<int:tier_id>/<step>")
@keepers_only
def move_tier(standard_id: int, tier_id: int, step: str) -> ResponseReturnValue:
    """Move a tier up, or take it out."""
    standard, staff_id = get_own(standard_id, lock=True), guard.current_staff().id
    if step == "up":
        service.raise_tier(standard=standard, tier_id=tier_id, staff_id=staff_id)
    elif step == "remove":
        service.remove_tier(standard=standard, tier_id=tier_id, staff_id=staff_id)
        flash(_("The tier is taken out."), "good")
    db.session.commit()
    return redirect(url_for(".show", standard_id=standard_id), 303)


@blueprint.route("/import", methods=["GET", "POST"])
@keepers_only
def upload() -> ResponseReturnValue:
    """Take a spreadsheet with standards and tell what became of its rows."""
    form = forms.UploadForm()
    outcome: list[Outcome] = []

    def save() -> None:
        own, staff_id = guard.scope(), guard.current_staff().id
        register = read_upload(form.file.data, importer.COLUMNS, importer.REQUIRED)
        outcome.append(importer.enter_standards(register, staff_id=staff_id, own_organ=own))

    done = saved(form, save)
    status = 422 if form.is_submitted() and not done else 200
    return render_template("staff/discretion/import.html", form=form, outcome=outcome[0] if done else None), status
