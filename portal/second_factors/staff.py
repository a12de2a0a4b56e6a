"""Pages of the second factor: asked for after the password, set up, and switched off."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import guard
from portal.accounts.queries import get_account
from portal.accounts.service import confirm_password
from portal.db import db
from portal.errors import Conflict, Refusal, TooMany
from portal.i18n import moment
from portal.limits import limited
from portal.second_factors import queries, rules, service
from portal.second_factors.forms import CodeForm, ProofForm, RecoveryForm, SetUpForm
from portal.settings import Settings

blueprint = Blueprint("second_factors", __name__)

posted = {"when": lambda: request.method == "POST"}


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@limited("sign-in", **posted)
def check() -> ResponseReturnValue:
    """Ask for a one-time code after the password."""
    return ask(CodeForm(), "code.html", _("The code is not right. Wait for the next one and try again."))


@blueprint.route("/sign-in/recovery", methods=["GET", "POST"])
@limited("sign-in", **posted)
def recover() -> ResponseReturnValue:
    """Ask for a recovery code after the password."""
    return ask(RecoveryForm(), "recovery.html", _("This is none of your recovery codes, or it has been used."))


def ask(form: CodeForm | RecoveryForm, template: str, wrong: str) -> ResponseReturnValue:
    """Let whoever has given their password in when the code is right too."""
    staff = guard.find_waiting()
    if staff is None:
        return redirect(url_for("staff.accounts.sign_in", next=request.args.get("next")))
    if form.validate_on_submit():
        try:
            opens = service.check(staff=staff, typed=form.code.data or "", recovery=isinstance(form, RecoveryForm))
        except TooMany as refusal:
            return show(template, form, locked=refusal)
        if opens:
            answer = guard.enter(staff, second_factor=True)
            db.session.commit()
            return answer
        db.session.commit()
        form.form_errors.append(wrong)
    return show(template, form)


def show(template: str, form: Any, *, locked: TooMany | None = None, **values: Any) -> ResponseReturnValue:
    """Return a page of the second factor with its form, and with what is wrong with it."""
    status = 422 if form.is_submitted() else 200
    if locked is not None:
        when = moment(locked.details["retry_at"])
        form.form_errors.append(_("Too many wrong tries. Try again at %(when)s.", when=when))
        status = locked.status
    return render_template(f"staff/second_factors/{template}", form=form, **values), status


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
def set_up() -> ResponseReturnValue:
    """Show a new secret as a picture and in letters, and put it in use with the first code that it gives."""
    staff, form = guard.current_staff(), SetUpForm()
    if queries.find_factor(staff.id) is not None:
        return redirect(url_for(".manage"))
    offer = service.read_offer(staff, form.offer.data or "") if form.is_submitted() else service.make_offer(staff)
    if form.validate_on_submit():
        try:
            codes = service.set_up(
                staff=staff, session_id=guard.current_session().id, offer=offer, typed=form.code.data or ""
            )
        except Conflict:
            return redirect(url_for(".manage"))
        if codes is not None:
            db.session.commit()
            return show_codes(codes)
        form.form_errors.append(_("The code is not right. Wait for the next one and try again."))
    form.offer.data = offer.sealed
    return show("set_up.html", form, picture=draw(offer), secret=rules.group(rules.spell(offer.secret)))


def draw(offer: service.Offer) -> str:
    """Return the picture that an authenticator reads."""
    # Only this page and receipts draw a code.
    import segno

    settings: Settings = current_app.config["SETTINGS"]
    address = rules.address_of(offer.secret, issuer=settings.city_name, account=guard.current_staff().email)
    return str(segno.make(address, error="m", micro=False).svg_data_uri(scale=4, light="#fff", border=4))


def show_codes(codes: list[str]) -> ResponseReturnValue:
    """Show recovery codes, this once."""
    return render_template("staff/second_factors/codes.html", codes=[rules.group(code) for code in codes])


@blueprint.get("/account/second-factor/manage")
def manage() -> ResponseReturnValue:
    """Show since when the second factor is on, and offer what can be done about it."""
    return show_manage(ProofForm(formdata=None))


def show_manage(form: ProofForm, *, locked: TooMany | None = None) -> ResponseReturnValue:
    """Return the page of a second factor that is on."""
    staff_id = guard.current_staff().id
    factor = queries.find_factor(staff_id)
    if factor is None:
        return redirect(url_for(".set_up"))
    left = queries.count_recovery_codes(staff_id)
    return show("manage.html", form, locked=locked, since=factor.created_at, left=left)


@blueprint.post("/account/second-factor/codes")
def renew_codes() -> ResponseReturnValue:
    """Give new recovery codes for password and code."""
    refused = prove()
    if refused is not None:
        return refused
    codes = service.make_recovery_codes(staff=guard.current_staff())
    db.session.commit()
    return show_codes(codes)


@blueprint.post("/accounts/<int:staff_id>/reset-second-factor")
@guard.needs()
def reset(staff_id: int) -> ResponseReturnValue:
    """Take away the second factor of somebody who has lost phone and codes; they set up another one."""
    staff = get_account(staff_id)
    if staff is guard.current_staff():
        raise Refusal(_("Your own second factor takes your password and a code to switch off."))
    service.take_away(staff=staff, by=guard.current_staff())
    db.session.commit()
    flash(_("%(name)s has no second factor any more.", name=staff.name), "good")
    return redirect(url_for("staff.accounts.index"))


@blueprint.post("/account/second-factor/off")
def switch_off() -> ResponseReturnValue:
    """Switch the second factor off for password and code, and sign in anew."""
    refused = prove()
    if refused is not None:
        return refused
    staff = guard.current_staff()
    service.take_away(staff=staff, by=staff)
    db.session.flush()
    answer = guard.enter(staff, second_factor=False, target=url_for("staff.accounts.show"))
    db.session.commit()
    flash(_("The second factor is switched off."), "good")
    return answer


def prove() -> ResponseReturnValue | None:
    """Return None when password and code are right, else the page that says what is not."""
    staff, form = guard.current_staff(), ProofForm()
    if not form.validate():
        return show_manage(form)
    typed = form.code.data or ""
    recovery = len(rules.read_recovery(typed)) != rules.DIGITS
    try:
        # The password first: a wrong one uses no code up.
        proven = confirm_password(staff=staff, password=form.password.data or "")
        proven = proven and service.check(staff=staff, typed=typed, recovery=recovery)
    except TooMany as refusal:
        return show_manage(form, locked=refusal)
    if not proven:
        db.session.commit()
        form.form_errors.append(_("Password or code is wrong"))
        return show_manage(form)
    return None
