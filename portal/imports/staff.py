"""Staff pages of imports: a spreadsheet is uploaded, looked at, agreed to, and followed until it is done.

They are the same for everything that comes in spreadsheets; `Pages` says what differs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal import clock, i18n, spreadsheets
from portal.accounts import guard
from portal.accounts.models import Role
from portal.db import db
from portal.errors import Message, NotFound, Refusal
from portal.imports import importer, queries, service
from portal.imports.forms import UploadForm
from portal.imports.models import SpreadsheetImport
from portal.imports.rules import SMALL, Draft, Intake, Mark, Row, Step
from portal.messages.queries import count_dispatchers

SHOWN_ROWS = 200
SAMPLE = 10


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What the pages of one kind of import say and show.

    `folder` holds the templates `_help.html` and `_sample.html`; `sample` returns what the latter shows of some rows.
    `home` is the endpoint of the list that the rows end up in, `scope` returns the only organ whose rows whoever is
    signed in may import, if any; `roles` may import at all.
    """

    intake: Intake
    folder: str
    home: str
    section: str
    title: Message
    records: Message
    show_records: Message
    sample: Callable[[list[Row], Any], Mapping[str, Any]]
    scope: Callable[[], int | None] = guard.scope
    roles: tuple[Role, ...] = (Role.CLERK, Role.SUPERVISOR)

    def render(self, template: str, **values: Any) -> str:
        """Return a page."""
        return render_template(f"staff/imports/{template}", pages=self, **values)

    def get_import(self, import_id: int) -> SpreadsheetImport:
        """Return an import of this kind by whoever is signed in; raises NotFound for everybody else's."""
        return queries.get_import(import_id, kind=self.intake.kind, staff_id=guard.current_staff().id)


def add_pages(blueprint: Blueprint, pages: Pages) -> None:
    """Give a room its pages of imports."""

    def view(rule: str, function: Callable[..., ResponseReturnValue], *methods: str) -> None:
        def bound(**values: int) -> ResponseReturnValue:
            return function(pages, **values)

        blueprint.add_url_rule(rule, function.__name__, guard.needs(*pages.roles)(bound), methods=methods)

    view("", upload, "GET", "POST")
    view("/<int:import_id>", show, "GET")
    view("/<int:import_id>", commit, "POST")
    view("/<int:import_id>/progress", progress, "GET")
    view("/<int:import_id>/errors.csv", errors, "GET")


def upload(pages: Pages) -> ResponseReturnValue:
    """Take a spreadsheet and lead to its preview."""
    form, status = UploadForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                return redirect(url_for(".show", import_id=take_upload(pages, form.file.data)), 303)
            except Refusal as refusal:
                db.session.rollback()
                form.file.errors, status = [refusal.message], refusal.status
    under_way = queries.list_under_way(guard.current_staff().id, kind=pages.intake.kind)
    return pages.render("upload.html", form=form, under_way=under_way), status


def take_upload(pages: Pages, sent: FileStorage) -> int:
    """Keep an upload that can be read as a table; return the number of its import."""
    staff_id, intake = guard.current_staff().id, pages.intake
    known = intake.load_known(pages.scope())
    waiting = {importer.path_of(opened) for opened in queries.list_under_way()}
    # Reading takes seconds; nobody shall wait for this transaction meanwhile.
    db.session.commit()
    kept = spreadsheets.keep_upload(sent, importer.folder(), spare=waiting)
    try:
        draft = intake.read_file(kept.path, known)
        opened = service.open_import(
            kind=intake.kind, file_name=kept.name, sha256=kept.sha256, staff_id=staff_id, rows=len(draft.rows)
        )
        importer.seal_upload(opened, kept.path)
    finally:
        kept.path.unlink(missing_ok=True)
    db.session.commit()
    return opened.id


def check_kept(opened: SpreadsheetImport) -> None:
    """Raise NotFound when the upload of an import is no longer kept."""
    if not importer.path_of(opened).exists():
        raise NotFound(_l("Uploaded files are kept for one day. Upload the file again."))


