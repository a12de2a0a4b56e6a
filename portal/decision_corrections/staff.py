"""Staff pages of corrections: propose, check what is masked, put before the public or refuse."""

import hashlib
import json

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.calendar.queries import get_calendar
from portal.calendar.rules import Clock, read_clock
from portal.db import db
from portal.decision_corrections import forms, queries, rules, service
from portal.decisions import queries as decisions
from portal.decisions import rules as decision_rules
from portal.decisions import staff as decision_pages
from portal.decisions.forms import KIND_LABELS, STATE_LABELS, AnswerForm
from portal.decisions.guard import REVIEWERS, may_review, open_original, require_original, sees_original
from portal.decisions.models import CorrectionState, Decision, DecisionCorrection
from portal.errors import Conflict, Refusal
from portal.fields import tidy
from portal.masking.forms import FINDING_LABELS
from portal.masking.rules import POINTED_OUT, Choices, masked
from portal.masking_sheets.forms import REASON_LABELS

MAX_MORE = 2000

blueprint = Blueprint("decision_corrections", __name__, url_prefix="/decisions")


def get_decision(decision_id: int) -> Decision:
    """Return a decision, locked when something is to be done to it."""
    return decisions.get_for_staff(decision_id, scope=guard.scope(), lock=request.method == "POST")


@blueprint.route("/<int:decision_id>/correct", methods=["GET", "POST"])
def correct(decision_id: int) -> ResponseReturnValue:
    """Propose other words or figures for a published decision."""
    decision = get_decision(decision_id)
    require_original(decision.organ_id)
    form = forms.CorrectionForm(data=decision_pages.content_data(decision))
    decision_pages.offer_choices(form)
    form.shape(decision.kind)

    def act() -> DecisionCorrection:
        if form.version.data != decisions.fingerprint(decision):
            raise Conflict(_("Somebody changed this decision after you opened it. Your words are kept here."))
        return service.propose_correction(
            decision=decision,
            staff=guard.current_staff(),
            note=form.public_note.data,
            wanted=decision_pages.read_content(form),
            objected_on=form.objected_on.data,
        )

    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            proposed: list[DecisionCorrection] = []
            refusal = decision_pages.attempt(lambda: proposed.append(act()))
            if refusal is None:
                flash(_("The correction waits to be decided."))
                return redirect(url_for(".correction", decision_id=decision_id, correction_id=proposed[0].id))
            decision_pages.hang(refusal, form)
            status = refusal.status
    open_original(decision)
    form.version.data, form.version.raw_data = decisions.fingerprint(decision), None
    return render_template("staff/decision_corrections/correct.html", decision=decision, form=form), status


@blueprint.get("/<int:decision_id>/corrections/<int:correction_id>")
def correction(decision_id: int, correction_id: int) -> str:
    """Show a correction with what it changes and what can be done with it."""
    decision = get_decision(decision_id)
    return correction_page(decision, queries.get_correction(decision, correction_id))


def objection_clock(row: DecisionCorrection) -> Clock | None:
    """Return how long the answer to an objection may take; None when nobody objected, or it was decided on."""
    if row.objected_on is None or row.state is not CorrectionState.PROPOSED:
        return None
    return read_clock(get_calendar(), row.objected_on, decision_rules.CLOCKS["objection"], clock.today())


def correction_page(decision: Decision, row: DecisionCorrection, *, form: AnswerForm | None = None) -> str:
    """Return the page of a correction, with the form that was sent and refused."""
    staff = guard.current_staff()
    original = sees_original(decision.organ_id)
    if original:
        open_original(decision)
    return render_template(
        "staff/decision_corrections/correction.html",
        decision=decision,
        row=row,
        changes=queries.list_changes(decision, row, original=original),
        original=original,
        own=staff.id in (row.proposed_by_id, row.masked_by_id),
        may_review=may_review(),
        objection=objection_clock(row),
        version=service.fingerprint(row),
        form=form,
        answer_form=form or AnswerForm(formdata=None),
        state_label=STATE_LABELS[decision.state],
        kind_label=KIND_LABELS[decision.kind],
    )


