"""Supervision of cases: what was ordered by deadline, and the page of one case's orders and replies."""

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role, Staff
from portal.complaints.models import Complaint
from portal.complaints.queries import get_for_staff
from portal.complaints.rules import MAX_NOTE
from portal.complaints.staff import change_case, handlers_only
from portal.paging import page_number
from portal.supervisions import queries, service
from portal.supervisions.forms import STATE_LABELS, DecideForm, OrderForm, ReplyForm
from portal.supervisions.models import Supervision
from portal.supervisions.queries import View

blueprint = Blueprint("supervisions", __name__, url_prefix="/supervisions")

FORMS = (OrderForm, ReplyForm, DecideForm)


@blueprint.get("/")
@handlers_only
def index() -> str:
    """List orders and where they stand."""
    staff, today = guard.current_staff(), clock.today()
    view = next((view for view in View if view == request.args.get("view")), View.ORDERED)
    return render_template(
        "staff/supervisions/index.html",
        view=view,
        counts=queries.count_views(staff, today),
        page=queries.list_supervisions(view, staff, today, page_number(request.args.get("page"))),
        state_labels=STATE_LABELS,
    )


@blueprint.get("/<int:complaint_id>")
@handlers_only
def show(complaint_id: int) -> ResponseReturnValue:
    """Show the orders about one case, and what can be done now."""
    return show_page(complaint_id)


def show_page(complaint_id: int, form: Any = None, status: int = 200) -> ResponseReturnValue:
    """Render the page, with the form that was sent if it has errors."""
    staff = guard.current_staff()
    complaint = get_for_staff(complaint_id, staff)
    opened = queries.find_open(complaint)
    page = render_template(
        "staff/supervisions/show.html",
        complaint=complaint,
        opened=opened,
        said=queries.list_said(complaint),
        form=form,
        forms={made.__name__: form if isinstance(form, made) else made(formdata=None) for made in FORMS},
        office=staff.role in service.OFFICE,
        me=staff,
        may_order=complaint.state not in service.NEVER,
        state_labels=STATE_LABELS,
        max_note=MAX_NOTE,
    )
    return page, status


@blueprint.post("/<int:complaint_id>/order")
@guard.needs(Role.SUPERVISOR)
def order(complaint_id: int) -> ResponseReturnValue:
    """Order a reply."""
    form = OrderForm()

    def act(case: Complaint, staff: Staff) -> None:
        service.order_supervision(complaint=case, staff=staff, reason=form.reason.data, within=form.within.data or 0)

    return change_case(complaint_id, form, act, show=show_page, done=_("Ordered. It stands in the organ's list."))


@blueprint.post("/<int:complaint_id>/reply")
@handlers_only
def reply(complaint_id: int) -> ResponseReturnValue:
    """Reply to an order."""
    form = ReplyForm()
    return change_case(
        complaint_id,
        form,
        lambda case, staff: service.reply_to_order(complaint=case, staff=staff, reply=form.reply.data),
        show=show_page,
        done=_("Replied. The office decides whether it is enough."),
    )


@blueprint.post("/<int:complaint_id>/decide")
@guard.needs(Role.SUPERVISOR)
def decide(complaint_id: int) -> ResponseReturnValue:
    """Accept a reply or ask again."""
    form = DecideForm()

    def act(case: Complaint, staff: Staff) -> None:
        if form.verdict.data == "accept":
            service.accept_reply(complaint=case, staff=staff, words=form.words.data)
        else:
            service.ask_again(complaint=case, staff=staff, words=form.words.data, within=form.more.data or 0)

    return change_case(complaint_id, form, act, show=show_page, done=_("Decided."))


@blueprint.app_template_global("find_supervision")
def find_supervision(complaint: Complaint) -> Supervision | None:
    """Return the open order about a case, for its pages."""
    return queries.find_open(complaint)
