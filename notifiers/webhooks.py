"""Where providers report: receipts and replies, signed by them, stored before they are answered."""

import logging
from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from notifiers.providers import Provider
from notifiers.providers.registry import get_provider
from notifiers.receipts import record_receipts
from notifiers.replies import record_replies
from portal.cli import current_settings
from portal.contacts.queries import find_contact
from portal.db import db

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
FORM = "application/x-www-form-urlencoded"

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks/sms/<provider_name>")


@blueprint.post("/receipts")
def receipts(provider_name: str) -> ResponseReturnValue:
    """Take what a provider tells of messages: 204."""
    provider = open_hook(provider_name)
    events = provider.read_receipt(request.form)
    if not events:
        abort(400)
    record_receipts(provider.name, events)
    db.session.commit()
    return "", 204


@blueprint.post("/replies")
def replies(provider_name: str) -> ResponseReturnValue:
    """Take what readers answer: 200 with what the provider wants to read, or back to the sandbox's page."""
    provider = open_hook(provider_name)
    events = provider.read_reply(request.form)
    if not events:
        abort(400)
    record_replies(provider.name, events)
    db.session.commit()
    if provider.name == "sandbox":
        contact = find_contact(events[0].phone)
        return redirect(url_for("sandbox.phone", phone=contact.id if contact else None), 303)
    return Response(provider.answer.body, content_type=f"{provider.answer.media_type}; charset=utf-8")


def open_hook(provider_name: str) -> Provider:
    """Return the provider whose webhook this is.

    Answers 404 for one that is unknown or not in use, 413 for a body over 64 KB, 400 for one that is no UTF-8 form,
    403 for a signature that does not fit; nothing of a refused body is logged.
    """
    settings = current_settings()
    if provider_name not in settings.sms_providers:
        abort(404)
    request.max_content_length = MAX_BODY
    body = request.get_data(cache=True)
    if request.mimetype != FORM or not is_utf8_form(body):
        abort(400)
    provider = get_provider(provider_name, settings)
    if not provider.verify(request):
        log.warning("webhook of %s with a wrong signature refused", provider_name)
        abort(403)
    return provider


def is_utf8_form(body: bytes) -> bool:
    """Whether a body is an urlencoded form whose fields are UTF-8."""
    try:
        parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError:
        return False
    return True