def read_upload(pages: Pages, opened: SpreadsheetImport) -> tuple[Draft, Any]:
    """Return an upload as read; raises NotFound when it is no longer kept."""
    known = pages.intake.load_known(pages.scope())
    check_kept(opened)
    if request.method == "POST":
        # Reading takes seconds; nobody shall wait for this transaction meanwhile.
        db.session.commit()
    return importer.read_upload(pages.intake, opened, known), known


def show(pages: Pages, import_id: int) -> ResponseReturnValue:
    """Show what an upload would change, how far it has come, or what it has changed."""
    opened = pages.get_import(import_id)
    if opened.committed_at is not None:
        return pages.render("imported.html", opened=opened, has_report=importer.report_of(opened).exists())
    if opened.handed_over_at is not None:
        return pages.render("progress.html", **read_progress(opened))
    return preview(pages, opened)


def preview(pages: Pages, opened: SpreadsheetImport) -> ResponseReturnValue:
    """Show what an upload would change."""
    draft, known = read_upload(pages, opened)
    decided = pages.intake.decide(draft, known)
    counts = decided.counts(draft)
    left_out = sorted([*draft.rejected, *decided.refused], key=lambda item: item.row)
    return pages.render(
        "preview.html",
        opened=opened,
        is_large=opened.rows_total > SMALL,
        counts=counts,
        rejected=left_out[:SHOWN_ROWS],
        remarks=draft.remarks[:SHOWN_ROWS],
        remark_count=len(draft.remarks),
        sample=pages.sample(choose_sample(draft, decided.steps), known),
    )


def choose_sample(draft: Draft, steps: list[Step]) -> list[Row]:
    """Return the first rows that will be written, new ones before changed ones."""
    new = [place for place, step in enumerate(steps) if step.mark is Mark.NEW][:SAMPLE]
    changed = [place for place, step in enumerate(steps) if step.mark is Mark.CHANGED][:SAMPLE]
    return [draft.rows[place] for place in [*new, *changed][:SAMPLE]]


def read_progress(opened: SpreadsheetImport) -> dict[str, object]:
    """Return what is shown of an import that is handed over."""
    return {
        "opened": opened,
        "done": f"{opened.rows_done:,}",
        "total": f"{opened.rows_total:,}",
        "counts": {"imported": 0, "changed": 0, "unchanged": 0} | opened.counts,
        "alive": count_dispatchers(clock.now()) > 0,
    }


def progress(pages: Pages, import_id: int) -> ResponseReturnValue:
    """Show how far an import has come, for the script that keeps its page up to date."""
    return pages.render("_progress.html", **read_progress(pages.get_import(import_id)))


def commit(pages: Pages, import_id: int) -> ResponseReturnValue:
    """Write the good rows of an upload, or leave that to the worker when they are many.

    Answers 409 when they were left to it before.
    """
    staff_id, intake = guard.current_staff().id, pages.intake
    opened = pages.get_import(import_id)
    if opened.committed_at is None and (opened.rows_total > SMALL or opened.handed_over_at is not None):
        check_kept(opened)
        service.hand_over(import_id, organ_id=pages.scope(), locale=i18n.current())
        db.session.commit()
    elif opened.committed_at is None:
        draft, known = read_upload(pages, opened)
        counts, refused = importer.commit_draft(intake, draft, known, staff_id=staff_id, subject=f"import:{import_id}")
        importer.keep_report(opened, draft, refused)
        importer.finish(opened, counts)
    return redirect(url_for(".show", import_id=import_id), 303)


def errors(pages: Pages, import_id: int) -> ResponseReturnValue:
    """Hand out the list of rows that are left out or should be looked at."""
    opened = pages.get_import(import_id)
    kept = importer.report_of(opened)
    content = kept.read_bytes() if kept.exists() else _make_report(pages, opened)
    name = f"import-{import_id}-errors.csv"
    return send_file(BytesIO(content), "text/csv", as_attachment=True, download_name=name)


def _make_report(pages: Pages, opened: SpreadsheetImport) -> bytes:
    draft, known = read_upload(pages, opened)
    return importer.write_report(draft, pages.intake.decide(draft, known).refused)
