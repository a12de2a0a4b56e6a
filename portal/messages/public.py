"""The demo's phones: what the sandbox sent, as its readers would see it, and a way to answer."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.cli import current_settings
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message, MessageState, Reply
from portal.messages.queries import list_phones, list_thread
from portal.messages.rules import split_links
from portal.messages.service import sign_sandbox_reply
from portal.paging import page_number

blueprint = Blueprint("sandbox", __name__)

# The notifiers' webhook, in the contract with the outside; the portal knows nothing of who answers there.
REPLIES = "/hooks/sms/sandbox/replies"


@dataclass(frozen=True)
class Bubble:
    """One text on a phone: from us, or (without a state) from its owner."""

    at: datetime
    pieces: list[tuple[str, str]]
    state: MessageState | None = None
    segments: int = 0


@blueprint.get("/sandbox/phone")
def phone() -> ResponseReturnValue:
    """Show one phone; the address holds the contact's id, never the number."""
    settings = current_settings()
    if not settings.sandbox:
        abort(404)
    if not settings.demo and not current_user.is_authenticated:
        return redirect(url_for("staff.accounts.sign_in"))
    phones = list_phones(page_number(request.args.get("page")))
    chosen = find_chosen(request.args.get("phone"), phones.items[0].contact_id if phones.items else None)
    messages, replies = list_thread(chosen.id) if chosen else ((), ())
    reply_key = secrets.token_hex(16)
    return render_template(
        "public/messages/phone.html",
        phones=phones,
        chosen=chosen,
        bubbles=make_thread(messages, replies, settings.public_url),
        reply_to=REPLIES,
        reply_key=reply_key,
        signature=sign_sandbox_reply(chosen.phone, reply_key) if chosen else "",
    )


def find_chosen(value: str | None, fallback: int | None) -> Contact | None:
    """Return the phone that the address names, else the first of the list."""
    number = int(value) if value and value.isdecimal() and len(value) < 10 else fallback
    contact = db.session.get(Contact, number) if number is not None else None
    if contact is None and value:
        abort(404)
    return contact


def make_thread(messages: Sequence[Message], replies: Sequence[Reply], public_url: str) -> list[Bubble]:
    """Return texts and answers, both given newest first, in the order in which a phone shows them."""
    # Of two texts of one moment the one that a reply would answer stands last.
    sent = [
        Bubble(item.accepted_at or item.changed_at, split_links(item.text, public_url), item.state, item.segments)
        for item in reversed(messages)
    ]
    written = [Bubble(item.received_at, [(item.text, "")]) for item in reversed(replies)]
    return sorted([*sent, *written], key=lambda bubble: bubble.at)
