"""Staff pages: the worklist, and the workbench of one complaint."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock, uploads
from portal.accounts import guard
from portal.accounts.models import Role, Staff
from portal.calendar.queries import get_calendar
from portal.complaints import outbox, queries, rules, service
from portal.complaints.forms import AnswerForm, AssignForm, IdentityForm, NoteForm, RefuseForm, StepForm
from portal.complaints.models import Complaint, ComplaintState
from portal.db import db
from portal.errors import Conflict, Refusal
from portal.fields import one_line
from portal.paging import page_number, whole_number

blueprint = Blueprint("complaints", __name__, url_prefix="/complaints")

Step = Callable[[Complaint, Staff], None]
handlers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)
SEALED = "default-src 'none'; sandbox"


@blueprint.get("/")
@handlers_only
def index() -> str:
    """Show the worklist."""
    staff, today = guard.current_staff(), clock.today()
    filters = read_filters()
    page = queries.list_complaints(filters, staff, today, page_number(request.args.get("page")))
    calendar = get_calendar()
    rows = [(row[0], row[1], queries.read_clock(row[0], calendar, today)) for row in page.items]
    return render_template(
        "staff/complaints/index.html",
        page=page,
        rows=rows,
        filters=filters,
        views=queries.count_views(staff, today),
        organs=queries.list_organs(today),
        states=list(ComplaintState),
        link=link,
        page_link=page_link,
    )


def read_filters() -> queries.Filters:
    """Return the filters of the address; what makes no sense is left out."""
    view, organ, state = (request.args.get(name, "") for name in ("view", "organ", "state"))
    return queries.Filters(
        view=view if view in queries.VIEWS else "all",
        words=one_line(request.args.get("q"))[:100],
        organ_id=whole_number(organ),
        state=state if state in list(ComplaintState) else "",
    )


def link(**changes: Any) -> str:
    """Return the worklist's address with some filters changed; page one unless told."""
    kept = {name: value for name, value in request.args.items() if name in ("view", "q", "organ", "state")}
    return url_for("staff.complaints.index", **{name: value for name, value in (kept | changes).items() if value})


def page_link(number: int) -> str:
    """Return the address of another page of the same worklist."""
    return link(page=number)


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
    forms = {kind: form if isinstance(form, kind) else kind(formdata=None) for kind in FORMS}
    forms[AssignForm].handler.choices = [(row.id, row.name) for row in queries.list_assignable(complaint)]
    html = render_template(
        "staff/complaints/show.html",
        complaint=complaint,
        clock=queries.read_clock(complaint, get_calendar(), clock.today()),
        history=queries.list_history(complaint),
        seen=queries.get_last_event(complaint)[0],
        handler=db.session.get(Staff, complaint.handler_id) if complaint.handler_id else None,
        me=staff,
        form=form,
        forms={kind.__name__: made for kind, made in forms.items()},
        sender=sender,
        allows=rules.allows,
        rules=rules,
        delicate=complaint.delicate,
        suffixes=uploads.SUFFIXES,
    )
    return html, status


FORMS: tuple[type[Any], ...] = (AssignForm, AnswerForm, RefuseForm, NoteForm, IdentityForm)


def take_step(complaint_id: int, form: Any, act: Step, done: str, *, check: bool = True) -> ResponseReturnValue:
    """Do one step of staff; when somebody was faster, show how it stands now and keep what was typed."""
    staff = guard.current_staff()
    queries.get_for_staff(complaint_id, staff)
    if not form.validate():
        return show_bench(complaint_id, form, 422)
    try:
        seen = form.seen.data if check else None
        act(service.open_for_step(complaint_id=complaint_id, staff=staff, seen=seen), staff)
    except (Conflict, Refusal) as refusal:
        if refusal.status == 404:
            raise
        db.session.rollback()
        form.form_errors.append(str(refusal.message))
        return show_bench(complaint_id, form, 409 if isinstance(refusal, Conflict) else 422)
    flash(done, "good")
    db.session.commit()
    return redirect(url_for("staff.complaints.show", complaint_id=complaint_id))


