"""Staff pages of the high-risk periods: the year, one period, and a batch from preview to receipt."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.accounts.queries import find_name
from portal.calendar.queries import get_calendar
from portal.cli import current_settings
from portal.db import db
from portal.errors import Forbidden, Refusal
from portal.organs.queries import list_names
from portal.paging import page_number, whole_number
from portal.risk_periods import forms, queries, rules, service
from portal.risk_periods.models import BatchState, RiskBatch, RiskPeriod
from portal.wordings.forms import PROVIDER_LABELS

blueprint = Blueprint("risk_periods", __name__, url_prefix="/risk-periods")

PREPARERS = (Role.CLERK, Role.SUPERVISOR)
APPROVERS = (Role.SUPERVISOR, Role.REVIEWER)


@blueprint.get("/")
def index() -> str:
    """Show the periods of a year, and the batches."""
    today = clock.today()
    year = whole_number(request.args.get("year")) or today.year
    year = min(max(year, forms.YEARS[0]), forms.YEARS[1])
    periods = queries.list_periods(scope=guard.scope())
    dates = {period.id: queries.dates_of(period) for period in periods}
    return render_template(
        "staff/risk_periods/index.html",
        year=year,
        periods=periods,
        pieces={number: rules.pieces(found, year) for number, found in dates.items()},
        months=rules.month_lines(year),
        spans={number: rules.spans_in(found, year) for number, found in dates.items()},
        missing={number: rules.missing_year(found, year, today.year + 1) for number, found in dates.items()},
        page=queries.list_batches(scope=guard.scope(), number=page_number(request.args.get("page"))),
        state_labels=forms.STATE_LABELS,
        may_prepare=may(PREPARERS),
    )


def may(roles: tuple[Role, ...]) -> bool:
    """Whether whoever is signed in has one of these roles."""
    return guard.current_staff().role in (*roles, Role.ADMIN)


def may_change(period: RiskPeriod) -> bool:
    """Whether whoever is signed in may change a period: their organ's own, or any for the legal office."""
    return may(PREPARERS) and guard.scope() in (None, period.organ_id)


def get_own_period(period_id: int, *, lock: bool) -> RiskPeriod:
    """Return a period to somebody who may change it; raises Forbidden."""
    period = queries.get_period(period_id, scope=guard.scope(), lock=lock)
    if not may_change(period):
        raise Forbidden(_l("This period concerns the whole city; the legal office alone changes it."))
    return period


@blueprint.get("/<int:period_id>")
def show(period_id: int) -> str:
    """Show one period with its batches."""
    return show_period(queries.get_period(period_id, scope=guard.scope()))


