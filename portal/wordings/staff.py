"""What texts say: the shipped words or a city's own, counted as they are written, and what providers have approved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import guard
from portal.accounts.models import Role
from portal.cli import current_settings
from portal.db import db
from portal.errors import Conflict, NotFound
from portal.i18n import LOCALES
from portal.wordings import forms, queries, rules, service
from portal.wordings.models import Approval, ProviderTemplate

blueprint = Blueprint("wordings", __name__, url_prefix="/wordings")


@dataclass(frozen=True)
class Shown:
    """A text in one language, as the list shows it."""

    locale: str
    sample: queries.Sample
    own: bool
    templates: Sequence[tuple[str, ProviderTemplate | None]]


@blueprint.get("/")
@guard.needs(Role.SUPERVISOR)
def index() -> ResponseReturnValue:
    """Show every text in every language, with its cost and where the providers stand."""
    bodies, templates = queries.Bodies(), queries.list_templates()
    in_use = {provider for provider, _name, _locale in templates} | set(current_settings().sms_providers)
    providers = [provider for provider in rules.TEMPLATED if provider in in_use]
    groups: dict[str, list[tuple[rules.Text, list[Shown]]]] = {}
    for text in rules.TEXTS.values():
        shown = [
            Shown(
                locale,
                queries.write_sample(text, bodies.source(text.name, locale), locale),
                (text.name, locale) in bodies.own,
                [(provider, templates.get((provider, text.name, locale))) for provider in providers],
            )
            for locale in LOCALES
        ]
        groups.setdefault(text.group, []).append((text, shown))
    return render_template("staff/wordings/index.html", groups=groups, words=forms)


@blueprint.route("/<name>/<locale>", methods=["GET", "POST"])
@guard.needs(Role.SUPERVISOR)
def edit(name: str, locale: str) -> ResponseReturnValue:
    """Show a text and take a city's own body of it; a preview counts what was typed and saves nothing."""
    text = queries.get_text(name, locale)
    form = forms.BodyForm(text, locale)
    if not form.is_submitted():
        return show_text(text, locale, start_body(text, locale))
    valid = form.validate()
    if request.form.get("go") != "save" or not valid:
        return show_text(text, locale, form, status=200 if valid else 422)
    place: dict[str, Any] = {"name": name, "locale": locale, "staff_id": guard.current_staff().id}
    try:
        service.set_body(**place, body=form.body.data, seen=form.seen.data or "")
    except Conflict as refusal:
        db.session.rollback()
        return show_text(text, locale, conflicting_body(text, locale, form, refusal), status=409)
    flash(_("Saved. Messages that are sent from now on say this."), "good")
    db.session.commit()
    return redirect(url_for("staff.wordings.edit", name=name, locale=locale), 303)


@blueprint.post("/<name>/<locale>/restore")
@guard.needs(Role.SUPERVISOR)
def restore(name: str, locale: str) -> ResponseReturnValue:
    """Go back to the shipped text."""
    text = queries.get_text(name, locale)
    form = forms.BodyForm(text, locale)
    try:
        service.restore_body(name=name, locale=locale, seen=form.seen.data or "", staff_id=guard.current_staff().id)
    except Conflict as refusal:
        db.session.rollback()
        flash(str(refusal.message), "warn")
    else:
        flash(_("The shipped text is sent again."), "good")
        db.session.commit()
    return redirect(url_for("staff.wordings.edit", name=name, locale=locale), 303)


def start_body(text: rules.Text, locale: str) -> forms.BodyForm:
    """Return a form that holds the body in force."""
    wording = queries.find_wording(text.name, locale)
    body = wording.body if wording else queries.get_shipped(text.name, locale)
    return forms.BodyForm(text, locale, formdata=None, data={"body": body, "seen": service.seen_mark(wording)})


def conflicting_body(text: rules.Text, locale: str, form: forms.BodyForm, refusal: Conflict) -> forms.BodyForm:
    """Return what was typed over what somebody else has saved meanwhile."""
    kept = start_body(text, locale)
    kept.body.data = form.body.data
    kept.body.errors = [refusal.message]
    return kept


