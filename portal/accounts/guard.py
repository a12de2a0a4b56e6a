"""The door of the staff side: one guard on the parent blueprint, roles by decorator."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Blueprint, Flask, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_login import LoginManager, current_user, login_url

from portal.accounts import rules
from portal.accounts.models import Role, Staff
from portal.db import db
from portal.errors import Forbidden

P = ParamSpec("P")
R = TypeVar("R")

OPEN_ENDPOINTS = frozenset({"staff.accounts.sign_in"})

login_manager = LoginManager()


class SignedIn:
    """The signed-in member of staff, as flask-login wants to see one."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, staff: Staff) -> None:
        self.staff = staff

    def get_id(self) -> str:
        return f"{self.staff.id}.{self.staff.session_epoch}"


@login_manager.user_loader
def load(identity: str) -> SignedIn | None:
    """Return who a session belongs to, unless they were switched off or their sessions ended."""
    if "reader_forgotten" in g:
        return None
    number, _dot, epoch = identity.partition(".")
    staff = db.session.get(Staff, int(number)) if number.isdigit() else None
    if staff is None or not staff.active or str(staff.session_epoch) != epoch:
        return None
    return SignedIn(staff)


def forget_reader() -> None:
    """Ask no more who is signed in during this request: after a failure the database may not be there to say."""
    g.reader_forgotten = True


def current_staff() -> Staff:
    """Return the signed-in member of staff; only to be called behind the guard."""
    return cast("SignedIn", current_user).staff


def scope() -> int | None:
    """Return the id of the one organ whose records this member of staff may see; None means all."""
    staff = current_staff()
    if rules.sees_all(staff.role):
        return None
    if staff.organ_id is None:
        raise Forbidden(_l("Your account is not assigned to an organ. Ask an administrator."))
    return staff.organ_id


def needs(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only these roles into a view; administrators always."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if current_staff().role not in (*roles, Role.ADMIN):
                raise Forbidden(_l("Your role may not see this page. An administrator can change it."))
            return view(*args, **kwargs)

        guarded.roles = roles  # type: ignore[attr-defined]
        return guarded

    return decorate


def require_sign_in() -> ResponseReturnValue | None:
    """Send everyone who is not signed in to the sign-in page, and bring them back afterwards."""
    if request.endpoint in OPEN_ENDPOINTS or current_user.is_authenticated:
        return None
    target = request.full_path if request.method == "GET" else url_for("staff.home.index")
    return redirect(login_url("staff.accounts.sign_in", next_url=target.rstrip("?")))


def make_parent() -> Blueprint:
    """Return the parent of every staff blueprint; nothing under it opens without the guard."""
    parent = Blueprint("staff", __name__, url_prefix="/staff")
    parent.before_request(require_sign_in)
    return parent


def init_app(app: Flask) -> None:
    """Connect sign-in to an application."""
    app.config["PERMANENT_SESSION_LIFETIME"] = rules.SESSION_LASTS
    login_manager.session_protection = None  # It would need the reader's address, which we do not keep.
    # All that `init_app` does but two things: it would look for who is signed in on every public page, and after every
    # request for a cookie that keeps people signed in, which we do not set.
    app.login_manager = login_manager  # type: ignore[attr-defined]
    app.jinja_env.globals["current_user"] = current_user


def forget_place() -> None:
    """Drop everything a session held before sign-in, so that no earlier session can be ridden."""
    session.clear()
