"""The workbench of one complaint: everything about it, and every step that can be taken now."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock, uploads
from portal.accounts import guard
from portal.accounts.models import Staff
from portal.accounts.rules import sees_all
from portal.calendar.queries import get_calendar
from portal.case_clocks import queries as case_clocks
from portal.case_parts import queries as case_parts
from portal.case_steps import queries as case_steps
from portal.case_steps import service
from portal.case_steps.forms import FORMS, IdentityForm, RemoveFileForm
from portal.case_steps.staff import STEPS, Step, fill_choices
from portal.case_transfers import queries as case_transfers
from portal.complaints import outbox, queries, rules
from portal.complaints.forms import StepForm
from portal.complaints.models import Complaint, ComplaintFile, Finding
from portal.complaints.service import open_for_step
from portal.complaints.staff import blueprint, handlers_only
from portal.db import db
from portal.errors import NotFound, Refusal
from portal.paging import whole_number
from portal.reply_drafts import queries as replies
from portal.reply_drafts import service as drafts
from portal.reply_drafts.forms import FINDINGS, RefusalForm, ReplyForm
from portal.reply_drafts.models import ReplyPurpose
from portal.reply_drafts.rules import needs_finding

__all__ = ["blueprint"]
SEALED = "default-src 'none'; sandbox"


@blueprint.get("/<int:complaint_id>")
@handlers_only
def show(complaint_id: int) -> ResponseReturnValue:
    """Show the workbench of one complaint."""
    return show_bench(complaint_id)


def show_bench(
    complaint_id: int, form: StepForm | None = None, status: int = 200, *, sender: bool = False
) -> ResponseReturnValue:
    """Render the workbench, with the form that was sent if it has errors; the sender only when told."""
    staff = guard.current_staff()
    complaint = queries.get_for_staff(complaint_id, staff)
    steps, history = case_steps.list_steps(complaint, staff), queries.list_history(complaint)
    html = render_template(
        "staff/complaints/show.html",
        complaint=complaint,
        clock=queries.read_clock(complaint, get_calendar(), clock.today()),
        history=history,
        hidden=case_parts.list_hidden_numbers((row[0] for row in history), staff),
        seen=queries.get_last_event(complaint)[0],
        handler=db.session.get(Staff, complaint.handler_id) if complaint.handler_id else None,
        me=staff,
        may_supervise=sees_all(staff.role),
        form=form,
        forms=make_forms(complaint, staff, form),
        steps=steps,
        kept=list_kept(form, status),
        sender=sender,
        rules=rules,
        delicate=complaint.delicate,
        uploads=uploads,
        findings=FINDINGS,
        parts=case_parts.list_parts(complaint, staff),
        merged=case_parts.list_merged(complaint, staff),
        lead=case_parts.find_lead(complaint, staff),
        repeats=case_parts.list_repeats(complaint, staff),
        extension=case_clocks.find_waiting_extension(complaint),
        joint=[part.organ for part in complaint.organs if part.part == "joint"],
        last_transfer=case_transfers.find_last_transfer(complaint),
        **describe_reply(complaint),
    )
    return html, status


def describe_reply(complaint: Complaint) -> dict[str, Any]:
    """Return what the workbench shows of the reply that is being written."""
    draft = replies.find_draft(complaint)
    reviewer_id = draft.reviewer_id if draft else None
    return {
        "draft": draft,
        "reviewer": db.session.get(Staff, reviewer_id) if reviewer_id else None,
        "refusing": replies.PURPOSES.get(complaint.state) is ReplyPurpose.REFUSAL,
        "needs_finding": needs_finding(complaint.kind),
    }


def make_forms(complaint: Complaint, staff: Staff, sent: StepForm | None) -> dict[str, Any]:
    """Return every form of the workbench by name, the one that was sent as it was sent."""
    made: dict[str, Any] = {kind.__name__: sent if isinstance(sent, kind) else kind(formdata=None) for kind in FORMS}
    made["ReplyForm"] = sent if isinstance(sent, ReplyForm) else make_reply_form(complaint)
    if made["JointForm"] is not sent:
        made["JointForm"].joint_organs.data = case_transfers.list_joint(complaint)
    for form in made.values():
        fill_choices(form, complaint, staff)
    return made


def make_reply_form(complaint: Complaint, *, sent: bool = False) -> ReplyForm:
    """Return the form for what is written to the sender of a complaint as it stands, with what is written so far."""
    kind = RefusalForm if replies.PURPOSES.get(complaint.state) is ReplyPurpose.REFUSAL else ReplyForm
    if sent:
        return kind()
    draft = replies.find_draft(complaint)
    if draft is None:
        return kind(formdata=None)
    kept = {"reply": draft.text, "ground": draft.ground, "elsewhere": draft.elsewhere, "finding": draft.finding or ""}
    return kind(formdata=None, data=kept)


def list_kept(form: StepForm | None, status: int) -> list[str]:
    """Return what was typed into a form that may be gone, because somebody was faster."""
    if form is None or status not in (403, 409):
        return []
    typed = [field.data for field in form if field.type in ("TextAreaField", "StringField") and field.name != "seen"]
    return [text for text in typed if text]


def take_step(complaint_id: int, form: StepForm, step: Step) -> ResponseReturnValue:
    """Do one step of staff; when somebody was faster, show how it stands now and keep what was typed."""
    staff = guard.current_staff()
    fill_choices(form, queries.get_for_staff(complaint_id, staff), staff)
    if not form.validate():
        return show_bench(complaint_id, form, 422)
    try:
        seen = form.seen.data if step.check else None
        step.act(open_for_step(complaint_id=complaint_id, staff=staff, seen=seen), staff, form)
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        db.session.rollback()
        blame(form, refusal)
        return show_bench(complaint_id, form, refusal.status if refusal.status in (403, 409) else 422)
    flash(str(step.done), "good")
    answer = lead_on(complaint_id, staff)
    db.session.commit()
    return answer


def blame(form: StepForm, refusal: Refusal) -> None:
    """Show a refusal on the field that it concerns, else above the form."""
    if refusal.field and refusal.field in form:
        form[refusal.field].errors = [*form[refusal.field].errors, str(refusal.message)]
    else:
        form.form_errors.append(str(refusal.message))


def lead_on(complaint_id: int, staff: Staff) -> ResponseReturnValue:
    """Return the way to a complaint, or to the worklist for whoever has just passed it on and sees it no longer."""
    try:
        queries.get_for_staff(complaint_id, staff)
    except NotFound:
        return redirect(url_for("staff.complaints.index"))
    return redirect(url_for("staff.complaints.show", complaint_id=complaint_id))


def view_of(step: Step) -> Callable[[int], ResponseReturnValue]:
    """Return the view that takes a step."""

    def take(complaint_id: int) -> ResponseReturnValue:
        return take_step(complaint_id, step.form(), step)

    return take


for name, found in STEPS.items():
    blueprint.add_url_rule(
        f"/<int:complaint_id>/{name}",
        endpoint=name.replace("-", "_"),
        view_func=handlers_only(view_of(found)),
        methods=["POST"],
    )


@blueprint.post("/<int:complaint_id>/reply")
@handlers_only
def write(complaint_id: int) -> ResponseReturnValue:
    """Fill in a template, save what is written, or hand it over to a second person."""
    staff, go = guard.current_staff(), request.form.get("go", "save")
    complaint = queries.get_for_staff(complaint_id, staff)
    form = make_reply_form(complaint, sent=True)
    if go == "fill":
        chosen = whole_number(form.template.data)
        template = next((row for row in replies.list_fitting(complaint) if row.id == chosen), None)
        if template is not None:
            form.reply.data, form.reply.raw_data = replies.fill_template(template, complaint), None
        return show_bench(complaint_id, form)
    done = _("Handed over. It can be sent once it is approved.") if go == "hand" else _("Draft saved. Nothing is sent.")
    return take_step(complaint_id, form, Step(ReplyForm, save_and_hand if go == "hand" else save, done))


def save(complaint: Complaint, staff: Staff, form: Any) -> None:
    """Keep what is written in a valid form."""
    finding = Finding(form.finding.data) if form.finding.data else None
    reply = drafts.Reply(
        text=form.reply.data, finding=finding, ground=form.ground.data or "", elsewhere=form.elsewhere.data
    )
    drafts.save_draft(complaint=complaint, staff=staff, reply=reply)


def save_and_hand(complaint: Complaint, staff: Staff, form: Any) -> None:
    """Keep what is written and hand it over."""
    save(complaint, staff, form)
    drafts.hand_over(complaint=complaint, staff=staff, reviewer_id=whole_number(form.reviewer.data) or 0)


@blueprint.get("/<int:complaint_id>/reply")
@handlers_only
def preview(complaint_id: int) -> str:
    """Show page and text message as the sender will get them; it can be sent from here once it is approved."""
    staff = guard.current_staff()
    complaint = queries.get_for_staff(complaint_id, staff)
    draft = replies.find_draft(complaint)
    if draft is None:
        raise NotFound(_("There is no draft."))
    refusing = draft.purpose is ReplyPurpose.REFUSAL
    return render_template(
        "staff/complaints/preview.html",
        complaint=complaint,
        text=drafts.write_refusal(draft) if refusing else draft.text,
        finding=draft.finding,
        findings=FINDINGS,
        refusing=refusing,
        steps=case_steps.list_steps(complaint, staff),
        seen=queries.get_last_event(complaint)[0],
        texts=outbox.gets_texts(complaint),
        values=outbox.values_for(complaint),
        template=outbox.REFUSED if refusing else outbox.ANSWERED,
    )


@blueprint.post("/<int:complaint_id>/identity")
@handlers_only
def identity(complaint_id: int) -> ResponseReturnValue:
    """Show who sent a complaint, in this one answer only, after the reason is recorded."""
    form, staff = IdentityForm(), guard.current_staff()
    queries.get_for_staff(complaint_id, staff)
    if not form.validate():
        return show_bench(complaint_id, form, 422)
    complaint = open_for_step(complaint_id=complaint_id, staff=staff)
    service.show_identity(complaint=complaint, staff=staff, why=form.why.data)
    page = show_bench(complaint_id, sender=True)
    db.session.commit()
    return page


@blueprint.get("/<int:complaint_id>/files/<int:file_id>")
@handlers_only
def download(complaint_id: int, file_id: int) -> ResponseReturnValue:
    """Hand out a file as an attachment under a name of ours: the clean copy of a picture, or the sealed original."""
    complaint = queries.get_for_staff(complaint_id, guard.current_staff())
    file = queries.get_file(complaint, file_id)
    if file.removed_at is not None:
        raise NotFound(_("This file was removed."))
    original = file.clean_sha256 is None or request.args.get("original") == "1"
    digest = file.sha256 if original or file.clean_sha256 is None else file.clean_sha256
    data = uploads.read_kept(file.token, digest, clean=not original)
    name = f"{complaint.number}-{file.id}{'-original' if original else ''}.{uploads.SUFFIXES[file.media_type]}"
    answer = send_file(BytesIO(data), mimetype=file.media_type, as_attachment=True, download_name=name)
    answer.headers["Content-Security-Policy"] = SEALED
    return answer


@blueprint.post("/<int:complaint_id>/files/<int:file_id>/remove")
@handlers_only
def remove_file(complaint_id: int, file_id: int) -> ResponseReturnValue:
    """Remove a file with a reason; its content is erased once that is on record."""
    removed: list[ComplaintFile] = []

    def act(complaint: Complaint, staff: Staff, form: Any) -> None:
        reason = form.removal.data
        removed.append(service.remove_file(complaint=complaint, staff=staff, file_id=file_id, reason=reason))

    done = _("Removed. What it was, and why it is gone, stays on record.")
    answer = take_step(complaint_id, RemoveFileForm(), Step(RemoveFileForm, act, done))
    if removed and removed[0].removed_at is not None:
        uploads.forget(removed[0].token)
    return answer
