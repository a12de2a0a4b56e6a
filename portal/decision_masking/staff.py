"""The queue of decisions whose masking waits, and the sheet on which a person decides about one."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import guard
from portal.accounts.models import Role, Staff
from portal.db import db
from portal.decision_masking import queries, service
from portal.decisions import guard as decision_guard
from portal.decisions import rules as decisions
from portal.decisions.forms import KIND_LABELS, STATE_LABELS
from portal.decisions.guard import require_original
from portal.decisions.models import Decision
from portal.decisions.queries import get_for_staff, public_party_name
from portal.errors import Conflict, Refusal
from portal.masking.forms import FINDING_LABELS
from portal.masking_sheets import forms
from portal.paging import page_number, whole_number
from portal.personal_data.rules import Finding

blueprint = Blueprint("decision_masking", __name__, url_prefix="/decision-masking")


@blueprint.get("/")
@guard.needs(Role.CLERK, Role.REVIEWER)
def index() -> ResponseReturnValue:
    """List the decisions whose masking waits, oldest first."""
    page = queries.list_waiting(scope=guard.scope(), number=page_number(request.args.get("page")))
    return render_template(
        "staff/decision_masking/index.html", page=page, kind_labels=KIND_LABELS, state_labels=STATE_LABELS
    )


@blueprint.post("/")
@guard.needs(Role.CLERK, Role.REVIEWER)
def confirm_plain() -> ResponseReturnValue:
    """Confirm the masking of chosen decisions in which nothing was found."""
    done = changed = 0
    for chosen in sorted(request.form.getlist("chosen"))[: queries.MOST_AT_ONCE]:
        decision_id, _colon, seen = chosen.partition(":")
        decision = get_locked(whole_number(decision_id) or 0)
        try:
            service.confirm_plain(decision=decision, staff=guard.current_staff(), seen=seen)
            done += 1
        except Refusal:
            changed += 1
    db.session.commit()
    if done:
        flash(
            ngettext("Masking of %(num)d decision confirmed.", "Masking of %(num)d decisions confirmed.", done), "good"
        )
    if changed:
        words = ngettext(
            "%(num)d decision changed meanwhile and still waits.",
            "%(num)d decisions changed meanwhile and still wait.",
            changed,
        )
        flash(words, "warn")
    if not done and not changed:
        flash(_("Choose at least one decision."), "warn")
    return redirect(url_for(".index"), 303)


@blueprint.get("/<int:decision_id>")
@guard.needs(Role.CLERK, Role.REVIEWER)
def show(decision_id: int) -> ResponseReturnValue:
    """Show the masked words, and the original beside them to whoever has opened it."""
    decision = get_for_staff(decision_id, scope=guard.scope())
    require_original(decision.organ_id)
    return show_sheet(decision)


@blueprint.post("/<int:decision_id>/open")
@guard.needs(Role.CLERK, Role.REVIEWER)
def open_original(decision_id: int) -> ResponseReturnValue:
    """Show the original; that is recorded."""
    decision = get_for_staff(decision_id, scope=guard.scope())
    require_original(decision.organ_id)
    decision_guard.open_original(decision)
    return redirect(url_for(".show", decision_id=decision_id), 303)


@blueprint.post("/<int:decision_id>/leave")
@guard.needs(Role.CLERK, Role.REVIEWER)
def leave_visible(decision_id: int) -> ResponseReturnValue:
    """Take the mark of a finding away."""
    form = forms.FindingForm()
    return act(
        decision_id,
        form,
        lambda decision, staff: service.leave_visible(
            decision=decision,
            staff=staff,
            number=form.number.data or 0,
            why=form.why.data or "",
            seen=form.seen.data or "",
        ),
    )


@blueprint.post("/<int:decision_id>/hide-again")
@guard.needs(Role.CLERK, Role.REVIEWER)
def hide_again(decision_id: int) -> ResponseReturnValue:
    """Mask again what was left visible."""
    form = forms.FindingForm()
    return act(
        decision_id,
        form,
        lambda decision, staff: service.hide_again(
            decision=decision, staff=staff, number=form.number.data or 0, seen=form.seen.data or ""
        ),
    )


@blueprint.post("/<int:decision_id>/hide")
@guard.needs(Role.CLERK, Role.REVIEWER)
def add_passage(decision_id: int) -> ResponseReturnValue:
    """Mask a passage wherever it stands."""
    form = forms.PassageForm()
    return act(
        decision_id,
        form,
        lambda decision, staff: service.add_passage(
            decision=decision,
            staff=staff,
            passage=form.passage.data,
            kind=Finding(form.kind.data),
            seen=form.seen.data or "",
        ),
    )


@blueprint.post("/<int:decision_id>/confirm")
@guard.needs(Role.CLERK, Role.REVIEWER)
def confirm(decision_id: int) -> ResponseReturnValue:
    """Confirm the masking as it was seen."""
    form = forms.SeenForm()

    return act(
        decision_id,
        form,
        lambda decision, staff: service.confirm(decision=decision, staff=staff, seen=form.seen.data or ""),
        then=url_for("staff.decisions.show", decision_id=decision_id),
        said=_("Masking confirmed. The decision can be handed over for review."),
    )


def act(
    decision_id: int, form: Any, step: Callable[[Decision, Staff], None], *, then: str = "", said: str = ""
) -> ResponseReturnValue:
    """Do one step on a locked decision whose original is open; what is refused is said on the sheet."""
    decision = get_locked(decision_id)
    if not decision_guard.is_open(decision_id):
        return redirect(url_for(".show", decision_id=decision_id), 303)
    if not form.validate():
        return show_sheet(decision, form=form, status=422)
    try:
        step(decision, guard.current_staff())
    except Refusal as refusal:
        db.session.rollback()
        decision = get_for_staff(decision_id, scope=guard.scope())
        return show_sheet(decision, form=form, refusal=refusal, status=409 if isinstance(refusal, Conflict) else 422)
    db.session.commit()
    if said:
        flash(said, "good")
    return redirect(then or url_for(".show", decision_id=decision_id, _anchor="findings"), 303)


def get_locked(decision_id: int) -> Decision:
    """Return a decision that this reader masks, its row locked."""
    decision = get_for_staff(decision_id, scope=guard.scope(), lock=True)
    require_original(decision.organ_id)
    return decision


def show_sheet(
    decision: Decision, *, form: Any = None, refusal: Refusal | None = None, status: int = 200
) -> ResponseReturnValue:
    """Return the page of a decision's masking."""
    sheet = queries.get_sheet(decision)
    typed = form if isinstance(form, forms.PassageForm) else None
    page = render_template(
        "staff/decision_masking/show.html",
        decision=decision,
        sheet=sheet,
        opened=decision_guard.is_open(decision.id),
        editable=decision.state in decisions.EDITABLE,
        form=typed or forms.PassageForm(formdata=None),
        refusal=refusal,
        party=public_party_name(decision.party.kind, decision.party.name),
        kind_label=KIND_LABELS[decision.kind],
        state_label=STATE_LABELS[decision.state],
        finding_labels=FINDING_LABELS,
        reason_labels=forms.REASON_LABELS,
    )
    return page, status
