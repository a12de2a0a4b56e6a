"""Staff pages of officers: the list, one officer, a sheet of cards to print, and the import of a spreadsheet."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.cli import current_settings
from portal.db import db
from portal.errors import Refusal
from portal.fields import one_line, saved
from portal.officers import forms, importer, queries, service
from portal.organs.models import Officer
from portal.organs.queries import card_of, get_organ_by_id, list_names, load_organs
from portal.paging import page_number, whole_number
from portal.registers import Outcome, read_upload

blueprint = Blueprint("officers", __name__, url_prefix="/officers")

keepers_only = guard.needs(Role.SUPERVISOR)
STATES = ("valid", "suspended", "ended")


@blueprint.get("/")
@keepers_only
def index() -> str:
    """List the officers."""
    args = request.args
    organ, keyword, state = whole_number(args.get("organ")), one_line(args.get("q"))[:100], args.get("state", "")
    found = queries.list_officers(
        organ_id=organ,
        keyword=keyword,
        state=state if state in STATES else "",
        on=clock.today(),
        number=page_number(args.get("page")),
    )
    kept = {name: args[name] for name in ("organ", "q", "state") if args.get(name)}

    def address(number: int) -> str:
        return url_for("staff.officers.index", **kept, page=number)  # type: ignore[arg-type]

    return render_template(
        "staff/officers/index.html",
        page=found,
        cards={officer.id: card_of(officer, on=clock.today()) for officer in found.items},
        organs=list_names(),
        organ=organ,
        keyword=keyword,
        state=state,
        filtered=bool(kept),
        address=address,
        state_labels=forms.STATE_LABELS,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@keepers_only
def new() -> ResponseReturnValue:
    """Enter an officer."""
    form = make_form({"organ": whole_number(request.args.get("organ")), "valid_from": clock.today()})

    def save() -> None:
        values = read_form(form)
        service.add_officer(card_number=form.card_number.data or "", staff_id=guard.current_staff().id, **values)

    if saved(form, save):
        flash(_("The officer is entered."), "good")
        return redirect(url_for(".index", organ=form.organ.data))
    return render_template("staff/officers/new.html", form=form), 422 if form.is_submitted() else 200


@blueprint.route("/<int:officer_id>", methods=["GET", "POST"])
@keepers_only
def show(officer_id: int) -> ResponseReturnValue:
    """Show an officer and take changes."""
    officer = queries.get_officer(officer_id, lock=request.method == "POST")
    form = make_form(form_data(officer), officer)

    def save() -> None:
        service.update_officer(officer=officer, staff_id=guard.current_staff().id, **read_form(form))

    if saved(form, save):
        flash(_("The officer is saved."), "good")
        return redirect(url_for(".show", officer_id=officer_id))
    return officer_page(officer_id, form), 422 if form.is_submitted() else 200


def officer_page(officer_id: int, form: forms.OfficerForm, suspend_form: forms.SuspendForm | None = None) -> str:
    """Return the page of an officer, with a form that was sent and refused."""
    officer = queries.get_officer(officer_id)
    return render_template(
        "staff/officers/show.html",
        officer=officer,
        card=card_of(officer, on=clock.today()),
        form=form,
        suspend_form=suspend_form or forms.SuspendForm(formdata=None, since=clock.today()),
        state_labels=forms.STATE_LABELS,
    )


@blueprint.post("/<int:officer_id>/suspend")
@keepers_only
def suspend(officer_id: int) -> ResponseReturnValue:
    """Suspend a card."""
    officer = queries.get_officer(officer_id, lock=True)
    form = forms.SuspendForm()

    def save() -> None:
        assert form.since.data
        service.suspend(officer=officer, since=form.since.data, staff_id=guard.current_staff().id)

    if saved(form, save):
        flash(_("The card is suspended."), "good")
        return redirect(url_for(".show", officer_id=officer_id))
    db.session.rollback()
    kept = make_form(form_data(queries.get_officer(officer_id)), sent=False)
    return officer_page(officer_id, kept, form), 422


@blueprint.post("/<int:officer_id>/resume")
@keepers_only
def resume(officer_id: int) -> ResponseReturnValue:
    """Let a suspended card count again."""
    try:
        service.resume(officer=queries.get_officer(officer_id, lock=True), staff_id=guard.current_staff().id)
    except Refusal as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
    else:
        flash(_("The card counts again."), "good")
        db.session.commit()
    return redirect(url_for(".show", officer_id=officer_id))


def make_form(data: dict[str, Any], officer: Officer | None = None, *, sent: bool = True) -> forms.OfficerForm:
    """Return the form of an officer; organs that have ended can only be kept."""
    form = forms.OfficerForm(data=data) if sent else forms.OfficerForm(formdata=None, data=data)
    today, kept = clock.today(), officer.organ_id if officer else None
    form.organ.choices = [
        SelectChoice(row.id, row.name)
        for row in load_organs().values()
        if row.id == kept or (row.confirmed and (row.valid_to is None or row.valid_to >= today))
    ]
    if officer is not None:
        # It names the card; another number is another card.
        form.card_number.data = officer.card_number
    return form


def form_data(officer: Officer) -> dict[str, Any]:
    """Return an officer as their form shows them."""
    return {name: getattr(officer, name) for name in service.COLUMNS} | {
        "organ": officer.organ_id,
        "card_number": officer.card_number,
    }


def read_form(form: forms.OfficerForm) -> dict[str, Any]:
    """Return what was typed."""
    values = {name: getattr(form, name).data for name in service.COLUMNS}
    return values | {"organ": get_organ_by_id(form.organ.data), "category": form.category.data or ""}


@blueprint.get("/cards")
@keepers_only
def cards() -> str:
    """Show valid cards as a sheet to print, each with the code that opens its check page."""
    args = request.args
    organ_id, officer_id = whole_number(args.get("organ")), whole_number(args.get("officer"))
    number = page_number(args.get("page"))
    page = queries.list_cards(organ_id=organ_id, officer_id=officer_id, on=clock.today(), number=number)
    return render_template(
        "staff/officers/cards.html",
        page=page,
        codes=[(officer, *draw_code(officer.card_number)) for officer in page.items],
        address=lambda n: url_for("staff.officers.cards", organ=organ_id, officer=officer_id, page=n),
    )


def draw_code(card_number: str) -> tuple[str, str]:
    """Return the address that checks a card, and its QR code as the address of a picture."""
    # Only this page draws codes.
    import segno

    address = f"{current_settings().public_url}{url_for('organs.check')}?number={quote(card_number)}"
    return address, str(segno.make(address, error="m", micro=False).svg_data_uri(scale=3, light="#fff", border=4))


@blueprint.route("/import", methods=["GET", "POST"])
@keepers_only
def upload() -> ResponseReturnValue:
    """Take a spreadsheet of officers and tell what became of its rows."""
    return import_page(
        forms.UploadForm(), lambda sent: importer.enter_officers(sent, staff_id=guard.current_staff().id)
    )


def import_page(form: forms.UploadForm, enter: Callable[[Any], Outcome]) -> ResponseReturnValue:
    """Show the form of an import, or what became of the rows."""
    outcome: list[Outcome] = []

    def save() -> None:
        outcome.append(enter(read_upload(form.file.data, importer.COLUMNS, importer.REQUIRED)))

    done = saved(form, save)
    status = 422 if form.is_submitted() and not done else 200
    return render_template("staff/officers/import.html", form=form, outcome=outcome[0] if done else None), status
