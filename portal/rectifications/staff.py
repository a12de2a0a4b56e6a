"""Bad grades as work: what waits by deadline, and what has to be done about one."""

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.complaints.forms import GRADES
from portal.complaints.models import Complaint
from portal.complaints.queries import get_for_staff
from portal.complaints.rules import MAX_NOTE, MAX_REASON
from portal.complaints.staff import change_case, handlers_only
from portal.paging import page_number
from portal.rectifications import queries, service
from portal.rectifications.forms import OUTCOMES, AnswerForm, ContactForm, DecideForm, MistakeForm
from portal.rectifications.models import Rectification
from portal.rectifications.queries import View

blueprint = Blueprint("rectifications", __name__, url_prefix="/rectifications")

FORMS = (ContactForm, AnswerForm, MistakeForm, DecideForm)


@blueprint.get("/")
@handlers_only
def index() -> str:
    """List what bad grades have opened."""
    staff, today = guard.current_staff(), clock.today()
    view = next((view for view in View if view == request.args.get("view")), View.OPEN)
    return render_template(
        "staff/rectifications/index.html",
        view=view,
        counts=queries.count_views(staff, today),
        page=queries.list_rectifications(view, staff, today, page_number(request.args.get("page"))),
        outcomes=OUTCOMES,
        grades=GRADES,
    )


@blueprint.get("/<int:complaint_id>")
@handlers_only
def show(complaint_id: int) -> ResponseReturnValue:
    """Show what a bad grade of one case has opened, and what can be done now."""
    return show_page(complaint_id)


def show_page(complaint_id: int, form: Any = None, status: int = 200) -> ResponseReturnValue:
    """Render the page, with the form that was sent if it has errors."""
    staff = guard.current_staff()
    complaint = get_for_staff(complaint_id, staff)
    latest = queries.get_latest(complaint)
    forms: dict[str, Any] = {made.__name__: form if isinstance(form, made) else made(formdata=None) for made in FORMS}
    if not complaint.call_wanted:
        forms["ContactForm"].contact.label.text = _("Message")
    page = render_template(
        "staff/rectifications/show.html",
        complaint=complaint,
        latest=latest,
        form=form,
        forms=forms,
        may_decide=staff.role in service.DECIDERS and staff.id != latest.mistake_by_id,
        outcomes=OUTCOMES,
        grades=GRADES,
        max_note=MAX_NOTE,
        max_reason=MAX_REASON,
    )
    return page, status


@blueprint.post("/<int:complaint_id>/contact")
@handlers_only
def make_contact(complaint_id: int) -> ResponseReturnValue:
    """Note what was said when the sender was called, or write to them."""
    form = ContactForm()
    return change_case(
        complaint_id,
        form,
        lambda case, staff: service.make_contact(complaint=case, staff=staff, text=form.contact.data),
        show=show_page,
        done=_("The contact is noted."),
    )


@blueprint.post("/<int:complaint_id>/answer")
@handlers_only
def answer(complaint_id: int) -> ResponseReturnValue:
    """Tell the sender what was put right."""
    form = AnswerForm()
    return change_case(
        complaint_id,
        form,
        lambda case, staff: service.answer_grade(complaint=case, staff=staff, text=form.answer.data),
        show=show_page,
        done=_("Sent. The sender reads it on the case's page."),
    )


@blueprint.post("/<int:complaint_id>/mistake")
@handlers_only
def ask_mistake(complaint_id: int) -> ResponseReturnValue:
    """Say that the grade was given by mistake."""
    form = MistakeForm()
    return change_case(
        complaint_id,
        form,
        lambda case, staff: service.ask_mistake(complaint=case, staff=staff, reason=form.reason.data),
        show=show_page,
        done=_("A second person has to decide it. Until then the days run on."),
    )


@blueprint.post("/<int:complaint_id>/decide")
@handlers_only
def decide_mistake(complaint_id: int) -> ResponseReturnValue:
    """Decide whether the grade was given by mistake."""
    form = DecideForm()
    return change_case(
        complaint_id,
        form,
        lambda case, staff: service.decide_mistake(
            complaint=case, staff=staff, granted=form.verdict.data == "grant", words=form.words.data
        ),
        show=show_page,
        done=_("Decided."),
    )


@blueprint.app_template_global("list_rectifications")
def list_rectifications(complaint: Complaint) -> list[Rectification]:
    """Return what the grades of a case have opened, for its page."""
    return list(queries.list_of(complaint))
