"""Decisions as staff work on them: draft, review by a second person, publish, withdraw."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.bases import queries as bases
from portal.bases.rules import parse_article_key
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.db import db
from portal.decisions import forms, queries, rules, service
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.errors import Refusal
from portal.i18n import current
from portal.organs.queries import list_names
from portal.paging import page_number
from portal.parties.models import PartyKind

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")

REVIEWERS = (Role.REVIEWER, Role.SUPERVISOR)


@blueprint.get("/")
def index() -> str:
    """List the decisions, those that wait longest for publication first."""
    state = next((state for state in DecisionState if state == request.args.get("state")), None)
    keyword = request.args.get("q", "").replace("\x00", "").strip()[: rules.MAX_KEYWORD]
    scope = guard.scope()
    number = page_number(request.args.get("page"))
    page = queries.list_for_staff(scope=scope, state=state, keyword=keyword, number=number)
    calendar = get_calendar()
    return render_template(
        "staff/decisions/index.html",
        page=page,
        state=state,
        keyword=keyword,
        counts=queries.count_by_state(scope=scope),
        days_left=lambda row: days_left(calendar, row),
        kind_labels=forms.KIND_LABELS,
        state_labels=forms.STATE_LABELS,
    )


def days_left(calendar: WorkingCalendar, row: Any) -> int | None:
    """Return the working days until a decision must be public, negative when late; None once it was published."""
    if row.published_at is not None:
        return None
    due = calendar.add_working_days(row.decided_on, rules.publish_within(row.kind)).day
    return calendar.working_days_between(clock.today(), due)


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Write a draft."""
    form = make_form()

    def save() -> Decision:
        party, content = read_form(form)
        return service.create_draft(staff=guard.current_staff(), party=party, content=content)

    return edit_page(form, save, decision=None)


@blueprint.route("/<int:decision_id>/edit", methods=["GET", "POST"])
def edit(decision_id: int) -> ResponseReturnValue:
    """Change a draft, or a decision that was sent back."""
    decision = queries.get_for_staff(decision_id, scope=guard.scope(), lock=request.method == "POST")
    form = make_form(decision)

    def save() -> Decision:
        party, content = read_form(form)
        service.update_draft(decision=decision, staff=guard.current_staff(), party=party, content=content)
        return decision

    return edit_page(form, save, decision=decision)


def edit_page(
    form: forms.DecisionForm, save: Callable[[], Decision], *, decision: Decision | None
) -> ResponseReturnValue:
    """Show the form, or save what was typed and go on to the decision."""
    status = 200
    if form.validate_on_submit():
        try:
            saved = save()
            db.session.commit()
            flash(_("Draft saved"))
            return redirect(url_for("staff.decisions.show", decision_id=saved.id))
        except Refusal as refusal:
            db.session.rollback()
            hang(refusal, form)
    if form.is_submitted():
        status = 422
    # After a refusal the session was rolled back, and the record with it is read again.
    return render_template("staff/decisions/edit.html", form=form, decision=decision), status


def hang(refusal: Refusal, form: Any) -> None:
    """Put a refusal on the field it concerns, or above the form."""
    field = getattr(form, refusal.field, None) if refusal.field else None
    if field is None:
        form.form_errors.append(str(refusal.message))
    else:
        field.errors = [*field.errors, str(refusal.message)]


def make_form(decision: Decision | None = None) -> forms.DecisionForm:
    """Return the form, filled from a decision, with what there is to choose from."""
    form = forms.DecisionForm(data=form_data(decision) if decision else None)
    scope = guard.scope()
    form.organ.choices = [SelectChoice(row.id, row.name) for row in list_names() if scope in (None, row.id)]
    form.basis.choices = [
        SelectChoice(0, _("No link")),
        *(SelectChoice(row.id, row.title) for row in bases.list_titles()),
    ]
    english = current() == "en"
    form.measures.choices = [
        SelectChoice(name, words["name_en"] if english else name) for name, words in rules.MEASURES.items()
    ]
    return form


def form_data(decision: Decision) -> dict[str, Any]:
    """Return a decision as its form shows it."""
    names = ("document_number", "decided_on", "title", "violation", "facts", "basis_text", "measures", "content")
    data = {name: getattr(decision, name) for name in (*names, "fine", "on_the_spot", "revisit_required")}
    article = decision.article
    return data | {
        "organ": decision.organ_id,
        "kind": decision.kind.value,
        "party_kind": decision.party.kind.value,
        "party_name": decision.party.name,
        "credit_code": decision.party.credit_code or "",
        "phone": decision.party.contact.phone.removeprefix("+86") if decision.party.contact else "",
        "basis": article.basis_id if article else 0,
        "article": (f"{article.number}-{article.suffix}" if article.suffix else str(article.number)) if article else "",
    }


