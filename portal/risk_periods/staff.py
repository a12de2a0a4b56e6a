"""Staff pages of the high-risk periods: the year, and one period."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.calendar.queries import get_calendar
from portal.db import db
from portal.errors import Forbidden, Refusal
from portal.organs.queries import list_names
from portal.paging import page_number, whole_number
from portal.risk_periods import forms, queries, rules, service
from portal.risk_periods.guard import PREPARERS, may
from portal.risk_periods.models import RiskPeriod

blueprint = Blueprint("risk_periods", __name__, url_prefix="/risk-periods")


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
    return redirect(url_for("staff.risk_batches.show", batch_id=batch.id))
