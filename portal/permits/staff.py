"""Staff pages of the permit register: the list, one permit, and the import of spreadsheets."""

import csv
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal import clock, spreadsheets
from portal.accounts import guard
from portal.accounts.models import Role
from portal.calendar.queries import get_calendar
from portal.calls.forms import CallForm
from portal.calls.queries import count_open_calls, list_calls_of
from portal.cli import current_settings
from portal.db import db
from portal.errors import Conflict, Message, NotFound, Refusal
from portal.fields import one_line
from portal.messages.queries import list_for_subject
from portal.paging import page_number, whole_number
from portal.permits import importer, queries, rules, service
from portal.permits.forms import UploadForm
from portal.permits.models import PermitImport, PermitStatus

blueprint = Blueprint("permits", __name__, url_prefix="/permits")

SHOWN_ROWS = 200
handlers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)


def read_filters() -> queries.Filters:
    """Return the filters of the address, within the organ of whoever asks; nonsense filters nothing."""
    kind, organ, window = (request.args.get(name, "") for name in ("type", "organ", "window"))
    own = guard.scope()
    return queries.Filters(
        words=one_line(request.args.get("q"))[:100],
        type_id=whole_number(kind),
        organ_id=own if own is not None else whole_number(organ),
        window=window if window in queries.WINDOWS else "",
    )


def page_link(number: int) -> str:
    """Return the address of another page of the same list."""
    kept = {name: value for name, value in request.args.items() if name in ("q", "type", "organ", "window") and value}
    return url_for("staff.permits.index", **kept, page=number)  # type: ignore[arg-type]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show the permits, nearest last day first."""
    filters, own = read_filters(), guard.scope()
    return render_template(
        "staff/permits/index.html",
        page=queries.list_permits(filters, clock.today(), page_number(request.args.get("page"))),
        filters=filters,
        own=own,
        filtered=any(request.args.get(name) for name in ("q", "type", "organ", "window")),
        types=queries.list_types(),
        organs=queries.list_organs(own),
        calls=count_open_calls(own),
        page_link=page_link,
        no_end=rules.NO_END,
    )


@blueprint.get("/<int:permit_id>")
def show(permit_id: int) -> ResponseReturnValue:
    """Show everything about one permit."""
    permit = queries.get_permit(permit_id, guard.scope())
    today = clock.today()
    counts_down = permit.valid_to < rules.NO_END and permit.status is PermitStatus.VALID
    offsets = permit.permit_type.reminder_offsets or rules.DEFAULT_OFFSETS
    return render_template(
        "staff/permits/show.html",
        permit=permit,
        messages=list_for_subject(f"permit:{permit_id}"),
        calls=list_calls_of(f"permit:{permit_id}"),
        planned=rules.occurrences(permit.window_opens_on, permit.last_apply_on, offsets),
        left=get_calendar().working_days_between(today, permit.last_apply_on) if counts_down else None,
        form=CallForm(formdata=None),
        no_end=rules.NO_END,
        may_act=guard.current_staff().role is not Role.REVIEWER,
    )


def act(permit_id: int, step: Callable[..., None], done: Message) -> ResponseReturnValue:
    """Take a step and show the permit; a step that its state does not allow explains itself."""
    try:
        step(permit_id, staff_id=guard.current_staff().id, organ_id=guard.scope())
    except Conflict as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
    else:
        flash(str(done), "good")
        db.session.commit()
    return redirect(url_for("staff.permits.show", permit_id=permit_id))


@blueprint.post("/<int:permit_id>/renewed")
@handlers_only
def confirm(permit_id: int) -> ResponseReturnValue:
    """Close a permit as renewed."""
    return act(permit_id, service.confirm_renewal, _("The permit is closed as renewed. Nobody is reminded any more."))


@blueprint.post("/<int:permit_id>/not-renewed")
@handlers_only
def deny(permit_id: int) -> ResponseReturnValue:
    """Go on reminding."""
    return act(permit_id, service.deny_renewal, _("The report is set aside. Reminders go on."))


@blueprint.post("/<int:permit_id>/revoke")
@handlers_only
def revoke(permit_id: int) -> ResponseReturnValue:
    """Close a permit that no longer stands."""
    return act(permit_id, service.revoke, _("The permit is closed as no longer valid. Nobody is reminded any more."))


@blueprint.get("/calls")
def calls() -> ResponseReturnValue:
    """Lead old links to the call list, which is no longer about permits alone."""
    return redirect(url_for("staff.calls.index", view=request.args.get("view")), 301)