def read_masking(decision: Decision, row: DecisionCorrection) -> tuple[list[rules.Text], Choices]:
    """Return the changed texts with what is proposed to be hidden, and the choices that were sent or made before."""
    made, words = service.made_choices(decision), service.changed_texts(row)
    proposed = [rules.Text(name, words[name], marks) for name, marks in service.mask(decision, words, made).items()]
    if request.method == "GET":
        return proposed, Choices.read(row.marks) if row.masked_at else made
    why = next((why for why in REASON_LABELS if why == request.form.get("why")), "")
    hidden, more = request.form.getlist("hide"), tidy(request.form.get("more"))[:MAX_MORE].splitlines()
    return proposed, rules.choose(made, proposed, hidden=hidden, why=why, more=more)


@blueprint.route("/<int:decision_id>/corrections/<int:correction_id>/masking", methods=["GET", "POST"])
def masking_page(decision_id: int, correction_id: int) -> ResponseReturnValue:
    """Show original and masked words of a correction side by side, and keep what a person confirms."""
    decision = get_decision(decision_id)
    require_original(decision.organ_id)
    row, staff = queries.get_correction(decision, correction_id), guard.current_staff()
    if not row.masked:
        return redirect(url_for(".correction", decision_id=decision_id, correction_id=correction_id))
    proposed, choices = read_masking(decision, row)
    marks = service.mask(decision, service.changed_texts(row), choices)
    results = {text.column: masked(text.words, marks[text.column]) for text in proposed}
    shown = hashlib.sha256(json.dumps(results).encode()).hexdigest()
    unexplained = any(not why for _kind, _passage, why in choices.left)
    # Confirmed is only what was on the screen; other choices are shown first.
    if request.form.get("do") == "confirm" and request.form.get("shown") == shown and not unexplained:
        refusal = decision_pages.attempt(
            lambda: service.confirm_masking(decision=decision, correction=row, staff=staff, choices=choices)
        )
        return correction_answer(decision_id, correction_id, refusal, _("The masking is confirmed."))
    open_original(decision)
    if request.method == "POST":
        words = _("This is what the public would read now. Confirm it when it is right.")
        flash(_("Choose why the words that you do not hide may stay visible.") if unexplained else words, "warn")
    return render_template(
        "staff/decision_corrections/masking.html",
        decision=decision,
        row=row,
        texts=proposed,
        results=results,
        left={(kind, passage) for kind, passage, _why in choices.left},
        shown=shown,
        labels=FINDING_LABELS,
        reasons=REASON_LABELS,
        pointed_out=POINTED_OUT,
    )


@blueprint.post("/<int:decision_id>/corrections/<int:correction_id>/apply")
@guard.needs(*REVIEWERS)
def apply(decision_id: int, correction_id: int) -> ResponseReturnValue:
    """Put a correction before the public."""
    decision = get_decision(decision_id)
    row = queries.get_correction(decision, correction_id)
    staff = guard.current_staff()

    def act() -> None:
        service.refuse_own(row, staff)
        service.refuse_decided(row)
        if request.form.get("version") != service.fingerprint(row):
            words = _("This correction was changed after you opened it. Below is how it stands now; look again.")
            raise Conflict(words)
        service.apply_correction(decision=decision, correction=row, staff=staff)

    refusal = decision_pages.attempt(act)
    return correction_answer(decision_id, correction_id, refusal, _("The correction is public."))


@blueprint.post("/<int:decision_id>/corrections/<int:correction_id>/refuse")
@guard.needs(*REVIEWERS)
def refuse(decision_id: int, correction_id: int) -> ResponseReturnValue:
    """Refuse a correction with a reason."""
    decision = get_decision(decision_id)
    row = queries.get_correction(decision, correction_id)
    form, staff = AnswerForm(), guard.current_staff()
    if not form.validate():
        db.session.rollback()
        return correction_page(decision, row, form=form), 422
    refusal = decision_pages.attempt(
        lambda: service.refuse_correction(decision=decision, correction=row, staff=staff, answer=form.answer.data)
    )
    return correction_answer(decision_id, correction_id, refusal, _("The correction is refused."))


def correction_answer(decision_id: int, correction_id: int, refusal: Refusal | None, words: str) -> ResponseReturnValue:
    """Go on to the page of a correction, or show it with what stood in the way."""
    if refusal is not None:
        flash(str(refusal.message), "warn")
        return correction(decision_id, correction_id), refusal.status
    flash(words)
    return redirect(url_for(".correction", decision_id=decision_id, correction_id=correction_id))
