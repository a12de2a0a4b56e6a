"""Staff pages of imports: a spreadsheet of permits is uploaded, looked at, agreed to, and followed until it is done."""

from io import BytesIO

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal import clock, i18n, spreadsheets
from portal.accounts import guard
from portal.accounts.models import Role
from portal.db import db
from portal.errors import NotFound, Refusal
from portal.messages.queries import count_dispatchers
from portal.permit_imports import importer, queries, service
from portal.permit_imports.forms import UploadForm
from portal.permit_imports.models import PermitImport
from portal.permit_imports.rules import SMALL
from portal.permits.importer import Draft, read_file
from portal.permits.queries import Known, list_types, load_known
from portal.permits.rules import NO_END

blueprint = Blueprint("permit_imports", __name__, url_prefix="/permits/import")

SHOWN_ROWS = 200
handlers_only = guard.needs(Role.CLERK, Role.SUPERVISOR)


@blueprint.route("", methods=["GET", "POST"])
@handlers_only
def upload() -> ResponseReturnValue:
    """Take a spreadsheet and lead to its preview."""
    form, status = UploadForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                return redirect(url_for(".show", import_id=take_upload(form.file.data)), 303)
            except Refusal as refusal:
                db.session.rollback()
                form.file.errors, status = [refusal.message], refusal.status
    under_way = queries.list_under_way(guard.current_staff().id)
    return render_template("staff/permit_imports/upload.html", form=form, under_way=under_way), status


def take_upload(sent: FileStorage) -> int:
    """Keep an upload that can be read as a table of permits; return the number of its import."""
    staff_id, known = guard.current_staff().id, load_known(guard.scope())
    waiting = {importer.path_of(opened) for opened in queries.list_under_way()}
    # Reading takes seconds; nobody shall wait for this transaction meanwhile.
    db.session.commit()
    upload = spreadsheets.keep_upload(sent, importer.folder(), spare=waiting)
    try:
        draft = read_file(upload.path, known)
        opened = service.open_import(
            file_name=upload.name, sha256=upload.sha256, staff_id=staff_id, rows=len(draft.rows)
        )
        upload.path.rename(importer.path_of(opened))
    finally:
        upload.path.unlink(missing_ok=True)
    db.session.commit()
    return opened.id


def check_kept(opened: PermitImport) -> None:
    """Raise NotFound when the upload of an import is no longer kept."""
    if not importer.path_of(opened).exists():
        raise NotFound(_l("Uploaded files are kept for one day. Upload the file again."))


def read_upload(opened: PermitImport) -> tuple[Draft, Known]:
    """Return an upload as read; raises NotFound when it is no longer kept."""
    known = load_known(guard.scope())
    check_kept(opened)
    if request.method == "POST":
        # Reading takes seconds; nobody shall wait for this transaction meanwhile.
        db.session.commit()
    return read_file(importer.path_of(opened), known), known


@blueprint.get("/<int:import_id>")
@handlers_only
def show(import_id: int) -> ResponseReturnValue:
    """Show what an upload would change, how far it has come, or what it has changed."""
    opened = queries.get_import(import_id, guard.current_staff().id)
    if opened.committed_at is not None:
        has_report = importer.report_of(opened).exists()
        return render_template("staff/permit_imports/imported.html", opened=opened, has_report=has_report)
    if opened.handed_over_at is not None:
        return render_template("staff/permit_imports/progress.html", **read_progress(opened))
    return preview(opened)


def preview(opened: PermitImport) -> ResponseReturnValue:
    """Show what an upload would change."""
    draft, known = read_upload(opened)
    plan = queries.compare(draft.rows)
    sample = [*plan.new, *(row for row, _old in plan.changed)][:10]
    return render_template(
        "staff/permit_imports/preview.html",
        opened=opened,
        is_large=opened.rows_total > SMALL,
        counts=plan.counts(len(draft.rejected)),
        rejected=draft.rejected[:SHOWN_ROWS],
        sample=[
            (row, known.type_of(row), known.find_clock(row.values["valid_to"], known.type_of(row))) for row in sample
        ],
        types={kind.id: kind for kind in list_types()},
        no_end=NO_END,
    )


def read_progress(opened: PermitImport) -> dict[str, object]:
    """Return what is shown of an import that is handed over."""
    return {
        "opened": opened,
        "done": f"{opened.rows_done:,}",
        "total": f"{opened.rows_total:,}",
        "counts": {"imported": 0, "changed": 0, "unchanged": 0} | opened.counts,
        "alive": count_dispatchers(clock.now()) > 0,
    }


@blueprint.get("/<int:import_id>/progress")
@handlers_only
def progress(import_id: int) -> ResponseReturnValue:
    """Show how far an import has come, for the script that keeps its page up to date."""
    opened = queries.get_import(import_id, guard.current_staff().id)
    return render_template("staff/permit_imports/_progress.html", **read_progress(opened))


@blueprint.post("/<int:import_id>")
@handlers_only
def commit(import_id: int) -> ResponseReturnValue:
    """Write the good rows of an upload into the register, or leave that to the worker when they are many.

    Answers 409 when they were left to it before.
    """
    staff_id = guard.current_staff().id
    opened = queries.get_import(import_id, staff_id)
    if opened.committed_at is None and (opened.rows_total > SMALL or opened.handed_over_at is not None):
        check_kept(opened)
        service.hand_over(import_id, organ_id=guard.scope(), locale=i18n.current())
        db.session.commit()
    elif opened.committed_at is None:
        draft, known = read_upload(opened)
        counts = importer.commit_draft(draft, known, staff_id=staff_id, subject=f"import:{import_id}")
        importer.finish(opened, draft, counts)
    return redirect(url_for(".show", import_id=import_id), 303)


@blueprint.get("/<int:import_id>/errors.csv")
@handlers_only
def errors(import_id: int) -> ResponseReturnValue:
    """Hand out the list of rejected rows."""
    opened = queries.get_import(import_id, guard.current_staff().id)
    kept = importer.report_of(opened)
    content = kept.read_bytes() if kept.exists() else importer.write_report(read_upload(opened)[0])
    name = f"import-{import_id}-errors.csv"
    return send_file(BytesIO(content), "text/csv", as_attachment=True, download_name=name)