def show_period(period: RiskPeriod) -> str:
    """Return the page of a period."""
    today, dates = clock.today(), queries.dates_of(period)
    span = rules.next_span(dates, today + rules.DAY)
    trades, streets = queries.list_trades_and_streets()
    return render_template(
        "staff/risk_periods/show.html",
        period=period,
        span=span,
        send=rules.send_day(span.starts_on, period.days_ahead, get_calendar()) if span else None,
        missing=rules.missing_year(dates, today.year, today.year + 1),
        unknown=[name for name in period.trades if name not in trades]
        + [name for name in period.streets if name not in streets],
        batches=queries.list_batches_of(period.id),
        state_labels=forms.STATE_LABELS,
        may_prepare=may(PREPARERS),
        may_change=may_change(period),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@guard.needs(*PREPARERS)
def new() -> ResponseReturnValue:
    """Enter a period of the city's own."""
    form = make_form(None)

    def save() -> RiskPeriod:
        return service.create_period(staff=guard.current_staff(), content=read_form(form))

    return edit_page(form, save, period=None)


@blueprint.route("/<int:period_id>/edit", methods=["GET", "POST"])
@guard.needs(*PREPARERS)
def edit(period_id: int) -> ResponseReturnValue:
    """Change a period."""
    period = get_own_period(period_id, lock=request.method == "POST")
    form = make_form(period)

    def save() -> RiskPeriod:
        service.update_period(period=period, staff=guard.current_staff(), content=read_form(form))
        return period

    return edit_page(form, save, period=period)


def edit_page(
    form: forms.PeriodForm, save: Callable[[], RiskPeriod], *, period: RiskPeriod | None
) -> ResponseReturnValue:
    """Show the form, or save what was typed and go on to the period."""
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                saved = save()
            except Refusal as refusal:
                db.session.rollback()
                form.form_errors.append(str(refusal.message))
                status = refusal.status
            else:
                db.session.commit()
                flash(_("The period is saved."), "good")
                return redirect(url_for(".show", period_id=saved.id))
    return render_template("staff/risk_periods/edit.html", form=form, period=period, limits=rules), status


def make_form(period: RiskPeriod | None) -> forms.PeriodForm:
    """Return the form of a period, with what the register holds to choose from."""
    form = forms.PeriodForm(data=form_data(period) if period else {"days_ahead": 7, "organ": guard.scope() or 0})
    trades, streets = queries.list_trades_and_streets()
    for field, found, kept in (
        (form.trades, trades, period.trades if period else []),
        (form.streets, streets, period.streets if period else []),
    ):
        absent = [name for name in kept if name not in found]
        field.choices = [SelectChoice(name, name) for name in found] + [
            SelectChoice(name, _("%(name)s (nobody in the register)", name=name)) for name in absent
        ]
    scope = guard.scope()
    form.organ.choices = [SelectChoice(row.id, row.name) for row in list_names() if scope in (None, row.id)]
    if scope is None:
        form.organ.choices.insert(0, SelectChoice(0, _("The whole city")))
    return form


def form_data(period: RiskPeriod) -> dict[str, Any]:
    """Return a period as its form shows it."""
    names = ("name", "name_en", "basis", "first_day", "last_day", "days_ahead", "trades", "streets")
    data = {name: getattr(period, name) for name in (*names, "advice", "advice_en")}
    return data | {"table": forms.write_table(period.days), "organ": period.organ_id or 0}


def read_form(form: forms.PeriodForm) -> service.Content:
    """Return what was typed."""
    texts = {name: getattr(form, name).data or "" for name in service.TEXTS}
    return service.Content(
        **texts,
        table=forms.read_table(form.table.data or ""),
        days_ahead=form.days_ahead.data,
        trades=form.trades.data or [],
        streets=form.streets.data or [],
        organ_id=form.organ.data or None,
    )


@blueprint.post("/<int:period_id>/switch")
@guard.needs(*PREPARERS)
def switch(period_id: int) -> ResponseReturnValue:
    """Switch a period on or off."""
    period = get_own_period(period_id, lock=True)
    active = request.form.get("active") == "yes"
    void = service.switch_period(period=period, staff=guard.current_staff(), active=active)
    db.session.commit()
    if active:
        flash(_("The period is switched on. Its texts are prepared a month ahead."), "good")
    else:
        flash(_("The period is switched off. Unsent texts that are now cancelled: %(count)d.", count=void), "good")
    return redirect(url_for(".show", period_id=period_id))


@blueprint.post("/<int:period_id>/prepare")
@guard.needs(*PREPARERS)
def prepare(period_id: int) -> ResponseReturnValue:
    """Prepare the next batch of a period now."""
    period = queries.get_period(period_id, scope=guard.scope(), lock=True)
    try:
        batch = service.prepare_next(period=period, staff=guard.current_staff())
    except Refusal as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
        return redirect(url_for(".show", period_id=period_id))
    db.session.commit()
    return redirect(url_for(".show_batch", batch_id=batch.id))


@blueprint.get("/batches/<int:batch_id>")
def show_batch(batch_id: int) -> str:
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
        "staff/risk_periods/batch.html",
        batch=batch,
        period=batch.period,
        state_label=forms.STATE_LABELS[batch.state],
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
        **(preview_of(batch) if batch.state in service.NOT_APPROVED else progress_of(batch)),
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


@blueprint.post("/batches/<int:batch_id>/submit")
@guard.needs(*PREPARERS)
def submit(batch_id: int) -> ResponseReturnValue:
    """Hand a batch over for approval."""
    return step(batch_id, lambda batch: service.submit(batch=batch, staff=guard.current_staff()))


@blueprint.post("/batches/<int:batch_id>/take-back")
@guard.needs(*PREPARERS)
def take_back(batch_id: int) -> ResponseReturnValue:
    """Take a batch back that waits for approval."""
    return step(batch_id, lambda batch: service.take_back(batch=batch, staff=guard.current_staff()))


@blueprint.post("/batches/<int:batch_id>/approve")
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


@blueprint.post("/batches/<int:batch_id>/refuse")
@guard.needs(*APPROVERS)
def refuse(batch_id: int) -> ResponseReturnValue:
    """Send a batch back with a note."""
    form = forms.NoteForm(prefix="refuse-")
    return step(
        batch_id,
        lambda batch: service.refuse(batch=batch, staff=guard.current_staff(), note=form.note.data),
        refuse_form=form,
    )


@blueprint.post("/batches/<int:batch_id>/withdraw")
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
    flash(_("Done: the batch is now “%(state)s”.", state=forms.STATE_LABELS[batch.state]), "good")
    return redirect(url_for(".show_batch", batch_id=batch_id))