def read_form(form: forms.DecisionForm) -> tuple[service.PartyDetails, service.Content]:
    """Return what was typed.

    Raises Refusal when the law that was chosen has no such article.
    """
    party = service.PartyDetails(
        kind=PartyKind(form.party_kind.data),
        name=form.party_name.data,
        credit_code=form.credit_code.data,
        phone=form.phone.data,
    )
    content = service.Content(
        kind=DecisionKind(form.kind.data),
        organ_id=form.organ.data,
        article_id=find_article_id(form.basis.data, form.article.data),
        measures=list(form.measures.data or []),
        fine=form.fine.data,
        document_number=form.document_number.data,
        title=form.title.data,
        decided_on=form.decided_on.data,
        violation=form.violation.data,
        facts=form.facts.data,
        basis_text=form.basis_text.data,
        content=form.content.data,
        on_the_spot=form.on_the_spot.data,
        revisit_required=form.revisit_required.data,
    )
    return party, content


def find_article_id(basis_id: int, typed: str) -> int | None:
    """Return the id of the article that was typed, None when none was."""
    if not basis_id or not typed:
        return None
    place = parse_article_key(typed)
    article = bases.find_article(basis_id, *place) if place else None
    if article is None:
        raise Refusal(_l("This law has no such article."), field="article")
    return article.id


@blueprint.get("/<int:decision_id>")
def show(decision_id: int) -> str:
    """Show a decision as the public sees or will see it, with what can be done."""
    decision = queries.get_for_staff(decision_id, scope=guard.scope())
    return show_page(decision)


def show_page(decision: Decision, **bound: Any) -> str:
    """Return the page of a decision; `bound` holds forms that were sent and refused."""
    staff = guard.current_staff()
    own = staff.id in (decision.created_by_id, decision.edited_by_id)
    forms_shown = {
        "review_form": forms.ReviewForm(formdata=None),
        "back_form": forms.SendBackForm(formdata=None),
        "withdraw_form": forms.WithdrawForm(formdata=None),
    }
    return render_template(
        "staff/decisions/show.html",
        **queries.describe(decision),
        kind_label=forms.KIND_LABELS[decision.kind],
        **(forms_shown | {"form": None} | bound),
        own=own,
        may_review=staff.role in (*REVIEWERS, Role.ADMIN),
        editable=decision.state in rules.EDITABLE,
        days_left=days_left(get_calendar(), decision),
        state_label=forms.STATE_LABELS[decision.state],
    )


@blueprint.post("/<int:decision_id>/submit")
def submit(decision_id: int) -> ResponseReturnValue:
    """Hand a draft over for review."""
    return step(decision_id, lambda decision: service.submit(decision=decision, staff=guard.current_staff()))


@blueprint.post("/<int:decision_id>/publish")
@guard.needs(*REVIEWERS)
def publish(decision_id: int) -> ResponseReturnValue:
    """Publish, once the second person has confirmed what has to be confirmed."""
    form = forms.ReviewForm()
    return step(
        decision_id,
        lambda decision: service.publish(decision=decision, staff=guard.current_staff()),
        review_form=form,
    )


@blueprint.post("/<int:decision_id>/send-back")
@guard.needs(*REVIEWERS)
def send_back(decision_id: int) -> ResponseReturnValue:
    """Send back to the editors with a note."""
    form = forms.SendBackForm()
    return step(
        decision_id,
        lambda decision: service.send_back(decision=decision, staff=guard.current_staff(), note=form.note.data),
        back_form=form,
    )


@blueprint.post("/<int:decision_id>/withdraw")
@guard.needs(*REVIEWERS)
def withdraw(decision_id: int) -> ResponseReturnValue:
    """Take a decision down with a reason for the public."""
    form = forms.WithdrawForm()
    return step(
        decision_id,
        lambda decision: service.withdraw(decision=decision, staff=guard.current_staff(), reason=form.reason.data),
        withdraw_form=form,
    )


def step(decision_id: int, take: Callable[[Decision], None], **sent: Any) -> ResponseReturnValue:
    """Take one step, or show the page again with what stands in its way."""
    decision = queries.get_for_staff(decision_id, scope=guard.scope(), lock=True)
    form = next(iter(sent.values()), None)
    if form is not None and not form.validate():
        db.session.rollback()
        return show_page(decision, form=form, **sent), 422
    try:
        take(decision)
        db.session.commit()
    except Refusal as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
        return show_page(queries.get_for_staff(decision_id, scope=guard.scope()), **sent), refusal.status
    flash(_("Done: the decision is now “%(state)s”.", state=forms.STATE_LABELS[decision.state]))
    return redirect(url_for("staff.decisions.show", decision_id=decision_id))
