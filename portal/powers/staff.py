"""Staff pages of the power list: items, the articles they rest on, transfers, and the import of a spreadsheet."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.bases.rules import article_key, parse_article_key
from portal.db import db
from portal.fields import one_line, saved
from portal.organs.queries import lives_of, load_organs
from portal.paging import page_number
from portal.powers import forms, importer, queries, service
from portal.powers.models import PowerCategory, PowerItem, PowerTransfer
from portal.registers import Outcome, read_upload

blueprint = Blueprint("powers", __name__, url_prefix="/powers")

keepers_only = guard.needs(Role.SUPERVISOR)
VIEWS = ("current", "unsound", "ended")
COLUMNS = ("code", "name", "post", "basis_text", "valid_from", "valid_to")


@blueprint.get("/")
@keepers_only
def index() -> str:
    """List the powers: those of today, those whose ground needs a look, those that are over."""
    args = request.args
    view, keyword = args.get("view", ""), one_line(args.get("q"))[:100]
    view = view if view in VIEWS else "current"
    page = queries.list_for_staff(keyword=keyword, view=view, number=page_number(args.get("page")))
    return render_template(
        "staff/powers/index.html",
        page=page,
        view=view,
        keyword=keyword,
        unsound=queries.count_unsound(),
        organs=load_organs(),
        category_labels=forms.CATEGORY_LABELS,
        address=lambda number: url_for("staff.powers.index", view=view, q=keyword or None, page=number),
    )


@blueprint.get("/<int:item_id>")
@keepers_only
def show(item_id: int) -> str:
    """Show one power and what can be done with it."""
    return item_page(item_id, make_ground_form(sent=False))


def item_page(item_id: int, form: forms.GroundForm) -> str:
    """Return the page of a power, with a form that was sent and refused."""
    item = queries.get_item_by_id(item_id)
    organs = load_organs()
    return render_template(
        "staff/powers/show.html",
        item=item,
        form=form,
        organs=organs,
        holdings=queries.list_holdings(item, lives_of(organs)),
        transfers={transfer.id: transfer for transfer in item.transfers},
        article_key=article_key,
        category_labels=forms.CATEGORY_LABELS,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@keepers_only
def new() -> ResponseReturnValue:
    """Enter a power."""
    return edit_page(make_form(None), None)


@blueprint.route("/<int:item_id>/edit", methods=["GET", "POST"])
@keepers_only
def edit(item_id: int) -> ResponseReturnValue:
    """Change a power, or let it end."""
    item = queries.get_item_by_id(item_id, lock=request.method == "POST")
    return edit_page(make_form(item), item)


def edit_page(form: forms.ItemForm, item: PowerItem | None) -> ResponseReturnValue:
    """Show the form of a power, or save what was typed and go on to it."""
    found: list[PowerItem] = []

    def save() -> None:
        content, staff_id = read_form(form), guard.current_staff().id
        if item is None:
            found.append(service.create_item(content=content, staff_id=staff_id))
        else:
            service.update_item(item=item, content=content, staff_id=staff_id)
            found.append(item)

    if saved(form, save):
        flash(_("The item is saved."), "good")
        return redirect(url_for(".show", item_id=found[0].id))
    return render_template("staff/powers/edit.html", form=form, item=item), 422 if form.is_submitted() else 200


def make_form(item: PowerItem | None) -> forms.ItemForm:
    """Return the form of a power."""
    data: dict[str, Any] = {name: getattr(item, name) for name in COLUMNS} if item else {}
    data |= {"category": item.category.value, "organ": item.organ_id} if item else {}
    form = forms.ItemForm(data=data)
    form.organ.choices = list_choices(item.organ_id if item else None)
    return form


def list_choices(*kept: int | None) -> list[SelectChoice]:
    """Return the organs to choose from: confirmed ones, and those that a record names already."""
    return [SelectChoice(row.id, row.name) for row in load_organs().values() if row.confirmed or row.id in kept]


def read_form(form: forms.ItemForm) -> service.Content:
    """Return what was typed."""
    return service.Content(
        code=form.code.data or "",
        name=form.name.data or "",
        category=PowerCategory(form.category.data),
        organ_id=form.organ.data,
        post=form.post.data or "",
        basis_text=form.basis_text.data or "",
        valid_from=form.valid_from.data,
        valid_to=form.valid_to.data,
    )


@blueprint.post("/<int:item_id>/grounds")
@keepers_only
def add_ground(item_id: int) -> ResponseReturnValue:
    """Let a power rest on an article."""
    item = queries.get_item_by_id(item_id, lock=True)
    form = make_ground_form(sent=True)

    def save() -> None:
        place = parse_article_key(form.article.data or "")
        service.add_ground(item=item, basis_id=form.basis.data, place=place, staff_id=guard.current_staff().id)

    if saved(form, save):
        flash(_("The article is entered."), "good")
        return redirect(url_for(".show", item_id=item_id))
    return item_page(item_id, form), 422


def make_ground_form(*, sent: bool) -> forms.GroundForm:
    """Return the form of a ground, with the texts in force."""
    form = forms.GroundForm() if sent else forms.GroundForm(formdata=None)
    form.basis.choices = [
        SelectChoice(row.id, f"{row.title} ({row.version_on})" if row.version_on else row.title)
        for row in queries.list_citable()
    ]
    return form


@blueprint.post("/<int:item_id>/grounds/<int:ground_id>/remove")
@keepers_only
def remove_ground(item_id: int, ground_id: int) -> ResponseReturnValue:
    """Let a power no longer rest on an article."""
    return take_out(item_id, service.remove_ground, _("The article is taken out."), ground_id=ground_id)


def take_out(item_id: int, remove: Callable[..., None], said: str, **part: int) -> ResponseReturnValue:
    """Take a part out of a power and go back to it."""
    item = queries.get_item_by_id(item_id, lock=True)
    remove(item=item, staff_id=guard.current_staff().id, **part)
    flash(said, "good")
    db.session.commit()
    return redirect(url_for(".show", item_id=item_id))


@blueprint.route("/<int:item_id>/transfers/new", methods=["GET", "POST"])
@keepers_only
def add_transfer(item_id: int) -> ResponseReturnValue:
    """Give a power to another organ."""
    item = queries.get_item_by_id(item_id, lock=request.method == "POST")
    return transfer_page(forms.TransferForm(data={"since": clock.today()}), item, None)


@blueprint.route("/<int:item_id>/transfers/<int:transfer_id>", methods=["GET", "POST"])
@keepers_only
def edit_transfer(item_id: int, transfer_id: int) -> ResponseReturnValue:
    """Change a transfer, or let it end."""
    item = queries.get_item_by_id(item_id, lock=request.method == "POST")
    transfer = service.get_transfer(item, transfer_id)
    names = ("since", "until", "document_number", "note")
    data = {name: getattr(transfer, name) for name in names} | {"organ": transfer.organ_id}
    return transfer_page(forms.TransferForm(data=data), item, transfer)


def transfer_page(form: forms.TransferForm, item: PowerItem, transfer: PowerTransfer | None) -> ResponseReturnValue:
    """Show the form of a transfer, or save what was typed and go back to the power."""
    form.organ.choices = list_choices(transfer.organ_id if transfer else None)

    def save() -> None:
        content, staff_id = read_transfer(form), guard.current_staff().id
        if transfer is None:
            service.add_transfer(item=item, content=content, staff_id=staff_id)
        else:
            service.update_transfer(item=item, transfer_id=transfer.id, content=content, staff_id=staff_id)

    item_id = item.id
    if saved(form, save):
        flash(_("The transfer is saved."), "good")
        return redirect(url_for(".show", item_id=item_id))
    page = render_template(
        "staff/powers/transfer.html", form=form, item=queries.get_item_by_id(item_id), transfer=transfer
    )
    return page, 422 if form.is_submitted() else 200


def read_transfer(form: forms.TransferForm) -> service.TransferContent:
    """Return what was typed."""
    assert form.since.data
    return service.TransferContent(
        organ_id=form.organ.data,
        since=form.since.data,
        until=form.until.data,
        document_number=form.document_number.data or "",
        note=form.note.data or "",
    )


@blueprint.post("/<int:item_id>/transfers/<int:transfer_id>/remove")
@keepers_only
def remove_transfer(item_id: int, transfer_id: int) -> ResponseReturnValue:
    """Take out a transfer that was entered by mistake."""
    return take_out(item_id, service.remove_transfer, _("The transfer is taken out."), transfer_id=transfer_id)


@blueprint.route("/import", methods=["GET", "POST"])
@keepers_only
def upload() -> ResponseReturnValue:
    """Take a spreadsheet with a power list and tell what became of its rows."""
    form = forms.UploadForm()
    outcome: list[Outcome] = []

    def save() -> None:
        register = read_upload(form.file.data, importer.COLUMNS, importer.REQUIRED)
        outcome.append(importer.enter_powers(register, staff_id=guard.current_staff().id))

    done = saved(form, save)
    status = 422 if form.is_submitted() and not done else 200
    return render_template("staff/powers/import.html", form=form, outcome=outcome[0] if done else None), status
