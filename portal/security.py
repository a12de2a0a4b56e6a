"""Headers, cross-site request protection, passwords and one-time links."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer

from portal.settings import Settings

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' data:"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Cookies keep the language, the mode and who is signed in.
    "Vary": "Cookie",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PRIVATE_PREFIXES = ("/staff", "/complaints/", "/r/", "/me/", "/sandbox/")
PRIVATE = {"cache-control": ("Cache-Control", "no-store"), "x-robots-tag": ("X-Robots-Tag", "noindex")}
# Neither 0 and O nor 1 and I, so that a code survives a telephone and an old pair of eyes.
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LINK_TOKEN_LENGTH = 12

csrf = CSRFProtect()
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def init_app(app: Flask, settings: Settings) -> None:
    """Switch on everything in this module for an application."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_NAME="portal_session",
        WTF_CSRF_CHECK_DEFAULT=False,  # By `check_form`, which does not look at what only reads.
        WTF_CSRF_TIME_LIMIT=8 * 3600,
        WTF_CSRF_SSL_STRICT=False,
        RATELIMIT_ENABLED=not settings.testing,
    )
    app.session_interface = Sessions(app)
    csrf.init_app(app)
    app.before_request(check_form)
    app.wsgi_app = Headers(app.wsgi_app, secure=settings.secure_cookies)  # type: ignore[method-assign]


class Sessions(SecureCookieSessionInterface):
    """Sessions in a signed cookie, without the work that Flask does for readers who have none.

    The signer is made once; and where nothing is kept nothing is asked of the settings of the cookie.
    """

    def __init__(self, app: Flask) -> None:
        self._signer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the signer of the application that these sessions belong to."""
        return self._signer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what a reader's cookie keeps."""
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Give a reader the cookie, or take it back."""
        if session or session.modified:
            super().save_session(app, session, response)


def check_form() -> None:
    """Refuse what changes something and does not come from a page of this portal."""
    if request.method not in SAFE_METHODS and current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect(apply_exemptions=True)


class Headers:
    """Puts the security headers on every answer of an application, and keeps private pages out of every cache.

    In front of Flask, whose own headers are checked and copied one by one, twice.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], *, secure: bool) -> None:
        self.app = app
        added = HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})
        self.added = [(name.lower(), (name, value)) for name, value in added.items()]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with the headers."""
        path = "/" + environ.get("PATH_INFO", "").lstrip("/")
        return self.app(environ, partial(self._start, start_response, path))

    def _start(
        self, start: Callable[..., Any], path: str, status: str, headers: list[tuple[str, str]], *problem: Any
    ) -> Any:
        if is_private(path):
            headers = [pair for pair in headers if pair[0].lower() not in PRIVATE]
            headers += PRIVATE.values()
        present = {name.lower() for name, _value in headers}
        return start(status, [*headers, *(pair for low, pair in self.added if low not in present)], *problem)


def is_private(path: str) -> bool:
    """Whether a page may hold what only one reader may see."""
    return path.startswith(PRIVATE_PREFIXES)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password (19 MiB, two passes)."""
    return _hasher.hash(password)


def check_password(stored: str | None, password: str) -> bool:
    """Whether a password fits; costs the same time when there is no account."""
    try:
        return _hasher.verify(stored or _nobody(), password) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def keyed_digest(purpose: str, value: str) -> str:
    """Return a digest that only holders of the secret key can compute, as hex."""
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.new(key, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()


def link_token(purpose: str, value: str) -> str:
    """Return the token of a one-time link: 12 characters, 60 bits, computed and so never stored in clear."""
    digest = bytes.fromhex(keyed_digest(f"link:{purpose}", value))
    letters = base64.b32encode(digest).decode()[:LINK_TOKEN_LENGTH]
    return letters.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", CODE_ALPHABET))


def token_hash(token: str) -> str:
    """Return what is stored of a token, so that reading the database gives nobody a working link."""
    return keyed_digest("token", token.strip().upper())