@blueprint.route("/import", methods=["GET", "POST"])
@handlers_only
def upload() -> ResponseReturnValue:
    """Take a spreadsheet and lead to its preview."""
    form = UploadForm()
    if not form.is_submitted():
        return render_template("staff/permits/upload.html", form=form)
    status = 422
    if form.validate():
        try:
            return redirect(url_for("staff.permits.preview", import_id=take_upload(form.file.data)), 303)
        except Refusal as refusal:
            db.session.rollback()
            form.file.errors, status = [refusal.message], refusal.status
    return render_template("staff/permits/upload.html", form=form), status


def take_upload(sent: FileStorage) -> int:
    """Keep an upload that can be read as a table of permits; return the number of its import."""
    staff_id, known = guard.current_staff().id, queries.load_known(guard.scope())
    # Reading takes seconds; nobody shall wait for this transaction meanwhile.
    db.session.commit()
    upload = spreadsheets.keep_upload(sent, folder())
    try:
        importer.read_file(upload.path, known)
        opened = service.open_import(file_name=upload.name, sha256=upload.sha256, staff_id=staff_id)
        upload.path.rename(path_of(opened))
    finally:
        upload.path.unlink(missing_ok=True)
    db.session.commit()
    return opened.id


def folder() -> Path:
    """Return where uploads wait for their preview to be agreed to."""
    place = current_settings().data_dir / "imports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def path_of(opened: PermitImport) -> Path:
    """Return where the upload of an import lies."""
    return folder() / f"{opened.sha256}-{opened.id}"


def report_of(opened: PermitImport) -> Path:
    """Return where the list of rejected rows of an import lies, once it is committed."""
    return folder() / f"{opened.id}.csv"


def read_upload(opened: PermitImport) -> tuple[importer.Draft, queries.Known]:
    """Return an upload as read; raises NotFound when it is no longer kept."""
    known = queries.load_known(guard.scope())
    if not path_of(opened).exists():
        raise NotFound(_l("Uploaded files are kept for one day. Upload the file again."))
    if request.method == "POST":
        # Reading takes seconds; nobody shall wait for this transaction meanwhile.
        db.session.commit()
    return importer.read_file(path_of(opened), known), known


@blueprint.get("/import/<int:import_id>")
@handlers_only
def preview(import_id: int) -> ResponseReturnValue:
    """Show what an upload would change, or what it has changed."""
    opened = queries.get_import(import_id, guard.current_staff().id)
    if opened.committed_at is not None:
        return render_template("staff/permits/imported.html", opened=opened, has_report=report_of(opened).exists())
    draft, known = read_upload(opened)
    plan = importer.compare(draft)
    sample = [*plan.new, *(row for row, _old in plan.changed)][:10]
    return render_template(
        "staff/permits/preview.html",
        opened=opened,
        counts=plan.counts(draft),
        rejected=draft.rejected[:SHOWN_ROWS],
        sample=[
            (row, known.type_of(row), known.find_clock(row.values["valid_to"], known.type_of(row))) for row in sample
        ],
        types={kind.id: kind for kind in queries.list_types()},
        no_end=rules.NO_END,
    )


@blueprint.post("/import/<int:import_id>")
@handlers_only
def commit(import_id: int) -> ResponseReturnValue:
    """Write the good rows of an upload into the register."""
    staff_id = guard.current_staff().id
    opened = queries.get_import(import_id, staff_id)
    if opened.committed_at is None:
        draft, known = read_upload(opened)
        counts = importer.commit_draft(draft, known, staff_id=staff_id, subject=f"import:{import_id}")
        service.close_import(opened, counts)
        if draft.rejected:
            report_of(opened).write_bytes(write_report(draft))
        db.session.commit()
        path_of(opened).unlink(missing_ok=True)
    return redirect(url_for("staff.permits.preview", import_id=import_id), 303)


@blueprint.get("/import/<int:import_id>/errors.csv")
@handlers_only
def errors(import_id: int) -> ResponseReturnValue:
    """Hand out the list of rejected rows."""
    opened = queries.get_import(import_id, guard.current_staff().id)
    kept = report_of(opened)
    content = kept.read_bytes() if kept.exists() else write_report(read_upload(opened)[0])
    name = f"import-{import_id}-errors.csv"
    return send_file(BytesIO(content), "text/csv", as_attachment=True, download_name=name)


def write_report(draft: importer.Draft) -> bytes:
    """Return rejected rows as CSV in UTF-8 with a mark in front, which spreadsheet programs need."""
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow([_("Row"), _("Column"), _("Reason")])
    writer.writerows([*rejection.as_dict().values()] for rejection in draft.rejected)
    return lines.getvalue().encode("utf-8-sig")
