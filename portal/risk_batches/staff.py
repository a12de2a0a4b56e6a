"""Staff pages of a batch, from preview to receipt."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.accounts import guard
from portal.accounts.queries import find_name
from portal.cli import current_settings
from portal.db import db
from portal.errors import Refusal
from portal.paging import page_number
from portal.risk_batches import forms, service
from portal.risk_periods import queries, rules
from portal.risk_periods.forms import STATE_LABELS
from portal.risk_periods.guard import APPROVERS, PREPARERS, may
from portal.risk_periods.models import BatchState, RiskBatch
from portal.risk_periods.service import NOT_APPROVED
from portal.wordings.forms import PROVIDER_LABELS

blueprint = Blueprint("risk_batches", __name__, url_prefix="/risk-periods/batches")


@blueprint.get("/<int:batch_id>")
def show(batch_id: int) -> str:
    """Show a batch: before approval whom it would reach and what that costs, afterwards how far it has come."""
    return batch_page(queries.get_batch(batch_id, scope=guard.scope()))


def batch_page(batch: RiskBatch, **bound: Any) -> str:
    """Return the page of a batch; `bound` holds forms that were sent and refused."""
    shown = {
        "approve_form": forms.ApproveForm(formdata=None, seen=service.stamp(batch)),
        "refuse_form": forms.NoteForm(formdata=None, prefix="refuse-"),
        "withdraw_form": forms.NoteForm(formdata=None, prefix="withdraw-"),
    }
    form = next(iter(bound.values()), None)
    return render_template(
        "staff/risk_batches/show.html",
        batch=batch,
        period=batch.period,
        state_label=STATE_LABELS[batch.state],
        note=forms.NOTE_LABELS.get(batch.note, batch.note),
        texts=queries.write_texts(batch),
        provider_labels=PROVIDER_LABELS,
        unapproved=queries.list_unapproved(),
        useful_until=rules.Span(batch.starts_on, batch.ends_on).useful_until,
        begun=batch.starts_on <= clock.today(),
        submitter=find_name(batch.submitted_by_id),
        decider=find_name(batch.decided_by_id),
        own=guard.current_staff().id == batch.submitted_by_id,
        may_prepare=may(PREPARERS),
        may_approve=may(APPROVERS),
        form=form,
        **(shown | bound),
        **(preview_of(batch) if batch.state in NOT_APPROVED else progress_of(batch)),
    )


def preview_of(batch: RiskBatch) -> dict[str, Any]:
    """Return what a batch that is not approved would come to."""
    choice = queries.choice_of(batch)
    count = queries.count_addressed(choice)
    segments = queries.count_segments(count, queries.write_texts(batch))
    unknown = _("Not given")
    return {
        "preview": True,
        "count": count,
        "segments": segments,
        "cost": cost_of(segments),
        "moved": batch.state is BatchState.SUBMITTED and rules.differs_much(batch.recipients, count.total),
        "trades": rules.count_bars(
            {name or unknown: number for name, number in count.trades.items()}, others=_("Others")
        ),
        "streets": rules.count_bars(
            {name or unknown: number for name, number in count.streets.items()}, others=_("Others")
        ),
        "sample": queries.list_sample(choice),
    }


def progress_of(batch: RiskBatch) -> dict[str, Any]:
    """Return how far an approved batch has come."""
    counts = queries.count_messages(batch.id)
    return {
        "preview": False,
        "segments": batch.segments,
        "cost": cost_of(batch.segments),
        "counts": counts,
        "states": rules.count_bars({state.value: number for state, number in counts.items()}, others=""),
        "carried": queries.count_carried(batch.id),
        "unreached": queries.list_unreached(batch.id, page_number(request.args.get("page"))),
    }


def cost_of(segments: int) -> Decimal:
    """Return what segments cost, in yuan."""
    return (Decimal(str(current_settings().sms_segment_price)) * segments).quantize(Decimal("0.01"))


@blueprint.post("/<int:batch_id>/submit")
@guard.needs(*PREPARERS)
def submit(batch_id: int) -> ResponseReturnValue:
    """Hand a batch over for approval."""
    return step(batch_id, lambda batch: service.submit(batch=batch, staff=guard.current_staff()))


@blueprint.post("/<int:batch_id>/take-back")
@guard.needs(*PREPARERS)
def take_back(batch_id: int) -> ResponseReturnValue:
    """Take a batch back that waits for approval."""
    return step(batch_id, lambda batch: service.take_back(batch=batch, staff=guard.current_staff()))


@blueprint.post("/<int:batch_id>/approve")
@guard.needs(*APPROVERS)
def approve(batch_id: int) -> ResponseReturnValue:
    """Approve a batch, as the second person."""
    form = forms.ApproveForm()

    def take(batch: RiskBatch) -> None:
        service.approve(
            batch=batch,
            staff=guard.current_staff(),
            seen=form.seen.data or "",
            urgent=form.urgent.data,
            reason=form.urgent_reason.data,
        )

    return step(batch_id, take, approve_form=form)


@blueprint.post("/<int:batch_id>/refuse")
@guard.needs(*APPROVERS)
def refuse(batch_id: int) -> ResponseReturnValue:
    """Send a batch back with a note."""
    form = forms.NoteForm(prefix="refuse-")
    return step(
        batch_id,
        lambda batch: service.refuse(batch=batch, staff=guard.current_staff(), note=form.note.data),
        refuse_form=form,
    )


@blueprint.post("/<int:batch_id>/withdraw")
@guard.needs(*PREPARERS, *APPROVERS)
def withdraw(batch_id: int) -> ResponseReturnValue:
    """Withdraw an approval: whatever is still unsent stays unsent."""
    form = forms.NoteForm(prefix="withdraw-")
    return step(
        batch_id,
        lambda batch: service.withdraw(batch=batch, staff=guard.current_staff(), note=form.note.data),
        withdraw_form=form,
    )


def step(batch_id: int, take: Callable[[RiskBatch], object], **sent: Any) -> ResponseReturnValue:
    """Take one step, or show the page again with what stands in its way."""
    batch = queries.get_batch(batch_id, scope=guard.scope(), lock=True)
    form = next(iter(sent.values()), None)
    if form is not None and not form.validate():
        db.session.rollback()
        return batch_page(queries.get_batch(batch_id, scope=guard.scope()), **sent), 422
    try:
        take(batch)
        db.session.commit()
    except Refusal as refusal:
        db.session.rollback()
        batch = queries.get_batch(batch_id, scope=guard.scope())
        if form is not None and refusal.field:
            form[refusal.field].errors = [str(refusal.message)]
            return batch_page(batch, **sent), 422
        flash(str(refusal.message), "warn")
        return batch_page(batch), refusal.status
    flash(_("Done: the batch is now “%(state)s”.", state=STATE_LABELS[batch.state]), "good")
    return redirect(url_for(".show", batch_id=batch_id))
