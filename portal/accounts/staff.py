"""Signing in and out."""

from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user

from portal.accounts import guard, service
from portal.accounts.forms import SignInForm
from portal.db import db
from portal.errors import TooMany
from portal.i18n import moment
from portal.limits import limited

blueprint = Blueprint("accounts", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limited("30 per minute", when=lambda: request.method == "POST")
def sign_in() -> ResponseReturnValue:
    """Ask for address and password."""
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(url_for("staff.home.index"))
    form = SignInForm()
    status = 200
    if form.validate_on_submit():
        status = 422
        try:
            staff = service.sign_in(email=form.email.data or "", password=form.password.data or "")
            db.session.commit()
        except TooMany as refusal:
            staff, status = None, 429
            when = moment(refusal.details["retry_at"])
            form.form_errors.append(_("Too many wrong tries. Try again at %(when)s.", when=when))
        if staff is not None:
            guard.forget_place()
            session.permanent = True
            login_user(guard.SignedIn(staff))
            return redirect(safe_target(request.args.get("next")))
        if status == 422:
            form.form_errors.append(_("E-mail or password is wrong"))
    elif form.is_submitted():
        status = 422
    return render_template("staff/accounts/sign_in.html", form=form), status


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End every session of this account."""
    service.sign_out(staff=guard.current_staff())
    logout_user()
    guard.forget_place()
    db.session.commit()
    return redirect(url_for("staff.accounts.sign_in"))


def safe_target(target: str | None) -> str:
    """Return a place on this portal to go to; never another host."""
    parts = urlsplit(target or "")
    if not target or parts.scheme or parts.netloc or not target.startswith("/staff/") or "\\" in target:
        return url_for("staff.home.index")
    return target
