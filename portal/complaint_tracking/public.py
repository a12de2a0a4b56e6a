"""Following a complaint with number and query code, and what its sender can still do."""

import secrets
from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock, limits, uploads
from portal.calendar.queries import get_calendar
from portal.case_parts.queries import list_lead_steps, list_parts
from portal.complaint_tracking import queries, service
from portal.complaint_tracking.forms import RateForm, ReopenForm, SupplementForm, TrackForm, WithdrawForm
from portal.complaint_tracking.rules import MAX_REASON
from portal.complaints import guard, rules
from portal.complaints.public import blueprint
from portal.complaints.queries import get_case_type_of, get_for_sender, read_clock
from portal.complaints.service import code_fits
from portal.db import db, reading
from portal.drafts import Draft
from portal.errors import Conflict, TooMany
from portal.i18n import moment
from portal.security import LEAVE

FORMS: dict[str, Any] = {
    "rating": RateForm, "supplement": SupplementForm, "reopening": ReopenForm, "withdrawal": WithdrawForm,
}  # fmt: skip


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
    # What is no number guesses at nothing; counted, it would lock out everybody else who mistypes one.
    if number:
        service.take_try(number)
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


def show_case(
    complaint_id: int, form: Any = None, status: int = 200, draft: Draft | None = None
) -> ResponseReturnValue:
    """Render the case page, with the form that was sent if it has errors, and the files that came with it."""
    complaint, calendar, today = get_for_sender(complaint_id), get_calendar(), clock.today()
    draft = draft or Draft(key=secrets.token_hex(16))
    html = render_template(
        "public/complaints/case.html",
        complaint=complaint,
        kind=get_case_type_of(complaint),
        joint=queries.list_joint_organs(complaint),
        parts=list_parts(complaint),
        lead_steps=list_lead_steps(complaint),
        clock=read_clock(complaint, calendar, today),
        question=queries.find_question(complaint),
        events=queries.list_public_events(complaint),
        files=queries.list_files(complaint),
        afterwards=queries.read_afterwards(complaint, calendar, today),
        rated=queries.is_rated(complaint),
        form=form,
        forms={name: form if isinstance(form, made) else made(formdata=None) for name, made in FORMS.items()},
        draft=draft,
        signed=draft.sign(purpose(complaint_id)),
        allows=rules.allows,
        rules=rules,
        max_reason=MAX_REASON,
        uploads=uploads,
    )
    return html, status


def purpose(complaint_id: int) -> str:
    """Return what the files waiting to be added to a case are signed for."""
    return f"supplement:{complaint_id}"


def show_kept(text: str) -> ResponseReturnValue:
    """Ask for number and code again, showing what was typed, after the half hour is over."""
    form = TrackForm(formdata=None)
    form.form_errors.append(_("This page was open for too long. Please enter number and code again."))
    return render_template("public/complaints/track.html", form=form, kept=text), 403


def change_case(
    form: Any, *, typed: str, act: Callable[[int], None], done: str, draft: Draft | None = None
) -> ResponseReturnValue:
    """Let a sender change the case that is open in this browser; whatever was typed is shown again when it fails."""
    complaint_id = guard.find_place(guard.CASE)
    if complaint_id is None:
        return show_kept(typed)
    if form.is_submitted() and not form.validate():
        return show_case(complaint_id, form, 422, draft)
    try:
        act(complaint_id)
    except Conflict as refusal:
        db.session.rollback()
        form.form_errors.append(str(refusal.message))
        return show_case(complaint_id, form, refusal.status, draft)
    flash(done, "good")
    db.session.commit()
    return redirect(url_for("complaints.case"))


@blueprint.post("/case/supplement")
def supplement() -> ResponseReturnValue:
    """Add words and files to a complaint, or answer what its sender was asked."""
    form, complaint_id = SupplementForm(), guard.find_place(guard.CASE)
    if complaint_id is None:
        return show_kept(form.text.data)
    draft = Draft.read(request.form.get("draft", ""), purpose=purpose(complaint_id), new_key=secrets.token_hex(16))
    refused = [*draft.drop_lost_files(), *draft.take_files(request.files.getlist("files"))]
    if draft.drop_file(request.form.get("remove", "")):
        return show_case(complaint_id, form, draft=draft)
    form.with_files = bool(draft.files)
    if refused:
        form.validate()
        form.files.errors = [*form.files.errors, *refused]
        return show_case(complaint_id, form, 422, draft)

    def act(complaint_id: int) -> None:
        service.add_supplement(complaint_id=complaint_id, text=form.text.data, files=draft.files)

    return change_case(form, typed=form.text.data, act=act, done=_("Added."), draft=draft)


@blueprint.post("/case/rate")
def rate() -> ResponseReturnValue:
    """Keep how satisfied the sender is."""
    form = RateForm()

    def act(complaint_id: int) -> None:
        service.rate_answer(
            complaint_id=complaint_id,
            grade=int(form.grade.data),
            solved=form.solved.data == "yes",
            comment=form.comment.data,
            call_wanted=form.call_wanted.data,
        )

    return change_case(form, typed=form.comment.data, act=act, done=_("Thank you, received"))


@blueprint.post("/case/reopen")
def reopen() -> ResponseReturnValue:
    """Have a case dealt with again."""
    form = ReopenForm()

    def act(complaint_id: int) -> None:
        service.reopen_case(complaint_id=complaint_id, reason=form.reason.data)

    return change_case(form, typed=form.reason.data, act=act, done=_("Your case is open again, with a new deadline."))


@blueprint.post("/case/withdraw")
def withdraw() -> ResponseReturnValue:
    """Withdraw a complaint."""

    def act(complaint_id: int) -> None:
        service.withdraw_complaint(complaint_id=complaint_id)

    return change_case(WithdrawForm(), typed="", act=act, done=_("Your complaint is withdrawn."))


@blueprint.get("/case/files/<int:file_id>")
def file(file_id: int) -> ResponseReturnValue:
    """Hand out a file of the open case as an attachment under a name of ours: the clean copy where there is one."""
    complaint_id = guard.find_place(guard.CASE)
    if complaint_id is None:
        return redirect(url_for("complaints.track"))
    found = queries.get_public_file(get_for_sender(complaint_id), file_id)
    clean = found.clean_sha256 is not None
    data = uploads.read_kept(found.token, found.clean_sha256 or found.sha256, clean=clean)
    name = f"file-{found.id}.{uploads.SUFFIXES[found.media_type]}"
    return send_file(BytesIO(data), mimetype=found.media_type, as_attachment=True, download_name=name)


@blueprint.post("/case/leave")
def leave() -> ResponseReturnValue:
    """Close the case in this browser, for whoever shares it."""
    guard.close_place(guard.CASE)
    guard.close_place(guard.RECEIPT)
    answer = redirect(url_for("complaints.track"))
    # Nor may a browser show again what it has put aside for the way back.
    answer.headers["Clear-Site-Data"] = LEAVE
    return answer
