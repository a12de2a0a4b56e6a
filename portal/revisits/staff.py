"""Revisits for the legal office: who was asked, what they said, what follows. Handling officers have no way in."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.audit import service as audit
from portal.db import db
from portal.errors import Refusal
from portal.paging import page_number
from portal.revisits import queries, rules, service
from portal.revisits.forms import GRADE_WORDS, CloseForm, PhoneAnswerForm
from portal.revisits.models import RevisitState
from portal.revisits.queries import View

blueprint = Blueprint("revisits", __name__, url_prefix="/revisits")


def asked_view() -> View:
    """Return the filter that the address names; nonsense filters nothing."""
    try:
        return View(request.args.get("view", ""))
    except ValueError:
        return View.ALL


@blueprint.get("/")
@guard.needs(Role.SUPERVISOR)
def index() -> ResponseReturnValue:
    """Show revisits with their figures."""
    view, today = asked_view(), clock.today()
    counts = queries.count_views(today)
    return render_template(
        "staff/revisits/index.html",
        view=view,
        counts=counts,
        page=queries.list_revisits(page_number(request.args.get("page")), view=view, today=today),
        bars=rules.grade_bars(queries.count_grades()),
        coverage=rules.percent(counts[View.ANSWERED], counts[View.ALL]),
        grade_words=GRADE_WORDS,
        states=RevisitState,
    )


def show_record(
    revisit_id: int,
    *,
    phone_form: PhoneAnswerForm | None = None,
    close_form: CloseForm | None = None,
    phone_shown: bool = False,
) -> str:
    """Return a revisit's page, with whatever was typed into one of its forms."""
    revisit = queries.get_revisit(revisit_id)
    return render_template(
        "staff/revisits/show.html",
        revisit=revisit,
        decision=revisit.decision,
        follow_up=revisit.follow_up,
        phone_shown=phone_shown,
        form=phone_form or close_form,
        phone_form=phone_form or PhoneAnswerForm(formdata=None, prefix="phone-"),
        close_form=close_form or CloseForm(formdata=None, prefix="close-"),
        may_answer=revisit.state in service.OPEN,
        grade_words=GRADE_WORDS,
    )


@blueprint.get("/<int:revisit_id>")
@guard.needs(Role.SUPERVISOR)
def show(revisit_id: int) -> ResponseReturnValue:
    """Show one revisit."""
    return show_record(revisit_id)


@blueprint.post("/<int:revisit_id>/phone")
@guard.needs(Role.SUPERVISOR)
def show_phone(revisit_id: int) -> ResponseReturnValue:
    """Show the number to dial; that it was shown is recorded."""
    audit.record("revisit.phone_shown", f"revisit:{revisit_id}", staff_id=guard.current_staff().id)
    page = show_record(revisit_id, phone_shown=True)
    db.session.commit()
    return page


@blueprint.post("/<int:revisit_id>/answer")
@guard.needs(Role.SUPERVISOR)
def record_answer(revisit_id: int) -> ResponseReturnValue:
    """Keep an answer that was given on the telephone."""
    form = PhoneAnswerForm(prefix="phone-")
    if not form.validate():
        return show_record(revisit_id, phone_form=form), 422
    kept = service.record_answer(
        revisit_id=revisit_id,
        grade=int(form.grade.data),
        comment=(form.comment.data or "").strip(),
        channel="phone",
        staff_id=guard.current_staff().id,
    )
    if not kept:
        form.grade.errors = [_("An answer came in meanwhile; it is shown below.")]
        return show_record(revisit_id, phone_form=form), 422
    db.session.commit()
    flash(_("The answer is kept."), "good")
    return redirect(url_for(".show", revisit_id=revisit_id))


@blueprint.post("/<int:revisit_id>/contacted")
@guard.needs(Role.SUPERVISOR)
def mark_contacted(revisit_id: int) -> ResponseReturnValue:
    """Note that somebody has spoken with the party."""
    service.mark_contacted(revisit_id=revisit_id, staff_id=guard.current_staff().id)
    db.session.commit()
    flash(_("The contact is noted."), "good")
    return redirect(url_for(".show", revisit_id=revisit_id))


@blueprint.post("/<int:revisit_id>/close")
@guard.needs(Role.SUPERVISOR)
def close(revisit_id: int) -> ResponseReturnValue:
    """Close a follow-up with what was done."""
    form = CloseForm(prefix="close-")
    if form.validate():
        try:
            service.close_follow_up(
                revisit_id=revisit_id, answer=form.answer.data.strip(), staff_id=guard.current_staff().id
            )
        except Refusal as refusal:
            db.session.rollback()
            form.answer.errors = [refusal.message]
        else:
            db.session.commit()
            flash(_("The follow-up is closed."), "good")
            return redirect(url_for(".show", revisit_id=revisit_id))
    return show_record(revisit_id, close_form=form), 422
