"""Staff pages of organs and their yearly recognition; the legal office keeps them."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.db import db
from portal.errors import Message, Refusal
from portal.fields import one_line, saved
from portal.organs import forms, queries, rules, service
from portal.organs.models import Organ, OrganKind, Recognition
from portal.paging import page_number

blueprint = Blueprint("organs", __name__, url_prefix="/organs")

keepers_only = guard.needs(Role.SUPERVISOR)
STATES = ("current", "ended", "unconfirmed")
TEXTS = ("slug", "name", "name_en", "short_name", "legal_ground", "address", "phone")


@blueprint.get("/")
@keepers_only
def index() -> str:
    """List the organs: those that exist, those that have ended, those that only an imported row has named."""
    args = request.args
    state, keyword = args.get("state", ""), one_line(args.get("q"))[:100]
    state = state if state in STATES else "current"
    page = queries.list_for_staff(keyword=keyword, state=state, on=clock.today(), number=page_number(args.get("page")))
    return render_template(
        "staff/organs/index.html",
        page=page,
        state=state,
        keyword=keyword,
        unconfirmed=queries.count_unconfirmed(),
        kind_labels=forms.KIND_LABELS,
        address=lambda number: url_for("staff.organs.index", state=state, q=keyword or None, page=number),
    )


@blueprint.get("/<int:organ_id>")
@keepers_only
def show(organ_id: int) -> str:
    """Show one organ and what can be done with it."""
    organ = queries.get_organ_by_id(organ_id)
    return render_template(
        "staff/organs/show.html",
        organ=organ,
        officers=queries.count_valid_officers(organ_id, on=clock.today()),
        left=queries.count_officers(organ_id),
        predecessors=queries.list_predecessors(organ_id),
        years=queries.list_years(organ_id),
        kind_labels=forms.KIND_LABELS,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@keepers_only
def new() -> ResponseReturnValue:
    """Enter an organ."""
    form = forms.OrganForm()

    def save() -> Organ:
        return service.enter_organ(content=read_form(form), staff_id=guard.current_staff().id)

    return edit_page(form, save, _("The organ is entered."))


@blueprint.route("/<int:organ_id>/edit", methods=["GET", "POST"])
@keepers_only
def edit(organ_id: int) -> ResponseReturnValue:
    """Correct an organ; one that only an imported row has named is confirmed by it."""
    organ = queries.get_organ_by_id(organ_id, lock=request.method == "POST")
    form = forms.OrganForm(data=form_data(organ))

    def save() -> Organ:
        service.update_organ(organ=organ, content=read_form(form), staff_id=guard.current_staff().id)
        return organ

    return edit_page(form, save, _("The organ is saved."), organ=organ)


@blueprint.route("/<int:organ_id>/rename", methods=["GET", "POST"])
@keepers_only
def rename(organ_id: int) -> ResponseReturnValue:
    """Enter an organ's new name; the old one ends on the day before and keeps its page."""
    organ = queries.get_organ_by_id(organ_id, lock=request.method == "POST")
    form = forms.RenameForm(data=form_data(organ) | {"slug": "", "valid_from": clock.today()})

    def save() -> Organ:
        return service.rename_organ(organ=organ, content=read_form(form), staff_id=guard.current_staff().id)

    return edit_page(form, save, _("The organ goes on under its new name."), organ=organ, renaming=True)


def edit_page(form: forms.OrganForm, save: Callable[[], Organ], done: Message, **shown: Any) -> ResponseReturnValue:
    """Show the form of an organ, or save what was typed and go on to the organ."""
    found: list[Organ] = []
    if saved(form, lambda: found.append(save())):
        flash(str(done), "good")
        return redirect(url_for(".show", organ_id=found[0].id))
    shown = {"organ": None, "renaming": False} | shown
    return render_template("staff/organs/edit.html", form=form, **shown), 422 if form.is_submitted() else 200


def form_data(organ: Organ) -> dict[str, Any]:
    """Return an organ as its form shows it."""
    values = {name: getattr(organ, name) for name in (*TEXTS, "credit_code", "valid_from")}
    return values | {"kind": organ.kind.value}


def read_form(form: forms.OrganForm) -> service.Content:
    """Return what was typed."""
    texts = {name: getattr(form, name).data or "" for name in TEXTS}
    return service.Content(
        **texts,
        kind=OrganKind(form.kind.data),
        credit_code=form.credit_code.data or None,
        valid_from=form.valid_from.data,
    )


