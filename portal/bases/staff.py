"""Staff pages of the laws: the list, the upload of a text with its preview, and what is said of each text."""

import re
from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.accounts import guard
from portal.accounts.models import Role
from portal.bases import forms, importer, queries, rules, service
from portal.bases.models import BasisStatus
from portal.cli import current_settings
from portal.errors import NotFound, Refusal
from portal.fields import one_line, saved
from portal.paging import page_number
from portal.spreadsheets import keep_upload

blueprint = Blueprint("bases", __name__, url_prefix="/bases")

keepers_only = guard.needs(Role.SUPERVISOR)
TOKEN = re.compile(r"new-[0-9a-f]{32}")
FACTS = ("level", "issuer", "document_number", "effective_on", "ended_on")


@blueprint.get("/")
@keepers_only
def index() -> str:
    """List the texts, the newest version of each, or those that stand in some way."""
    keyword = one_line(request.args.get("q"))[:60]
    standing = next((item for item in rules.Standing if item == request.args.get("status")), None)
    number = page_number(request.args.get("page"))
    page = queries.list_bases(keyword=keyword, level="", standing=standing, on=clock.today(), number=number)
    return render_template(
        "staff/bases/index.html",
        page=page,
        keyword=keyword,
        standing=standing,
        standing_of=lambda basis: queries.standing_of(basis, clock.today()),
        standing_labels=forms.STANDING_LABELS,
        standing_tones=forms.STANDING_TONES,
        level_labels=forms.LEVEL_LABELS,
    )


@blueprint.route("/<int:basis_id>", methods=["GET", "POST"])
@keepers_only
def edit(basis_id: int) -> ResponseReturnValue:
    """Show what is said of a text, and change it."""
    basis = service.get_text(basis_id, lock=request.method == "POST")
    data = {name: getattr(basis, name) for name in FACTS}
    data |= {"status": basis.status.value, "replaced_by": basis.replaced_by_id or 0, "seen": service.stamp(basis)}
    form = forms.FactsForm(data=data)
    others = [SelectChoice(row.id, row.title) for row in queries.list_titles() if row.id != basis_id]
    form.replaced_by.choices = [SelectChoice(0, _("Nothing, or no text that is here")), *others]

    def save() -> None:
        facts = service.Facts(
            level=form.level.data or "",
            issuer=form.issuer.data or "",
            document_number=form.document_number.data or "",
            effective_on=form.effective_on.data,
            status=BasisStatus(form.status.data),
            ended_on=form.ended_on.data,
            replaced_by_id=form.replaced_by.data or None,
        )
        service.set_facts(basis=basis, facts=facts, seen=form.seen.data or "", staff_id=guard.current_staff().id)

    if saved(form, save):
        flash(_("Saved."), "good")
        return redirect(url_for(".edit", basis_id=basis_id), 303)
    basis = service.get_text(basis_id)
    page = render_template(
        "staff/bases/edit.html",
        form=form,
        basis=basis,
        chapters=rules.chapters(basis.articles),
        versions=queries.list_versions(basis, clock.today()),
        standing_labels=forms.STANDING_LABELS,
    )
    return page, 422 if form.is_submitted() else 200


def folder() -> Path:
    """Return where uploads wait for their preview to be agreed to; they are kept for a day."""
    found = current_settings().data_dir / "imports" / "bases"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


@blueprint.route("/upload", methods=["GET", "POST"])
@keepers_only
def upload() -> ResponseReturnValue:
    """Take the text of a law and lead to its preview."""
    form = forms.UploadForm()
    tokens: list[str] = []

    def save() -> None:
        sent = keep_upload(form.file.data, folder())
        # Its name may say of which day the version is.
        sent.path.with_suffix(".name").write_text(sent.name, encoding="utf-8")
        read_kept(sent.path.name)
        tokens.append(sent.path.name)

    if saved(form, save):
        return redirect(url_for(".preview", token=tokens[0]), 303)
    return render_template("staff/bases/upload.html", form=form), 422 if form.is_submitted() else 200


def read_kept(token: str) -> importer.Source:
    """Return an upload as read; raises NotFound when it is no longer kept, Refusal when it is no text of a law."""
    path = folder() / token
    if not TOKEN.fullmatch(token) or not path.is_file():
        raise NotFound(_l("Uploaded files are kept for one day. Upload the file again."))
    outcome = importer.Outcome()
    name = path.with_suffix(".name").read_text(encoding="utf-8")
    source = importer.read_source(1, path, name, outcome)
    if source is None:
        path.unlink(missing_ok=True)
        raise Refusal(outcome.rejected[0]["reason"], field="file")
    return source


@blueprint.route("/upload/<token>", methods=["GET", "POST"])
@keepers_only
def preview(token: str) -> ResponseReturnValue:
    """Show what was recognised in an upload, and publish it once that is agreed to."""
    source = read_kept(token)
    parsed, work = source.parsed, rules.make_work(source.parsed.title)
    form = forms.ConfirmForm(data={"version_on": parsed.version_on, "work": work})
    works = dict.fromkeys([work, *queries.list_works()])
    form.work.choices = [SelectChoice(item, item) for item in works]
    outcome, written = importer.Outcome(), []

    def save() -> None:
        parsed.version_on = form.version_on.data
        staff_id = guard.current_staff().id
        basis = importer.import_source(source, outcome, work=form.work.data or work, staff_id=staff_id)
        if basis is None:
            raise Refusal(outcome.rejected[0]["reason"], field="version_on")
        written.append(basis.id)

    if saved(form, save):
        for path in (folder() / token, (folder() / token).with_suffix(".name")):
            path.unlink(missing_ok=True)
        flash(_("The text is published.") if not outcome.unchanged else _("This text was published already."), "good")
        return redirect(url_for(".edit", basis_id=written[0]), 303)
    page = render_template(
        "staff/bases/preview.html",
        form=form,
        parsed=parsed,
        is_known=work in queries.list_works(),
        chapters=rules.chapters(parsed.articles),
        oddities=forms.list_oddities(parsed.oddities),
        level_labels=forms.LEVEL_LABELS,
    )
    return page, 422 if form.is_submitted() else 200
