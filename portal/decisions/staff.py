"""Decisions as staff list, draft and read them; what happens to them next hangs on the page of each."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.bases import queries as bases
from portal.bases.rules import parse_article_key
from portal.calendar.queries import get_calendar
from portal.calendar.rules import Clock, WorkingCalendar, read_clock
from portal.db import db
from portal.decisions import forms, queries, rules, service
from portal.decisions.guard import may_review, open_original, require_original, sees_original
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.errors import Conflict, Refusal
from portal.i18n import current
from portal.organs.queries import list_names
from portal.paging import page_number
from portal.parties.models import PartyKind
from portal.powers import queries as powers
from portal.powers.models import PowerCategory

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")


@blueprint.get("/")
def index() -> str:
    """List the decisions, those that wait longest for publication first."""
    state = next((state for state in DecisionState if state == request.args.get("state")), None)
    keyword = request.args.get("q", "").replace("\x00", "").strip()[: rules.MAX_KEYWORD]
    scope = guard.scope()
    number = page_number(request.args.get("page"))
    names = scope is not None or guard.current_staff().role == "admin"
    page = queries.list_for_staff(scope=scope, state=state, keyword=keyword, number=number, names=names)
    calendar = get_calendar()
    return render_template(
        "staff/decisions/index.html",
        page=page,
        state=state,
        keyword=keyword,
        counts=queries.count_by_state(scope=scope),
        clock_of=lambda row: publication_clock(calendar, row),
        party_name=name_for_staff,
        kind_labels=forms.KIND_LABELS,
        state_labels=forms.STATE_LABELS,
    )


def name_for_staff(row: Any) -> str:
    """Return a party's name as this reader may see it."""
    if sees_original(row.organ_id):
        return str(row.party_name)
    return queries.public_party_name(row.party_kind, row.party_name)


def publication_clock(calendar: WorkingCalendar, row: Any) -> Clock | None:
    """Return how long a decision may still wait for its publication; None once it was published."""
    if row.published_at is not None:
        return None
    return read_clock(calendar, row.decided_on, rules.publish_within(row.kind), clock.today())


def withdrawal_clock(calendar: WorkingCalendar, decision: Decision) -> Clock | None:
    """Return how long an ordered withdrawal may take; None when none is ordered, or it is done."""
    ordered_on = decision.withdrawal_ordered_on
    if ordered_on is None or decision.state is not DecisionState.PUBLISHED:
        return None
    return read_clock(calendar, ordered_on, rules.CLOCKS["withdrawal"], clock.today())


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Write a draft."""
    form = make_form()

    def save() -> Decision:
        party, content = read_form(form)
        require_original(content.organ_id)
        return service.create_draft(staff=guard.current_staff(), party=party, content=content)

    return edit_page(form, save, decision=None)


@blueprint.route("/<int:decision_id>/edit", methods=["GET", "POST"])
def edit(decision_id: int) -> ResponseReturnValue:
    """Change a draft, or a decision that was sent back."""
    decision = queries.get_for_staff(decision_id, scope=guard.scope(), lock=request.method == "POST")
    require_original(decision.organ_id)
    form = make_form(decision)

    def save() -> Decision:
        party, content = read_form(form)
        require_original(content.organ_id)
        if decision.state in rules.EDITABLE and form.version.data != queries.fingerprint(decision):
            raise Conflict(
                _l("Somebody changed this draft after you opened it. Your words are kept here; saving replaces theirs.")
            )
        service.update_draft(decision=decision, staff=guard.current_staff(), party=party, content=content)
        return decision

    return edit_page(form, save, decision=decision)


def edit_page(
    form: forms.DecisionForm, save: Callable[[], Decision], *, decision: Decision | None
) -> ResponseReturnValue:
    """Show the form, or save what was typed and go on to the decision."""
    status = 200
    # A change of kind keeps what was typed, and asks for what the other kind has.
    if "as" not in request.form and form.is_submitted():
        status = 422
        if form.validate():
            saved: list[Decision] = []
            refusal = attempt(lambda: saved.append(save()))
            if refusal is None:
                flash(_("Draft saved"))
                return redirect(url_for("staff.decisions.show", decision_id=saved[0].id))
            status = 409 if isinstance(refusal, Conflict) and refusal.field is None else 422
            hang(refusal, form)
    if decision:
        open_original(decision)
    # After a refusal the session was rolled back, and the record with it is read again.
    form.version.data = queries.fingerprint(decision) if decision else ""
    form.version.raw_data = None
    return render_template(
        "staff/decisions/edit.html",
        form=form,
        decision=decision,
        kind=DecisionKind(form.kind.data),
        kind_labels=forms.KIND_LABELS,
    ), status


def hang(refusal: Refusal, form: Any) -> None:
    """Put a refusal on the field it concerns, or above the form."""
    field = getattr(form, refusal.field, None) if refusal.field else None
    if field is None:
        form.form_errors.append(str(refusal.message))
    else:
        field.errors = [*field.errors, str(refusal.message)]


def attempt(act: Callable[[], object]) -> Refusal | None:
    """Act and commit, or leave everything as it was and return what stands in the way."""
    try:
        act()
        db.session.commit()
    except Refusal as refusal:
        db.session.rollback()
        return refusal
    return None


def make_form(decision: Decision | None = None) -> forms.DecisionForm:
    """Return the form, filled from a decision, in the shape of its kind, with what there is to choose from."""
    form = forms.DecisionForm(data=form_data(decision) if decision else {"organ": guard.current_staff().organ_id})
    asked = request.form.get("as") or request.values.get("kind") or form.kind.data
    kind = next((kind for kind in DecisionKind if kind == asked), DecisionKind.PENALTY)
    form.kind.data = kind.value
    form.organ.choices = [SelectChoice(row.id, row.name) for row in list_names() if sees_original(row.id)]
    offer_choices(form)
    form.shape(kind)
    return form


def offer_choices(form: forms.ContentForm) -> None:
    """Give a form's selects what there is to choose from."""
    english = current() == "en"
    form.basis.choices = [
        SelectChoice(0, _("No link")),
        *(SelectChoice(row.id, row.title) for row in bases.list_titles()),
    ]
    form.measures.choices = [
        SelectChoice(name, words["name_en"] if english else name) for name, words in rules.MEASURES.items()
    ]
    form.measures.choices += [
        SelectChoice(name, name) for name in form.measures.object_data or () if name not in rules.MEASURES
    ]
    categories = {words["name"]: words["name_en"] if english else words["name"] for words in rules.PERMIT_CATEGORIES}
    kept = form.permit_category.data
    if kept and kept not in categories and not form.is_submitted():
        categories[kept] = kept
    form.permit_category.choices = [
        SelectChoice("", _("Not given")),
        *(SelectChoice(*pair) for pair in categories.items()),
    ]


