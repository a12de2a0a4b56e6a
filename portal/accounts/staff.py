"""Signing in and out, one's own account and where it is signed in, and everybody's for administrators."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, logout_user

from portal import clock
from portal.accounts import guard, queries, service
from portal.accounts.forms import PasswordForm, SignInForm
from portal.accounts.models import Role
from portal.db import db
from portal.errors import Refusal, TooMany
from portal.i18n import moment
from portal.limits import limited
from portal.paging import page_number
from portal.security import LEAVE

blueprint = Blueprint("accounts", __name__)

administrators_only = guard.needs()
ROLE_LABELS = {
    Role.ADMIN: _l("Administrator"),
    Role.SUPERVISOR: _l("Supervisor"),
    Role.REVIEWER: _l("Reviewer"),
    Role.CLERK: _l("Clerk"),
}


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limited("sign-in", when=lambda: request.method == "POST")
def sign_in() -> ResponseReturnValue:
    """Ask for address and password."""
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(url_for("staff.home.index"))
    form = SignInForm()
    status = 422 if form.is_submitted() else 200
    if form.validate_on_submit():
        try:
            staff = service.check_sign_in(email=form.email.data or "", password=form.password.data or "")
        except TooMany as refusal:
            staff, status = None, 429
            when = moment(refusal.details["retry_at"])
            form.form_errors.append(_("Too many wrong tries. Try again at %(when)s.", when=when))
        if staff is not None:
            asked = queries.has_second_factor(staff.id)
            answer = guard.wait_for_code(staff) if asked else guard.enter(staff, second_factor=False)
            db.session.commit()
            return answer
        db.session.commit()
        if status == 422:
            form.form_errors.append(_("E-mail or password is wrong"))
    return render_template("staff/accounts/sign_in.html", form=form), status


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session of this place."""
    service.sign_out(staff=guard.current_staff(), session_id=guard.current_session().id)
    logout_user()
    guard.forget_place()
    db.session.commit()
    answer = redirect(url_for("staff.accounts.sign_in"))
    answer.headers["Clear-Site-Data"] = LEAVE
    return answer


@blueprint.get("/account")
def show() -> ResponseReturnValue:
    """Show one's own account, and where it is signed in."""
    return show_account(PasswordForm(formdata=None))


def show_account(form: PasswordForm) -> ResponseReturnValue:
    """Return the page of one's own account, with the form for another password."""
    staff = guard.current_staff()
    page = render_template(
        "staff/accounts/show.html",
        form=form,
        staff=staff,
        role_labels=ROLE_LABELS,
        second_factor=queries.has_second_factor(staff.id),
        places=queries.list_sessions(staff.id, clock.now()),
        here=guard.current_session().id,
    )
    return page, 422 if form.errors else 200


@blueprint.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Take another password, which ends every other place."""
    staff, form = guard.current_staff(), PasswordForm()
    if not form.validate():
        return show_account(form)
    try:
        if not service.confirm_password(staff=staff, password=form.current.data or ""):
            db.session.commit()
            form.current.errors = [_("The present password is wrong")]
            return show_account(form)
        service.change_password(staff=staff, password=form.password.data or "", by=staff)
    except Refusal as refusal:
        form.password.errors = [str(refusal.message)]
        return show_account(form)
    strong = guard.current_session().second_factor
    answer = guard.enter(staff, second_factor=strong, target=url_for(".show"))
    db.session.commit()
    flash(_("The password is changed. Every other place where you were signed in has ended."), "good")
    return answer


@blueprint.post("/account/sessions/<int:session_id>/end")
def end_session(session_id: int) -> ResponseReturnValue:
    """End one place where one is signed in."""
    service.sign_out(staff=guard.current_staff(), session_id=session_id)
    db.session.commit()
    flash(_("That place is signed out."), "good")
    return redirect(url_for(".show"))


@blueprint.post("/account/sessions/end-others")
def end_others() -> ResponseReturnValue:
    """End every place but this one."""
    service.end_other_sessions(staff=guard.current_staff(), session_id=guard.current_session().id)
    db.session.commit()
    flash(_("Every other place is signed out."), "good")
    return redirect(url_for(".show"))


@blueprint.get("/accounts")
@administrators_only
def index() -> str:
    """List all accounts."""
    page = queries.list_accounts(page_number(request.args.get("page")), clock.now())

    def address(number: int) -> str:
        return url_for("staff.accounts.index", page=number)

    return render_template("staff/accounts/index.html", page=page, address=address, role_labels=ROLE_LABELS)


@blueprint.post("/accounts/<int:staff_id>/end-sessions")
@administrators_only
def end_sessions(staff_id: int) -> ResponseReturnValue:
    """End every place where somebody is signed in."""
    staff = queries.get_account(staff_id)
    service.end_sessions(staff=staff, by=guard.current_staff())
    db.session.commit()
    flash(_("%(name)s is signed out everywhere.", name=staff.name), "good")
    return redirect(url_for(".index"))
