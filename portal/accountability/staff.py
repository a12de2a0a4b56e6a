"""Accountability records for supervisors: all of them, and those of one case."""

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accountability import queries, rules, service
from portal.accountability.forms import CloseForm, OpenForm
from portal.accounts import guard
from portal.accounts.models import Role
from portal.complaints.models import Complaint
from portal.complaints.queries import get_for_staff
from portal.complaints.rules import MAX_NOTE
from portal.complaints.staff import change_case
from portal.i18n import pick
from portal.paging import page_number

blueprint = Blueprint("accountability", __name__, url_prefix="/accountability")

supervisors_only = guard.needs(Role.SUPERVISOR)
MOST_WITHOUT = 20


@blueprint.get("/")
@supervisors_only
def index() -> str:
    """List records, and founded cases without one."""
    staff = guard.current_staff()
    return render_template(
        "staff/accountability/index.html",
        page=queries.list_records(staff, page_number(request.args.get("page"))),
        without=queries.list_without(staff, MOST_WITHOUT),
        grounds=queries.load_grounds(),
        measures=queries.load_measures(),
    )


@blueprint.get("/<int:complaint_id>")
@supervisors_only
def show(complaint_id: int) -> ResponseReturnValue:
    """Show the records of one case."""
    return show_page(complaint_id)


def show_page(complaint_id: int, form: Any = None, status: int = 200) -> ResponseReturnValue:
    """Render the page, with the form that was sent if it has errors."""
    complaint = get_for_staff(complaint_id, guard.current_staff())
    grounds, measures = queries.load_grounds(), queries.load_measures()
    records = queries.list_of(complaint)
    opening = form if isinstance(form, OpenForm) else OpenForm(formdata=None)
    closing = form if isinstance(form, CloseForm) else CloseForm(formdata=None)
    opened = next((record for record in records if record.closed_at is None), None)
    if opened is not None:
        fitting = [row for row in measures.values() if rules.fits(grounds[opened.ground], row)]
        words = [(row.key, f"{pick(row, 'name')} ({pick(row, 'decider')})") for row in fitting]
        closing.measure.choices = [("", _("Please choose")), *words]
    opening.ground.choices = [("", _("Please choose")), *((row.key, describe(row)) for row in grounds.values())]
    page = render_template(
        "staff/accountability/show.html",
        complaint=complaint,
        records=records,
        opened=opened,
        may_open=rules.may_open(finding=complaint.finding, delicate=complaint.delicate),
        grounds=grounds,
        measures=measures,
        form=form,
        opening=opening,
        closing=closing,
        max_note=MAX_NOTE,
    )
    return page, status


def describe(ground: rules.Ground) -> str:
    """Return a ground with its article."""
    return f"{pick(ground, 'name')} · {pick(ground, 'article')}"


@blueprint.post("/<int:complaint_id>/open")
@supervisors_only
def open_record(complaint_id: int) -> ResponseReturnValue:
    """Open a record."""
    form = OpenForm()
    return change_case(
        complaint_id,
        form,
        lambda case, staff: service.open_record(
            complaint=case, staff=staff, ground=form.ground.data, facts=form.facts.data
        ),
        show=show_page,
        done=_("The record is open."),
    )


@blueprint.post("/<int:complaint_id>/close")
@supervisors_only
def close_record(complaint_id: int) -> ResponseReturnValue:
    """Close a record."""
    form = CloseForm()
    return change_case(
        complaint_id,
        form,
        lambda case, staff: service.close_record(
            complaint=case,
            staff=staff,
            record_id=form.record.data or 0,
            measure=form.measure.data,
            outcome=form.outcome.data,
        ),
        show=show_page,
        done=_("The record is closed."),
    )


@blueprint.app_template_global("may_open_accountability")
def may_open_accountability(complaint: Complaint) -> bool:
    """Whether a case can open a record, or has, for its page."""
    return rules.may_open(finding=complaint.finding, delicate=complaint.delicate) or bool(queries.list_of(complaint))