@blueprint.route("/<int:organ_id>/end", methods=["GET", "POST"])
@keepers_only
def end(organ_id: int) -> ResponseReturnValue:
    """Let an organ end, followed by another or by none."""
    organ = queries.get_organ_by_id(organ_id, lock=request.method == "POST")
    form = forms.EndForm(data={"last_day": organ.valid_to or clock.today(), "successor": organ.successor_id or 0})
    form.successor.choices = [
        SelectChoice(0, _("No organ")),
        *(SelectChoice(row.id, row.name) for row in queries.list_names() if row.id != organ_id),
    ]

    def save() -> None:
        assert form.last_day.data
        service.end_organ(
            organ=organ,
            last_day=form.last_day.data,
            successor_id=form.successor.data or None,
            staff_id=guard.current_staff().id,
        )

    if saved(form, save):
        flash(_("The last day is entered."), "good")
        return redirect(url_for(".show", organ_id=organ_id))
    return render_template("staff/organs/end.html", form=form, organ=organ), 422 if form.is_submitted() else 200


@blueprint.post("/<int:organ_id>/reopen")
@keepers_only
def reopen(organ_id: int) -> ResponseReturnValue:
    """Take back that an organ ends."""
    service.reopen_organ(organ=queries.get_organ_by_id(organ_id, lock=True), staff_id=guard.current_staff().id)
    flash(_("The organ goes on."), "good")
    db.session.commit()
    return redirect(url_for(".show", organ_id=organ_id))


@blueprint.post("/<int:organ_id>/pass-on")
@keepers_only
def pass_on(organ_id: int) -> ResponseReturnValue:
    """Let the officers of an organ that has ended belong to the one that follows it."""
    organ = queries.get_organ_by_id(organ_id, lock=True)
    try:
        count = service.pass_on_officers(organ=organ, staff_id=guard.current_staff().id)
    except Refusal as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
    else:
        flash(_("Officers passed on: %(count)d.", count=count), "good")
        db.session.commit()
    return redirect(url_for(".show", organ_id=organ_id))


@blueprint.get("/recognitions")
@keepers_only
def recognitions() -> str:
    """List the yearly announcements."""
    page = queries.list_recognitions(page_number(request.args.get("page")))
    return render_template("staff/organs/recognitions.html", page=page)


@blueprint.route("/recognitions/new", methods=["GET", "POST"])
@keepers_only
def announce() -> ResponseReturnValue:
    """Announce the organs of a year; those that exist are chosen to begin with."""
    today = clock.today()
    living = [row.id for row in queries.load_organs().values() if row.confirmed and not row.valid_to]
    form = forms.RecognitionForm(data={"year": today.year, "announced_on": today, "organs": living})
    return recognition_page(form, None)


@blueprint.route("/recognitions/<int:year>", methods=["GET", "POST"])
@keepers_only
def correct(year: int) -> ResponseReturnValue:
    """Correct the announcement of a year."""
    found = queries.get_recognition(year)
    data = {name: getattr(found, name) for name in ("year", "title", "issuer", "document_number")}
    data |= {"announced_on": found.announced_on, "body": found.body, "organs": [n.organ_id for n in found.organs]}
    return recognition_page(forms.RecognitionForm(data=data), found)


def recognition_page(form: forms.RecognitionForm, found: Recognition | None) -> ResponseReturnValue:
    """Show the form of an announcement, or save what was typed and go on to the public page."""
    form.organs.choices = [SelectChoice(row.id, row.name) for row in queries.list_names()]

    def save() -> None:
        said, staff_id = read_announcement(form), guard.current_staff().id
        if found is None:
            service.announce(announcement=said, staff_id=staff_id)
        else:
            service.correct_announcement(recognition=found, announcement=said, staff_id=staff_id)

    if saved(form, save):
        flash(_("The announcement is published."), "good")
        return redirect(url_for(".recognitions"))
    page = render_template("staff/organs/recognition.html", form=form, recognition=found, limits=rules)
    return page, 422 if form.is_submitted() else 200


def read_announcement(form: forms.RecognitionForm) -> service.Announcement:
    """Return what was typed."""
    assert form.year.data is not None
    assert form.announced_on.data is not None
    return service.Announcement(
        year=form.year.data,
        title=form.title.data or "",
        announced_on=form.announced_on.data,
        document_number=form.document_number.data or "",
        issuer=form.issuer.data or "",
        body=form.body.data or "",
        organ_ids=form.organs.data or (),
    )
