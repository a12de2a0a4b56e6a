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

# Whatever is not named is not loaded: no fonts, no frames, no plug-ins, nothing inline, nothing from elsewhere.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A file that a browser opens as a page after all does nothing, as if it came from nowhere.
FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Cookies keep the language, the mode and who is signed in.
    "Vary": "Cookie",
}
PAGE = COMMON | {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "same-origin"}
FILE = COMMON | {"Content-Security-Policy": FILE_POLICY, "Referrer-Policy": "no-referrer"}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Citizens' own pages: no other page may learn that somebody was there.
CONFIDENTIAL_PREFIXES = ("/complaints/", "/r/", "/me/", "/sandbox/")
PRIVATE_PREFIXES = ("/staff", *CONFIDENTIAL_PREFIXES)
UNKEPT = {"Cache-Control": "no-store"}
PRIVATE = UNKEPT | {"X-Robots-Tag": "noindex"}
CONFIDENTIAL = PRIVATE | {"Referrer-Policy": "no-referrer"}
# What is wrong now may be mended the next minute; what is not there or withdrawn stays so until something changes.
LASTING_STATUSES = ("2", "3", "404", "410")
LEAVE = '"cache", "storage"'  # Not cookies: browsers would clear those of every site of the same town.
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


Pairs = list[tuple[str, str]]


class Headers:
    """Puts the security headers on every answer of an application, and keeps private pages out of every cache.

    In front of Flask, whose own headers are checked and copied one by one, twice.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], *, secure: bool) -> None:
        self.app = app
        transport = {"Strict-Transport-Security": "max-age=31536000"} if secure else {}
        self.page, self.file = (
            [(name.lower(), (name, value)) for name, value in (added | transport).items()] for added in (PAGE, FILE)
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with the headers."""
        path = "/" + environ.get("PATH_INFO", "").lstrip("/")
        return self.app(environ, partial(self._start, start_response, path))

    def _start(self, start: Callable[..., Any], path: str, status: str, headers: Pairs, *problem: Any) -> Any:
        forced = find_forced(path, status)
        if forced:
            headers = [pair for pair in headers if pair[0].title() not in forced]
            headers += forced.items()
        present = {name.lower(): value for name, value in headers}
        page = present.get("content-type", "").startswith("text/html") and "content-disposition" not in present
        added = self.page if page or status.startswith("3") else self.file
        return start(status, [*headers, *(pair for low, pair in added if low not in present)], *problem)


def find_forced(path: str, status: str) -> dict[str, str]:
    """Return the headers that an answer has whatever its page says of itself."""
    if path.startswith(CONFIDENTIAL_PREFIXES):
        return CONFIDENTIAL
    if is_private(path):
        return PRIVATE
    return {} if status.startswith(LASTING_STATUSES) else UNKEPT


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
