"""Staff pages of the second person: review, checks on record, several at once, and the red list."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts import guard
from portal.calendar.queries import get_calendar
from portal.db import db
from portal.decision_reviews import forms, queries, rules, service
from portal.decisions import queries as decisions
from portal.decisions import rules as decision_rules
from portal.decisions import staff as decision_pages
from portal.decisions.forms import KIND_LABELS, STATE_LABELS
from portal.decisions.guard import REVIEWERS, may_review, require_original
from portal.decisions.models import CheckKind, Decision, DecisionKind
from portal.decisions.service import find_end, refuse_step, weigh
from portal.errors import Forbidden, Refusal
from portal.paging import whole_number

blueprint = Blueprint("decision_reviews", __name__, url_prefix="/decisions")


@blueprint.get("/<int:decision_id>/review")
@guard.needs(*REVIEWERS)
def review(decision_id: int) -> str:
    """Show the second person the page as the public will read it, and what to confirm."""
    return review_page(decisions.get_for_staff(decision_id, scope=guard.scope()))


def review_page(
    decision: Decision, *, sent: forms.ReviewForm | None = None, back: forms.SendBackForm | None = None
) -> str:
    """Return the review page, with the form that was sent and refused."""
    review_form, back_form = sent or forms.ReviewForm(formdata=None), back or forms.SendBackForm(formdata=None)
    for form in (review_form, back_form):
        form.version.data, form.version.raw_data = decisions.fingerprint(decision), None
    obstacle = find_obstacle(decision)
    return render_template(
        "staff/decision_reviews/review.html",
        **decisions.describe(decision),
        kind_label=KIND_LABELS[decision.kind],
        state_label=STATE_LABELS[decision.state],
        publication=decision_pages.publication_clock(get_calendar(), decision),
        review_form=review_form,
        back_form=back_form,
        form=sent or back,
        obstacle=obstacle,
        needs=queries.find_needed_checks(decision),
        check_labels=service.CHECK_LABELS,
        checks=decisions.list_checks(decision.id),
        unnamed=queries.find_unnamed(decision),
        power_doubtful=decision_pages.is_power_doubtful(decision),
        until=find_end(decision, clock.today()),
        minor=decision.kind is DecisionKind.PENALTY and weigh(decision) is decision_rules.Weight.MINOR,
    )


def find_obstacle(decision: Decision) -> str:
    """Return what stands in the way of the next step of a decision, nothing when it can be taken."""
    try:
        refuse_next(decision)
    except Refusal as refusal:
        return str(refusal.message)
    return ""


def refuse_next(decision: Decision) -> None:
    """Raise what keeps whoever is signed in from handing a draft over, or from publishing what was handed over."""
    if decision.state in decision_rules.EDITABLE:
        require_original(decision.organ_id)
        service.refuse_submit(decision)
        return
    if not may_review():
        raise Forbidden(_l("A reviewer has to publish this decision."))
    service.refuse_publish(decision, guard.current_staff())


@blueprint.post("/<int:decision_id>/submit")
def submit(decision_id: int) -> ResponseReturnValue:
    """Hand a draft over for review."""
    decision = get_locked(decision_id)

    def act() -> None:
        require_original(decision.organ_id)
        refuse_step(decision, "submit")
        service.refuse_stale(decision, request.form.get("version"))
        service.submit(decision=decision, staff=guard.current_staff())

    return answer(decision, decision_pages.attempt(act))


@blueprint.post("/<int:decision_id>/publish")
@guard.needs(*REVIEWERS)
def publish(decision_id: int) -> ResponseReturnValue:
    """Publish, once the second person has confirmed what has to be confirmed."""
    decision = get_locked(decision_id)
    form = forms.ReviewForm()
    if not form.validate():
        db.session.rollback()
        return review_page(decision, sent=form), 422

    def act() -> None:
        service.refuse_publish(decision, guard.current_staff())
        service.refuse_stale(decision, form.version.data)
        service.publish(decision=decision, staff=guard.current_staff())

    return answer(decision, decision_pages.attempt(act))


@blueprint.post("/<int:decision_id>/send-back")
@guard.needs(*REVIEWERS)
def send_back(decision_id: int) -> ResponseReturnValue:
    """Send back to the editors with a note."""
    decision = get_locked(decision_id)
    form = forms.SendBackForm()
    if not form.validate():
        db.session.rollback()
        return review_page(decision, back=form), 422
    staff = guard.current_staff()
    return answer(
        decision,
        decision_pages.attempt(lambda: service.send_back(decision=decision, staff=staff, note=form.note.data)),
    )


def get_locked(decision_id: int) -> Decision:
    """Return a decision that nobody else changes until the request is over."""
    return decisions.get_for_staff(decision_id, scope=guard.scope(), lock=True)


def answer(decision: Decision, refusal: Refusal | None) -> ResponseReturnValue:
    """Go on to the decision's page, or show it with what stood in the way."""
    if refusal is not None:
        flash(str(refusal.message), "warn")
        return decision_pages.show(decision.id), refusal.status
    flash(_("Done: the decision is now “%(state)s”.", state=STATE_LABELS[decision.state]))
    return redirect(url_for("staff.decisions.show", decision_id=decision.id))


