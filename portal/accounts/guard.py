"""The door of the staff side: one guard on the parent blueprint, roles by decorator."""

import logging
from collections.abc import Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_login import LoginManager, current_user, login_url, login_user
from sqlalchemy.exc import DBAPIError

from portal import clock
from portal.accounts import queries, rules, service
from portal.accounts.models import Role, Staff, StaffSession
from portal.db import db
from portal.errors import Forbidden, SignedOut
from portal.settings import Settings
from portal.typed import find_typed

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

OPEN_ENDPOINTS = frozenset({"staff.accounts.sign_in", "staff.second_factors.check", "staff.second_factors.recover"})
# All that somebody may do who has to set a second factor up first.
CONFINED_ENDPOINTS = frozenset({"staff.second_factors.set_up", "staff.accounts.sign_out"})
WAITING = "waits_for_code"

login_manager = LoginManager()


class SignedIn:
    """The signed-in member of staff, as flask-login wants to see one."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, staff: Staff, place: StaffSession | None = None, *, token: str = "") -> None:
        self.staff = staff
        self.place = place
        self._token = token

    @property
    def confined(self) -> bool:
        """Whether a second factor has to be set up before anything else."""
        settings: Settings = current_app.config["SETTINGS"]
        return settings.second_factor == "required" and self.place is not None and not self.place.second_factor

    def get_id(self) -> str:
        return self._token


@login_manager.user_loader
def load(identity: str) -> SignedIn | None:
    """Return who a session belongs to, unless they were switched off or their sessions ended."""
    if "reader_forgotten" in g:
        return None
    found = queries.find_session(service.hash_token(identity), clock.now())
    return SignedIn(*found) if found else None


def forget_reader() -> None:
    """Ask no more who is signed in during this request: after a failure the database may not be there to say."""
    g.reader_forgotten = True


def current_staff() -> Staff:
    """Return the signed-in member of staff; only to be called behind the guard."""
    return cast("SignedIn", current_user).staff


def current_session() -> StaffSession:
    """Return the place from which this request comes; only to be called behind the guard."""
    return cast("StaffSession", cast("SignedIn", current_user).place)


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
    if request.endpoint in OPEN_ENDPOINTS:
        return None
    if current_user.is_authenticated:
        confined = current_user.confined and request.endpoint not in CONFINED_ENDPOINTS
        return redirect(url_for("staff.second_factors.set_up")) if confined else None
    if find_typed(SignedOut.status):
        raise SignedOut(_l("You have been signed out meanwhile, so what you sent was not taken."))
    target = request.full_path if request.method == "GET" else url_for("staff.home.index")
    return redirect(login_url("staff.accounts.sign_in", next_url=target.rstrip("?")))


def make_parent() -> Blueprint:
    """Return the parent of every staff blueprint; nothing under it opens without the guard."""
    parent = Blueprint("staff", __name__, url_prefix="/staff")
    parent.before_request(require_sign_in)
    parent.after_request(note_use)
    return parent


def init_app(app: Flask) -> None:
    """Connect sign-in to an application."""
    app.config["PERMANENT_SESSION_LIFETIME"] = rules.SESSION_LASTS
    # Both would look at the reader's address, which goes nowhere, not even into their own cookie.
    login_manager.session_protection = None
    login_manager._session_identifier_generator = str
    # All that `init_app` does but two things: it would look for who is signed in on every public page, and after every
    # request for a cookie that keeps people signed in, which we do not set.
    app.login_manager = login_manager  # type: ignore[attr-defined]
    app.jinja_env.globals["current_user"] = current_user


def forget_place() -> None:
    """Drop everything a session held before sign-in, so that no earlier session can be ridden."""
    session.clear()


def enter(staff: Staff, *, second_factor: bool, target: str | None = None) -> Response:
    """Sign somebody in here and return the way to where they wanted; the caller commits."""
    token = service.start_session(staff=staff, second_factor=second_factor)
    forget_place()
    session.permanent = True
    login_user(SignedIn(staff, token=token))
    return cast("Response", redirect(safe_target(target or request.args.get("next"))))


def wait_for_code(staff: Staff) -> ResponseReturnValue:
    """Remember who has given their password, and ask for the second factor."""
    forget_place()
    until = clock.now() + rules.WAITS_FOR_CODE
    session[WAITING] = [staff.id, staff.session_epoch, int(until.timestamp())]
    return redirect(url_for("staff.second_factors.check", next=request.args.get("next")))


def find_waiting() -> Staff | None:
    """Return who has given their password here and not yet a code, or None when that was too long ago."""
    staff_id, epoch, until = session.get(WAITING) or (0, 0, 0)
    if until <= clock.now().timestamp():
        return None
    staff = db.session.get(Staff, staff_id)
    return staff if staff is not None and staff.active and staff.session_epoch == epoch else None


def safe_target(target: str | None) -> str:
    """Return a place on this portal to go to; never another host."""
    parts = urlsplit(target or "")
    if not target or parts.scheme or parts.netloc or not target.startswith("/staff/") or "\\" in target:
        return url_for("staff.home.index")
    return target


def note_use(response: Response) -> Response:
    """Keep that a place was used, when that was not noted for a while; the answer goes out first."""
    place = current_user.place if current_user.is_authenticated else None
    if place is not None and clock.now() - place.used_at >= rules.USE_IS_NOTED:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        response.call_on_close(partial(_write_use, app, place.id))
    return response


def _write_use(app: Flask, session_id: int) -> None:
    with app.app_context():
        try:
            service.note_use(session_id=session_id)
            db.session.commit()
        except DBAPIError as problem:
            log.warning("a session's use was not noted: %s", type(problem.orig).__name__)