def show_text(text: rules.Text, locale: str, form: forms.BodyForm, *, status: int = 200) -> ResponseReturnValue:
    """Return the page of a text in one language."""
    source = form.body.data or ""
    found = [(provider, queries.find_template(provider, text.name, locale)) for provider in rules.TEMPLATED]
    page = render_template(
        "staff/wordings/edit.html",
        text=text,
        text_locale=locale,
        locales=LOCALES,
        form=form,
        wording=queries.find_wording(text.name, locale),
        sample=queries.write_sample(text, source, locale),
        longest=queries.write_sample(text, source, locale, long=True),
        usual=queries.sample_values(text, locale),
        long=queries.sample_values(text, locale, long=True),
        templates=found,
        differing={provider for provider, template in found if is_differing(template)},
        links=text.known(rules.Kind.LINK) & set(rules.VARIABLE.findall(source)),
        words=forms,
    )
    return page, status


def is_differing(template: ProviderTemplate | None) -> bool:
    """Whether a provider sends other words than the city's own."""
    return template is not None and template.status is Approval.APPROVED and queries.differs(template)


@blueprint.route("/<name>/<locale>/<provider>", methods=["GET", "POST"])
@guard.needs(Role.SUPERVISOR)
def template(name: str, locale: str, provider: str) -> ResponseReturnValue:
    """Show what a provider has on file for a text, and note what it says of it."""
    text = queries.get_text(name, locale)
    if provider not in rules.TEMPLATED:
        raise NotFound("")
    form = forms.TemplateForm(text)
    if not form.is_submitted():
        return show_template(text, locale, provider, start_template(text, locale, provider))
    if not form.validate():
        return show_template(text, locale, provider, form, status=422)
    filing = service.Filing(
        body=form.body.data,
        template_id=form.template_id.data,
        status=Approval(form.status.data),
        decided_on=form.decided_on.data,
        note=form.note.data,
    )
    place: dict[str, Any] = {"provider": provider, "name": name, "locale": locale}
    try:
        service.file_template(**place, filing=filing, seen=form.seen.data or "", staff_id=guard.current_staff().id)
    except Conflict as refusal:
        db.session.rollback()
        return show_template(
            text, locale, provider, refused_template(text, locale, provider, form, refusal), status=409
        )
    flash(_("Saved."), "good")
    db.session.commit()
    return redirect(url_for("staff.wordings.template", **place), 303)


def start_template(text: rules.Text, locale: str, provider: str) -> forms.TemplateForm:
    """Return a form that holds what is on file, or what to hand in."""
    found = queries.find_template(provider, text.name, locale)
    data: dict[str, Any] = {"body": queries.suggested_template(text, locale), "seen": service.seen_mark(found)}
    if found is not None:
        data |= {name: getattr(found, name) for name in ("body", "template_id", "decided_on", "note")}
        data["status"] = found.status.value
    return forms.TemplateForm(text, formdata=None, data=data)


def refused_template(
    text: rules.Text, locale: str, provider: str, form: forms.TemplateForm, refusal: Conflict
) -> forms.TemplateForm:
    """Return what was typed with the reason why it cannot be noted, over what is on file now."""
    kept = start_template(text, locale, provider)
    for name in ("body", "template_id", "status", "decided_on", "note"):
        kept[name].data = form[name].data
    kept[refusal.field or "body"].errors = [refusal.message]
    return kept


def show_template(
    text: rules.Text, locale: str, provider: str, form: forms.TemplateForm, *, status: int = 200
) -> ResponseReturnValue:
    """Return the page of what a provider has on file for a text."""
    found = queries.find_template(provider, text.name, locale)
    longest, long = queries.variable_length(provider), queries.sample_values(text, locale, long=True)
    differs = is_differing(found)
    # Where another text is to take the approved one's place, that is what to type next.
    handed_in = queries.suggested_template(text, locale) if differs else form.body.data or ""
    names = [name for name in dict.fromkeys(rules.VARIABLE.findall(handed_in)) if name in text.known()]
    page = render_template(
        "staff/wordings/template.html",
        text=text,
        text_locale=locale,
        locales=LOCALES,
        provider=provider,
        form=form,
        template=found,
        differs=differs,
        console=rules.console_body(provider, handed_in),
        names=names,
        usual=queries.sample_values(text, locale),
        longest=longest,
        too_long=[name for name in names if len(long.get(name, "")) > longest],
        words=forms,
    )
    return page, status