@blueprint.route("/<int:decision_id>/checks", methods=["GET", "POST"])
def checks(decision_id: int) -> ResponseReturnValue:
    """Show which checks a decision needs and which are on record, and put one more there."""
    decision = decisions.get_for_staff(decision_id, scope=guard.scope(), lock=request.method == "POST")
    form = forms.CheckForm()
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            refusal = decision_pages.attempt(lambda: record(decision, form))
            if refusal is None:
                flash(_("The check is on record."))
                return redirect(url_for("staff.decisions.show", decision_id=decision_id))
            decision_pages.hang(refusal, form)
    page = render_template(
        "staff/decision_reviews/checks.html",
        decision=decision,
        form=form,
        needs=queries.find_needed_checks(decision),
        check_labels=service.CHECK_LABELS,
        checks=decisions.list_checks(decision.id),
    )
    return page, status


def record(decision: Decision, form: forms.CheckForm) -> None:
    """Put what was typed on record."""
    service.record_check(
        decision=decision,
        staff=guard.current_staff(),
        kind=CheckKind(form.kind.data),
        document_number=form.document_number.data,
        concluded_on=form.concluded_on.data,
        passed=form.result.data == "passed",
        note=form.note.data,
    )


@dataclass(frozen=True)
class Row:
    """One decision of a batch: what version was shown, and what stands in its way."""

    decision: Decision
    version: str
    obstacle: str


@blueprint.get("/batch")
def batch() -> ResponseReturnValue:
    """Show several decisions with what will be done to each, or why not."""
    numbers = [number for number in map(whole_number, request.args.getlist("id")) if number]
    if not numbers:
        flash(_("Nothing was selected."), "warn")
        return redirect(url_for("staff.decisions.index"))
    return batch_page(list_rows(numbers[: rules.MAX_BATCH]), forms.BatchForm(formdata=None))


def list_rows(numbers: list[int]) -> list[Row]:
    """Return the decisions with these numbers that whoever is signed in may see."""
    found = decisions.list_by_ids(numbers, scope=guard.scope())
    return [Row(decision, decisions.fingerprint(decision), find_obstacle(decision)) for decision in found]


def batch_page(rows: list[Row], form: forms.BatchForm) -> str:
    """Return the page that asks to confirm."""
    ready = [row for row in rows if not row.obstacle]
    return render_template(
        "staff/decision_reviews/batch.html",
        rows=rows,
        ready=ready,
        publishes=any(row.decision.state not in decision_rules.EDITABLE for row in ready),
        form=form,
        party_name=decisions.public_party_name,
        state_labels=STATE_LABELS,
    )


@blueprint.post("/batch")
def take_batch() -> ResponseReturnValue:
    """Hand over or publish each of several decisions, and say of each what became of it."""
    sent = dict(pair.partition(".")[::2] for pair in request.form.getlist("row")[: rules.MAX_BATCH])
    versions = {number: version for text, version in sent.items() if (number := whole_number(text))}
    rows = list_rows(list(versions))
    form = forms.BatchForm()
    publishes = any(row.decision.state not in decision_rules.EDITABLE for row in rows)
    if publishes and not form.validate():
        return batch_page(rows, form), 422
    # A read gave no lock: what follows begins anew.
    db.session.rollback()
    results = [(row, take_one(row.decision.id, versions[row.decision.id])) for row in rows]
    db.session.commit()
    return render_template("staff/decision_reviews/batch_done.html", results=results, state_labels=STATE_LABELS)


def take_one(decision_id: int, version: str) -> str:
    """Take one decision of a batch a step further, in a transaction of its own; return what stood in the way."""

    def act() -> None:
        decision = get_locked(decision_id)
        refuse_next(decision)
        service.refuse_stale(decision, version)
        step = service.submit if decision.state in decision_rules.EDITABLE else service.publish
        step(decision=decision, staff=guard.current_staff())

    refusal = decision_pages.attempt(act)
    return str(refusal.message) if refusal else ""
