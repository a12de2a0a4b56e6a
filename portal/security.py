"""Headers, cross-site request protection, passwords and one-time links."""

import base64
import hashlib
import hmac
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface
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
}
PRIVATE_PREFIXES = ("/staff", "/complaints/", "/r/", "/me/", "/sandbox/")
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
        WTF_CSRF_TIME_LIMIT=8 * 3600,
        WTF_CSRF_SSL_STRICT=False,
        RATELIMIT_ENABLED=not settings.testing,
    )
    app.session_interface = Sessions(app)
    csrf.init_app(app)
    app.after_request(add_headers)


class Sessions(SecureCookieSessionInterface):
    """Sessions in a signed cookie, whose signer is made once: Flask makes it anew for every request."""

    def __init__(self, app: Flask) -> None:
        self._signer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the signer of the application that these sessions belong to."""
        return self._signer


def add_headers(response: Response) -> Response:
    """Put the security headers on a response, and keep private pages out of every cache."""
    present = {name.lower() for name, _value in response.headers}
    response.headers.extend(pair for pair in HEADERS.items() if pair[0].lower() not in present)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if is_private(request):
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def is_private(asked: Request) -> bool:
    """Whether a page may hold what only one reader may see."""
    return asked.path.startswith(PRIVATE_PREFIXES)


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
