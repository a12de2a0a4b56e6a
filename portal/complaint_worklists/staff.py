"""Staff pages: the worklist and its export, filters that somebody keeps, and cases given to somebody many at once."""

import csv
from io import BytesIO, StringIO
from typing import Any

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal import clock
from portal.accounts import guard
from portal.accounts.rules import sees_all
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.complaint_named.queries import list_names_in
from portal.complaint_worklists import queries, rules, service
from portal.complaint_worklists.forms import CHANNELS, EXPORTED, KINDS, NameForm, read_filters, read_ids, write_cells
from portal.complaints.models import ComplaintState
from portal.complaints.queries import list_organs, read_clock
from portal.complaints.staff import blueprint, handlers_only
from portal.db import db
from portal.errors import NotFound, Refusal
from portal.paging import page_number, whole_number

__all__ = ["blueprint"]


@blueprint.get("/")
@handlers_only
def index() -> ResponseReturnValue:
    """Show the worklist."""
    return show_list()


def show_list(form: NameForm | None = None, status: int = 200) -> ResponseReturnValue:
    """Render the worklist, with the name that was typed if it has errors."""
    staff, today = guard.current_staff(), clock.today()
    filters, calendar = read_filters(request.args), get_calendar()
    found = queries.find_cases(filters, staff, today, page_number(request.args.get("page")))
    page = render_template(
        "staff/complaints/index.html",
        page=found.page,
        found=found,
        most_opened=rules.MOST_OPENED,
        rows=[(row[0], row[1], read_clock(row[0], calendar, today)) for row in found.page.items],
        filters=filters,
        kept=filters.written(),
        views=queries.count_views(staff, today),
        saved=queries.list_saved(staff),
        organs=list_organs(today),
        handlers=queries.list_handlers(staff),
        states=list(ComplaintState),
        kinds=KINDS,
        channels=CHANNELS,
        form=form or NameForm(formdata=None),
        may_supervise=sees_all(staff.role),
        link=link,
        page_link=page_link,
    )
    return page, status


def link(**changes: Any) -> str:
    """Return the worklist's address with some filters changed; page one unless told."""
    kept = read_filters(request.args).written()
    return url_for("staff.complaints.index", **{name: value for name, value in (kept | changes).items() if value})


def page_link(number: int) -> str:
    """Return the address of another page of the same worklist."""
    return link(page=number)


@blueprint.post("/filters")
@handlers_only
def keep_filter() -> ResponseReturnValue:
    """Keep the filters of the address under a name."""
    form = NameForm()
    if not form.validate():
        return show_list(form, 422)
    kept = service.keep_filter(
        staff=guard.current_staff(), name=form.name.data or "", filters=read_filters(request.args)
    )
    flash(_("Kept as “%(name)s”.", name=kept.name), "good")
    address = url_for("staff.complaints.index", **kept.filters)
    db.session.commit()
    return redirect(address)


@blueprint.post("/filters/<int:filter_id>/remove")
@handlers_only
def remove_filter(filter_id: int) -> ResponseReturnValue:
    """Forget a filter."""
    service.remove_filter(staff=guard.current_staff(), filter_id=filter_id)
    flash(_("The filter is removed."), "good")
    db.session.commit()
    return redirect(url_for("staff.complaints.index"))


@blueprint.post("/export.<form>")
@handlers_only
def export(form: str) -> Response:
    """Send the list as it is filtered, without anything personal; that it was sent is on the audit log."""
    if form not in WRITERS:
        raise NotFound("")
    staff, filters, today = guard.current_staff(), read_filters(request.args), clock.today()
    cases, more = queries.list_exported(filters, staff, today)
    names = list_names_in([case.id for case in cases])
    rows = [[str(heading) for heading in EXPORTED], *(write_cells(case, names.get(case.id, ())) for case in cases)]
    file, media_type = WRITERS[form](rows)
    kept = filters.to_keep() | ({"words": "yes"} if filters.words else {})
    audit.record("complaints.export", "complaints", staff_id=staff.id, cases=len(cases), filters=kept, form=form)
    db.session.commit()
    name = f"complaints-{today.isoformat()}{'-cut' if more else ''}.{form}"
    answer = send_file(file, mimetype=media_type, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def write_csv(rows: list[list[str]]) -> tuple[BytesIO, str]:
    """Return rows as a file in UTF-8 with the mark by which spreadsheet programs know it."""
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return BytesIO(text.getvalue().encode("utf-8-sig")), "text/csv"


def write_xlsx(rows: list[list[str]]) -> tuple[BytesIO, str]:
    """Return rows as a workbook of texts."""
    # Takes a twentieth of a second to load, which no other page needs.
    import xlsxwriter

    file = BytesIO()
    with xlsxwriter.Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            for place, text in enumerate(row):
                sheet.write_string(number, place, text)
    file.seek(0)
    return file, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


WRITERS = {"csv": write_csv, "xlsx": write_xlsx}


@blueprint.post("/assign")
@handlers_only
def plan_assignment() -> ResponseReturnValue:
    """Show what giving the ticked cases to somebody would do, and what it would not."""
    staff, filters = guard.current_staff(), read_filters(request.args)
    case_ids = read_ids(request.form.getlist("case"))
    try:
        if not case_ids:
            raise Refusal(_("Tick at least one complaint."))
        handler_id = whole_number(request.form.get("handler")) or 0
        planned = service.plan_assignment(staff=staff, case_ids=case_ids, handler_id=handler_id)
        handler = service.find_handler(staff, handler_id)
    except Refusal as refusal:
        flash(str(refusal.message), "warn")
        return redirect(link())
    return render_template(
        "staff/complaints/assign.html",
        planned=planned,
        ready=[row for row in planned if not row.obstacle],
        handler=handler,
        back_to=link(),
        address=url_for("staff.complaints.assign_many", **filters.written()),  # type: ignore[arg-type]
    )


@blueprint.post("/assign/confirm")
@handlers_only
def assign_many() -> ResponseReturnValue:
    """Give the listed cases to somebody."""
    done, left = service.assign_many(
        staff=guard.current_staff(),
        case_ids=read_ids(request.form.getlist("case")),
        handler_id=whole_number(request.form.get("handler")) or 0,
    )
    flash(ngettext("%(num)d complaint has a new handler.", "%(num)d complaints have a new handler.", done), "good")
    if left:
        words = ngettext("%(num)d was left as it is.", "%(num)d were left as they are.", left)
        flash(f"{words} {_('Somebody was faster, or it is finished.')}", "warn")
    db.session.commit()
    return redirect(link())
