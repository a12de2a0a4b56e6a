"""Following a complaint with number and query code, and what its sender can still do."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from portal import clock, limits
from portal.calendar.queries import get_calendar
from portal.complaint_tracking import queries, service
from portal.complaint_tracking.forms import RateForm, SupplementForm, TrackForm, WithdrawForm
from portal.complaints import guard, rules
from portal.complaints.public import blueprint
from portal.complaints.queries import get_for_sender, read_clock
from portal.complaints.service import code_fits
from portal.db import db, reading
from portal.errors import Conflict, TooMany
from portal.i18n import moment


@blueprint.get("/track")
def track() -> ResponseReturnValue:
    """Ask for number and query code."""
    return render_template("public/complaints/track.html", form=TrackForm(), kept="")


@blueprint.post("/track")
@limits.limited("track")
def find() -> ResponseReturnValue:
    """Open the case that number and code fit; the same words when one is wrong as when there is no such case."""
    form = TrackForm()
    status = 422
    if form.validate():
        try:
            complaint_id = check_code(form.number.data or "", form.code.data or "")
        except TooMany as refusal:
            when = moment(refusal.details["retry_at"])
            form.form_errors.append(_("Too many wrong tries. Try again at %(when)s.", when=when))
            status = 429
        else:
            if complaint_id is not None:
                guard.open_place(guard.CASE, complaint_id)
                return redirect(url_for("complaints.case"))
            form.form_errors.append(_("The number or code is not right, please check"))
    return render_template("public/complaints/track.html", form=form, kept=""), status


def check_code(typed_number: str, typed_code: str) -> int | None:
    """Return the case that number and code fit, or None, always after the same work.

    The try is committed before the code is checked, so that guesses made at the same moment all count.
    Raises TooMany while the number is locked.
    """
    number, code = rules.read_number(typed_number), rules.read_code(typed_code)
    service.take_try(number or "-")
    db.session.commit()
    with reading():
        complaint_id, stored = queries.find_code_hash(number)
        db.session.rollback()
    if not code_fits(stored, code or "-"):
        return None
    service.clear_tries(number)
    db.session.commit()
    return complaint_id


@blueprint.get("/case")
def case() -> ResponseReturnValue:
    """Show how a complaint stands."""
    complaint_id = guard.find_place(guard.CASE)
    if complaint_id is None:
        return redirect(url_for("complaints.track"))
    guard.open_place(guard.CASE, complaint_id)
    return show_case(complaint_id)


def show_case(complaint_id: int, form: FlaskForm | None = None, status: int = 200) -> ResponseReturnValue:
    """Render the case page, with the form that was sent if it has errors."""
    complaint = get_for_sender(complaint_id)
    html = render_template(
        "public/complaints/case.html",
        complaint=complaint,
        clock=read_clock(complaint, get_calendar(), clock.today()),
        events=queries.list_public_events(complaint),
        form=form,
        rating=form if isinstance(form, RateForm) else RateForm(formdata=None),
        supplement=form if isinstance(form, SupplementForm) else SupplementForm(formdata=None),
        allows=rules.allows,
        rules=rules,
    )
    return html, status


def show_kept(text: str) -> ResponseReturnValue:
    """Ask for number and code again, showing what was typed, after the half hour is over."""
    form = TrackForm(formdata=None)
    form.form_errors.append(_("This page was open for too long. Please enter number and code again."))
    return render_template("public/complaints/track.html", form=form, kept=text), 403


def change_case(form: FlaskForm, *, typed: str, act: Callable[[int], None], done: str) -> ResponseReturnValue:
    """Let a sender change the case that is open in this browser; whatever was typed is shown again when it fails."""
    complaint_id = guard.find_place(guard.CASE)
    if complaint_id is None:
        return show_kept(typed)
    if form.is_submitted() and not form.validate():
        return show_case(complaint_id, form, 422)
    try:
        act(complaint_id)
    except Conflict as refusal:
        db.session.rollback()
        form.form_errors.append(str(refusal.message))
        return show_case(complaint_id, form, refusal.status)
    flash(done, "good")
    db.session.commit()
    return redirect(url_for("complaints.case"))


@blueprint.post("/case/supplement")
def supplement() -> ResponseReturnValue:
    """Add something to a complaint."""
    form = SupplementForm()

    def act(complaint_id: int) -> None:
        service.add_supplement(complaint_id=complaint_id, text=form.text.data)

    return change_case(form, typed=form.text.data, act=act, done=_("Added."))


@blueprint.post("/case/rate")
def rate() -> ResponseReturnValue:
    """Keep how satisfied the sender is."""
    form = RateForm()

    def act(complaint_id: int) -> None:
        grade, solved = int(form.grade.data), form.solved.data == "yes"
        service.rate_answer(complaint_id=complaint_id, grade=grade, solved=solved, comment=form.comment.data)

    return change_case(form, typed=form.comment.data, act=act, done=_("Thank you, received"))


@blueprint.post("/case/withdraw")
def withdraw() -> ResponseReturnValue:
    """Withdraw a complaint."""

    def act(complaint_id: int) -> None:
        service.withdraw_complaint(complaint_id=complaint_id)

    return change_case(WithdrawForm(), typed="", act=act, done=_("Your complaint is withdrawn."))