@blueprint.post("/<int:complaint_id>/assign")
@handlers_only
def assign(complaint_id: int) -> ResponseReturnValue:
    """Take a complaint, or give it to a colleague."""
    form = AssignForm()

    def act(complaint: Complaint, staff: Staff) -> None:
        service.assign_complaint(complaint=complaint, staff=staff, handler_id=form.handler.data)

    return take_step(complaint_id, form, act, _("The complaint has a handler now."))


@blueprint.post("/<int:complaint_id>/accept")
@handlers_only
def accept(complaint_id: int) -> ResponseReturnValue:
    """Accept a complaint."""

    def act(complaint: Complaint, staff: Staff) -> None:
        service.accept_complaint(complaint=complaint, staff=staff)

    return take_step(complaint_id, StepForm(), act, _("Accepted. The sender can see it."))


@blueprint.post("/<int:complaint_id>/refuse")
@handlers_only
def refuse(complaint_id: int) -> ResponseReturnValue:
    """Do not accept a complaint, with a reason."""
    form = RefuseForm()

    def act(complaint: Complaint, staff: Staff) -> None:
        service.refuse_complaint(complaint=complaint, staff=staff, reason=form.reason.data)

    return take_step(complaint_id, form, act, _("Not accepted. The sender can read the reason."))


@blueprint.post("/<int:complaint_id>/note")
@handlers_only
def note(complaint_id: int) -> ResponseReturnValue:
    """Keep a note for colleagues."""
    form = NoteForm()

    def act(complaint: Complaint, staff: Staff) -> None:
        service.add_note(complaint=complaint, staff=staff, note=form.note.data)

    return take_step(complaint_id, form, act, _("Note saved, for staff only."), check=False)


@blueprint.post("/<int:complaint_id>/answer")
@handlers_only
def answer(complaint_id: int) -> ResponseReturnValue:
    """Show the answer as its reader will get it, and send it only from there."""
    form = AnswerForm()
    go = request.form.get("go", "preview")
    if go == "edit":
        return show_bench(complaint_id, form)
    if go == "preview":
        return preview(complaint_id, form)

    def act(complaint: Complaint, staff: Staff) -> None:
        service.answer_complaint(complaint=complaint, staff=staff, answer=form.answer.data)

    return take_step(complaint_id, form, act, _("Answer sent to the complainant."))


def preview(complaint_id: int, form: AnswerForm) -> ResponseReturnValue:
    """Show page and text message as the sender will see them."""
    complaint = queries.get_for_staff(complaint_id, guard.current_staff())
    if not form.validate() or not rules.allows(complaint.state, "answer"):
        return show_bench(complaint_id, form, 422)
    return render_template(
        "staff/complaints/preview.html",
        complaint=complaint,
        form=form,
        texts=outbox.gets_texts(complaint),
        values=outbox.values_for(complaint),
        template=outbox.ANSWERED,
    )


@blueprint.post("/<int:complaint_id>/identity")
@handlers_only
def identity(complaint_id: int) -> ResponseReturnValue:
    """Show who sent a complaint, in this one answer only, after the reason is recorded."""
    form, staff = IdentityForm(), guard.current_staff()
    queries.get_for_staff(complaint_id, staff)
    if not form.validate():
        return show_bench(complaint_id, form, 422)
    complaint = service.open_for_step(complaint_id=complaint_id, staff=staff)
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
    original = file.clean_sha256 is None or request.args.get("original") == "1"
    digest = file.sha256 if original or file.clean_sha256 is None else file.clean_sha256
    data = uploads.read_kept(file.token, digest, clean=not original)
    name = f"{complaint.number}-{file.id}{'-original' if original else ''}.{uploads.SUFFIXES[file.media_type]}"
    answer = send_file(BytesIO(data), mimetype=file.media_type, as_attachment=True, download_name=name)
    answer.headers["Content-Security-Policy"] = SEALED
    return answer
