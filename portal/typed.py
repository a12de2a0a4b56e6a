"""What somebody typed into a form that could not be taken: shown again, and ready to be sent again, so that nothing is
lost to a page that was open for too long, a limit or a failure."""

import hmac
import re
from dataclasses import dataclass

from flask import current_app, request, session
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException

TOKEN = "csrf_token"  # noqa: S105 - the name of a field
SECRET_FIELDS = ("password", "current", TOKEN)
LONG = 30
# Nobody types these; signed fields look like it.
MACHINE_MADE = re.compile(r"[\w.~+/=-]*", re.ASCII)
# Sending the same once more can go better than the first time.
PASSING = frozenset({400, 401, 429, 500, 503})


@dataclass(frozen=True, kw_only=True)
class Typed:
    """The fields of a form and, among them, the texts worth showing; `again` when it may be sent once more."""

    fields: list[tuple[str, str]]
    texts: list[str]
    files: bool
    again: bool


def find_typed(status: int) -> Typed | None:
    """Return what this request wanted to write, for an error page of a status; None when there is nothing to keep."""
    if request.method != "POST" or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return None
    try:
        sent = list(request.form.items(multi=True))
        files = any(file.filename for file in request.files.values())
    except HTTPException:
        return None  # Too large to be read at all.
    fields = [(name, value) for name, value in sent if name not in SECRET_FIELDS]
    texts = [value for _name, value in fields if is_text(value)]
    again = status in PASSING and any(value for _name, value in fields) and is_ours()
    return Typed(fields=fields, texts=texts, files=files, again=again) if texts or again else None


def is_text(value: str) -> bool:
    """Whether a value is something that somebody would be sorry to type again."""
    return len(value) > LONG and not MACHINE_MADE.fullmatch(value)


def is_ours() -> bool:
    """Whether a form came from a page of this portal, even if long ago: nobody else's is offered to be sent again."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == request.host_url.rstrip("/") or _bears_our_token()


def _bears_our_token() -> bool:
    """Whether a form bears a token of this session, however old."""
    secret = session.get(TOKEN)
    signer = URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="wtf-csrf-token")
    try:
        found = signer.loads(request.form.get(TOKEN, ""))
    except BadData:
        return False
    return isinstance(secret, str) and isinstance(found, str) and hmac.compare_digest(found, secret)
