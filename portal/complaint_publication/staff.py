"""Preparing cases for the public: words, masking side by side, and their release by a second person."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import guard
from portal.accounts.models import Staff
from portal.complaint_publication import queries, rules, service
from portal.complaint_publication.forms import (
    COLUMN_LABELS,
    MARK_LABELS,
    STATE_LABELS,
    BackForm,
    WithdrawForm,
    WordsForm,
)
from portal.complaint_publication.models import AnswerEdition, EditionState
from portal.complaint_publication.queries import View
from portal.complaints.models import Complaint
from portal.complaints.public import heading
from portal.complaints.queries import get_for_staff
from portal.complaints.rules import MAX_REASON
from portal.complaints.staff import change_case, handlers_only
from portal.masking_sheets.forms import REASON_LABELS, FindingForm, PassageForm, SeenForm
from portal.paging import page_number
from portal.personal_data.rules import Finding

blueprint = Blueprint("complaint_publication", __name__, url_prefix="/complaint-publication")


@blueprint.get("/")
@handlers_only
def index() -> str:
    """List the cases whose senders agree, by how far their publication is."""
    staff = guard.current_staff()
    view = next((view for view in View if view == request.args.get("view")), View.POSSIBLE)
    return render_template(
        "staff/complaint_publication/index.html",
        view=view,
        counts={each: queries.count_cases(each, staff) for each in View},
        page=queries.list_cases(view, staff, page_number(request.args.get("page"))),
        state_labels=STATE_LABELS,
    )


@blueprint.get("/<int:complaint_id>")
@handlers_only
def show(complaint_id: int) -> ResponseReturnValue:
    """Show how far the publication of a case is, and what can be done now."""
    return show_page(complaint_id)


def show_page(complaint_id: int, form: Any = None, status: int = 200) -> ResponseReturnValue:
    """Render the page, with the form that was sent if it has errors."""
    staff = guard.current_staff()
    complaint = get_for_staff(complaint_id, staff)
    edition = queries.find_edition(complaint)
    begun = edition is not None and edition.state is not EditionState.WITHDRAWN
    page = render_template(
        "staff/complaint_publication/show.html",
        complaint=complaint,
        edition=edition,
        begun=begun,
        possible=queries.may_publish(complaint),
        sheet=queries.get_sheet(edition) if edition and begun else None,
        may_release=edition is not None and staff.id not in queries.list_writers(edition),
        form=form,
        words_form=form if isinstance(form, WordsForm) else make_words_form(complaint, edition if begun else None),
        passage_form=form if isinstance(form, PassageForm) else PassageForm(formdata=None),
        back_form=form if isinstance(form, BackForm) else BackForm(formdata=None),
        withdraw_form=form if isinstance(form, WithdrawForm) else WithdrawForm(formdata=None),
        label=COLUMN_LABELS.get,
        state_labels=STATE_LABELS,
        finding_labels=MARK_LABELS,
        reason_labels=REASON_LABELS,
        limits=rules,
        max_reason=MAX_REASON,
    )
    return page, status


def make_words_form(complaint: Complaint, edition: AnswerEdition | None) -> WordsForm:
    """Return the form for the words, with what is written, or with what the case says."""
    if edition is not None:
        return WordsForm(formdata=None, data=queries.read_texts(edition))
    question = rules.join_question(complaint.facts, complaint.wants)
    words = {"title": rules.shorten(heading(complaint), rules.MAX_TITLE), "question": question}
    return WordsForm(formdata=None, data=words | {"answer": complaint.answer})


def take(
    complaint_id: int, form: Any, act: Callable[[Complaint, Staff], object], done: str = ""
) -> ResponseReturnValue:
    """Take one step; see `change_case`."""
    return change_case(complaint_id, form, act, show=show_page, done=done or _("Saved."))


@blueprint.post("/<int:complaint_id>/words")
@handlers_only
def save_words(complaint_id: int) -> ResponseReturnValue:
    """Keep the words, which are masked anew."""
    form = WordsForm()

    def act(case: Complaint, staff: Staff) -> None:
        words = service.Words(title=form.title.data, question=form.question.data, answer=form.answer.data)
        service.save_words(complaint=case, staff=staff, words=words)

    return take(complaint_id, form, act)


@blueprint.post("/<int:complaint_id>/leave")
@handlers_only
def leave_visible(complaint_id: int) -> ResponseReturnValue:
    """Take the mark of a finding away."""
    form = FindingForm()

    def act(case: Complaint, staff: Staff) -> None:
        number, why, seen = form.number.data or 0, form.why.data or "", form.seen.data or ""
        service.leave_visible(complaint=case, staff=staff, number=number, why=why, seen=seen)

    return take(complaint_id, form, act)


@blueprint.post("/<int:complaint_id>/hide-again")
@handlers_only
def hide_again(complaint_id: int) -> ResponseReturnValue:
    """Mask again what was left visible."""
    form = FindingForm()

    def act(case: Complaint, staff: Staff) -> None:
        service.hide_again(complaint=case, staff=staff, number=form.number.data or 0, seen=form.seen.data or "")

    return take(complaint_id, form, act)


@blueprint.post("/<int:complaint_id>/hide")
@handlers_only
def add_passage(complaint_id: int) -> ResponseReturnValue:
    """Mask a passage wherever it stands."""
    form = PassageForm()

    def act(case: Complaint, staff: Staff) -> None:
        kind, seen = Finding(form.kind.data), form.seen.data or ""
        service.add_passage(complaint=case, staff=staff, passage=form.passage.data, kind=kind, seen=seen)

    return take(complaint_id, form, act)


@blueprint.post("/<int:complaint_id>/confirm")
@handlers_only
def confirm(complaint_id: int) -> ResponseReturnValue:
    """Confirm the masking and hand it over."""
    form = SeenForm()
    return take(
        complaint_id,
        form,
        lambda case, staff: service.confirm(complaint=case, staff=staff, seen=form.seen.data or ""),
        _("Handed over. A second person has to release it."),
    )


@blueprint.post("/<int:complaint_id>/back")
@handlers_only
def send_back(complaint_id: int) -> ResponseReturnValue:
    """Send it back with what has to change."""
    form = BackForm()
    return take(
        complaint_id,
        form,
        lambda case, staff: service.send_back(complaint=case, staff=staff, comment=form.comment.data),
        _("Sent back."),
    )


@blueprint.post("/<int:complaint_id>/release")
@handlers_only
def release(complaint_id: int) -> ResponseReturnValue:
    """Publish it."""
    form = SeenForm()
    return take(
        complaint_id,
        form,
        lambda case, staff: service.release(complaint=case, staff=staff, seen=form.seen.data or ""),
        _("Published. Everybody can read it now."),
    )


@blueprint.post("/<int:complaint_id>/withdraw")
@handlers_only
def withdraw(complaint_id: int) -> ResponseReturnValue:
    """Take it back."""
    form = WithdrawForm()
    return take(
        complaint_id,
        form,
        lambda case, staff: service.withdraw(complaint=case, staff=staff, reason=form.reason.data),
        _("Withdrawn. Nobody can read it any more."),
    )


@blueprint.app_template_global("find_publication")
def find_publication(complaint: Complaint) -> str:
    """Return where the publication of a case stands, `possible` before it was begun, empty when there can be none."""
    edition = queries.find_edition(complaint)
    if edition is not None and edition.state is not EditionState.WITHDRAWN:
        return edition.state.value
    return "possible" if queries.may_publish(complaint) else ""
