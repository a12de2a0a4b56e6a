"""Staff pages of the end of a publication: withdrawal, credit repair."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.calendar.queries import get_calendar
from portal.calendar.rules import read_clock
from portal.db import db
from portal.decision_endings import forms, queries, service
from portal.decisions import queries as decisions
from portal.decisions import rules as decision_rules
from portal.decisions import staff as decision_pages
from portal.decisions.forms import AnswerForm
from portal.decisions.guard import REVIEWERS, may_review
from portal.decisions.models import Decision
from portal.decisions.service import public_words
from portal.errors import Conflict

blueprint = Blueprint("decision_endings", __name__, url_prefix="/decisions")


def get_decision(decision_id: int) -> Decision:
    """Return a decision, locked when something is to be done to it."""
    return decisions.get_for_staff(decision_id, scope=guard.scope(), lock=request.method == "POST")


@blueprint.get("/<int:decision_id>/withdraw")
def withdrawal(decision_id: int) -> str:
    """Show who ordered a withdrawal, and ask for what comes next."""
    return withdrawal_page(get_decision(decision_id))


def withdrawal_page(decision: Decision, form: Any = None) -> str:
    """Return the page of a withdrawal with the form that was sent, and what the public will read of a reason."""
    order_form = form if isinstance(form, forms.OrderForm) else forms.OrderForm(formdata=None)
    withdraw_form = form if isinstance(form, forms.WithdrawForm) else forms.WithdrawForm(formdata=None)
    given = "" if withdraw_form.errors else withdraw_form.reason.data
    return render_template(
        "staff/decision_endings/withdraw.html",
        decision=decision,
        withdrawal=decision_pages.withdrawal_clock(get_calendar(), decision),
        form=form,
        order_form=order_form,
        withdraw_form=withdraw_form,
        notice=public_words(decision, given) if given else "",
        may_review=may_review(),
    )


@blueprint.post("/<int:decision_id>/withdrawal-order")
def order_withdrawal(decision_id: int) -> ResponseReturnValue:
    """Put on record who ordered a withdrawal, and when."""
    form, staff = forms.OrderForm(), guard.current_staff()

    def act(decision: Decision) -> None:
        service.order_withdrawal(decision=decision, staff=staff, ordered_on=form.ordered_on.data, order=form.order.data)

    return withdrawal_step(decision_id, form, act, _("The order is on record; three working days count from it."))


@blueprint.post("/<int:decision_id>/withdrawal-notice")
@guard.needs(*REVIEWERS)
def withdrawal_notice(decision_id: int) -> ResponseReturnValue:
    """Show a reason as the public will read it; nothing is kept."""
    decision, form = get_decision(decision_id), forms.WithdrawForm()
    status = 200 if form.validate() else 422
    refusal = decision_pages.attempt(lambda: service.refuse_withdrawal(decision))
    if refusal is not None:
        flash(str(refusal.message), "warn")
        return withdrawal_page(decision), refusal.status
    return withdrawal_page(decision, form), status


@blueprint.post("/<int:decision_id>/withdraw")
@guard.needs(*REVIEWERS)
def withdraw(decision_id: int) -> ResponseReturnValue:
    """Take a decision down with a reason for the public that somebody has seen as the public will read it."""
    form, staff = forms.WithdrawForm(), guard.current_staff()

    def act(decision: Decision) -> None:
        service.refuse_withdrawal(decision)
        service.refuse_unseen(decision, form.reason.data, form.seen.data or "")
        service.withdraw(decision=decision, staff=staff, reason=form.reason.data)

    return withdrawal_step(decision_id, form, act, _("The decision is withdrawn and public no longer."))


def withdrawal_step(decision_id: int, form: Any, act: Callable[[Decision], None], words: str) -> ResponseReturnValue:
    """Take one step of a withdrawal, or show its page again with what stands in the way."""
    decision = get_decision(decision_id)
    if not form.validate():
        db.session.rollback()
        return withdrawal_page(decision, form), 422
    refusal = decision_pages.attempt(lambda: act(decision))
    if refusal is not None:
        flash(str(refusal.message), "warn")
        return withdrawal_page(decision, form), refusal.status
    flash(words)
    return redirect(url_for("staff.decisions.show", decision_id=decision_id))


@blueprint.route("/<int:decision_id>/repair", methods=["GET", "POST"])
def repair(decision_id: int) -> ResponseReturnValue:
    """Show the applications for credit repair, and enter one."""
    decision = get_decision(decision_id)
    form = forms.RepairForm()
    status, staff = 200, guard.current_staff()
    if form.is_submitted():
        status = 422
        if form.validate():
            refusal = decision_pages.attempt(
                lambda: service.apply_for_repair(
                    decision=decision, staff=staff, applied_on=form.applied_on.data, reason=form.reason.data
                )
            )
            if refusal is None:
                flash(_("The application waits for a second person."))
                return redirect(url_for(".repair", decision_id=decision_id))
            decision_pages.hang(refusal, form)
            status = refusal.status if isinstance(refusal, Conflict) else 422
    return repair_page(decision, form), status


def repair_page(decision: Decision, form: forms.RepairForm, answer: AnswerForm | None = None) -> str:
    """Return the page of the applications of a decision."""
    days, calendar = decision_rules.CLOCKS["repair"], get_calendar()
    return render_template(
        "staff/decision_endings/repair.html",
        decision=decision,
        form=form,
        sent=answer or form,
        answer_form=answer or AnswerForm(formdata=None),
        obstacle=service.describe_obstacle(decision),
        first_day=service.first_repair_day(decision),
        repairs=decisions.list_repairs(decision.id),
        clock_of=lambda row: read_clock(calendar, row.applied_on, days, clock.today()),
        staff_id=guard.current_staff().id,
        may_review=may_review(),
    )


@blueprint.post("/<int:decision_id>/repair/<int:repair_id>")
@guard.needs(*REVIEWERS)
def decide_repair(decision_id: int, repair_id: int) -> ResponseReturnValue:
    """Grant or refuse an application for credit repair."""
    decision = get_decision(decision_id)
    row = queries.get_repair(decision, repair_id)
    form, staff = AnswerForm(), guard.current_staff()
    if not form.validate():
        db.session.rollback()
        return repair_page(decision, forms.RepairForm(formdata=None), form), 422
    granted = request.form.get("do") == "grant"
    refusal = decision_pages.attempt(
        lambda: service.decide_repair(
            decision=decision, repair=row, staff=staff, granted=granted, answer=form.answer.data
        )
    )
    if refusal is not None:
        flash(str(refusal.message), "warn")
        return repair_page(decision, forms.RepairForm(formdata=None), form), refusal.status
    flash(_("The publication has ended.") if granted else _("The application is refused."))
    return redirect(url_for("staff.decisions.show", decision_id=decision_id))