def form_data(decision: Decision) -> dict[str, Any]:
    """Return a decision as its form shows it, in the words of the original."""
    return content_data(decision) | {
        "organ": decision.organ_id,
        "kind": decision.kind.value,
        "party_kind": decision.party.kind.value,
        "party_name": decision.party.name,
        "credit_code": decision.party.credit_code or "",
        "phone": decision.party.contact.phone.removeprefix("+86") if decision.party.contact else "",
        "revisit_required": decision.revisit_required,
    }


def content_data(decision: Decision) -> dict[str, Any]:
    """Return what a decision says as a form shows it."""
    article = decision.article
    data = {name: getattr(decision, name) for name in service.VALUES}
    return (
        data
        | service.original_texts(decision)
        | {
            "basis": article.basis_id if article else 0,
            "article": (f"{article.number}-{article.suffix}" if article.suffix else str(article.number))
            if article
            else "",
        }
    )


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
        revisit_required=form.revisit_required.data,
        **read_content(form),
    )
    return party, content


def read_content(form: forms.ContentForm) -> dict[str, Any]:
    """Return the columns that were typed; those that the kind does not have are left out.

    Raises Refusal when the law that was chosen has no such article.
    """
    read = {field.name: field.data for field in form if field.name in (*rules.TEXTS, *service.VALUES)}
    read["article_id"] = find_article_id(form.basis.data, form.article.data)
    return read


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
    calendar = get_calendar()
    return render_template(
        "staff/decisions/show.html",
        **queries.describe(decision),
        kind_label=forms.KIND_LABELS[decision.kind],
        own=guard.current_staff().id in (decision.created_by_id, decision.edited_by_id, decision.masked_by_id),
        may_review=may_review(),
        sees_original=sees_original(decision.organ_id),
        editable=decision.state in rules.EDITABLE,
        publication=publication_clock(calendar, decision),
        withdrawal=withdrawal_clock(calendar, decision),
        state_label=forms.STATE_LABELS[decision.state],
        version=queries.fingerprint(decision),
        checks=queries.list_checks(decision.id),
        repairs=queries.list_repairs(decision.id),
        power_doubtful=is_power_doubtful(decision),
    )


def is_power_doubtful(decision: Decision) -> bool:
    """Whether by the power list the organ of a decision did not hold the power for it on its day."""
    category = PowerCategory(decision.kind.value)
    return powers.is_doubtful(decision.organ_id, category, on=decision.decided_on, article_id=decision.article_id)
