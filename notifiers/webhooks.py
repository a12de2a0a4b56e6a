"""Where providers report: receipts and replies, proven to be theirs, stored before they are answered.

Twilio and the sandbox sign what they post; the domestic providers sign nothing and call an address with our token.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from notifiers.providers import FORM, JSON, Answer, Provider
from notifiers.providers.registry import get_provider
from notifiers.receipts import record_receipts
from notifiers.replies import record_replies
from portal.cli import current_settings
from portal.contacts.queries import find_contact
from portal.db import db

log = logging.getLogger(__name__)

# A domestic provider tells of many messages at once.
MAX_BODY = {FORM: 64 * 1024, JSON: 256 * 1024}
# How long a webhook waits before it tries to write once more, in seconds.
PAUSES = (0.05, 0.3)
Event = TypeVar("Event")

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks/sms/<provider_name>")


@blueprint.post("/receipts")
def receipts(provider_name: str) -> ResponseReturnValue:
    """Take what a provider tells of messages, and answer as it expects."""
    provider, payload = open_hook(provider_name)
    events = read_events(provider.read_receipts, payload)
    keep(lambda: record_receipts(provider.name, events))
    return give(provider.receipt_answer)


@blueprint.post("/replies")
def replies(provider_name: str) -> ResponseReturnValue:
    """Take what readers answer: 200 with what the provider wants to read, or back to the sandbox's page."""
    provider, payload = open_hook(provider_name)
    events = read_events(provider.read_replies, payload)
    keep(lambda: record_replies(provider.name, events))
    if provider.name == "sandbox":
        contact = find_contact(events[0].phone)
        return redirect(url_for("sandbox.phone", phone=contact.id if contact else None), 303)
    return give(provider.reply_answer)


def read_events(read: Callable[[Any], Sequence[Event]], payload: Any) -> Sequence[Event]:
    """Read a body's events; answers 400 when it holds none, or one that is broken: nothing is half-written."""
    try:
        events = read(payload)
    except ValueError:
        events = ()
    if not events:
        abort(400)
    return events


def keep(record: Callable[[], object]) -> None:
    """Record and commit, once more where two who wrote at once got into each other's way: few providers call twice."""
    for pause in PAUSES:
        try:
            record()
            db.session.commit()
        except sa.exc.OperationalError as problem:
            db.session.rollback()
            log.warning("a webhook is recorded once more (%s)", type(problem.orig).__name__)
            time.sleep(pause)
        else:
            return
    record()
    db.session.commit()


def give(answer: Answer) -> Response:
    """Return what a provider wants to read back."""
    if answer.status == 204:
        return Response(status=204)
    return Response(answer.body, content_type=f"{answer.media_type}; charset=utf-8", status=answer.status)


def open_hook(provider_name: str) -> tuple[Provider, Any]:
    """Return the provider whose webhook this is, and the form or JSON that it posted.

    Answers 404 for one that is unknown or not in use, 413 for a body that is too large, 400 for one that is no UTF-8
    form or JSON, 403 for a signature or token that does not fit; nothing of a refused body is logged.
    """
    settings = current_settings()
    if provider_name not in settings.sms_providers:
        abort(404)
    provider = get_provider(provider_name, settings)
    request.max_content_length = MAX_BODY[provider.media_type]
    body = request.get_data(cache=True)
    if provider.media_type == FORM and (request.mimetype != FORM or not is_utf8_form(body)):
        abort(400)
    if not provider.verify(request):
        log.warning("webhook of %s with a wrong signature or token refused", provider_name)
        abort(403)
    return provider, request.form if provider.media_type == FORM else read_body(body)


def read_body(body: bytes) -> Any:
    """Return the JSON of a body; answers 400 when it is none."""
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        abort(400)


def is_utf8_form(body: bytes) -> bool:
    """Whether a body is an urlencoded form whose fields are UTF-8."""
    try:
        parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError:
        return False
    return True
