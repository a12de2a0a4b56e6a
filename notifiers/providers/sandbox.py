"""The demo's provider: no phone rings; messages are read and answered at /sandbox/phone.

Some endings of numbers behave badly, so that every state can be seen: 0404 is rejected, 0500 unknown, 0503
unreachable, 0405 never gets a receipt, 0406 gets a failed one.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from flask import Request

from notifiers.providers import (
    FORM,
    Accepted,
    Answer,
    Outgoing,
    Pulled,
    ReceiptEvent,
    Rejected,
    ReplyEvent,
    Status,
    Unknown,
    Unreachable,
)
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.messages.service import check_sandbox_reply
from portal.settings import Settings

NAME = "sandbox"
PULL_AT_MOST = 500


class SandboxProvider:
    """Accepts at once, keeps nothing: the outbox is what the phones show."""

    name = NAME
    templated = False
    media_type = FORM
    receipt_answer = Answer(status=204)
    reply_answer = Answer()

    async def send(self, message: Outgoing) -> Accepted:
        """Take a message, unless its number says otherwise."""
        to = message.to
        if to.endswith("0404"):
            raise Rejected("no_such_number")
        if to.endswith("0500"):
            raise Unknown("no_answer")
        if to.endswith("0503"):
            raise Unreachable("out_of_service")
        return Accepted(f"SB{secrets.token_hex(12)}")

    async def look_up(self, *, to: str, text: str, since: datetime, known: Collection[str]) -> Accepted | None:
        """Find nothing: what stayed unknown here was never taken."""
        return None

    async def ask(self, *, reference: str, to: str, since: datetime) -> Sequence[ReceiptEvent]:
        """Know nothing more: receipts are pulled."""
        return []

    async def close(self) -> None:
        """Nothing to give back."""

    def verify(self, request: Request) -> bool:
        """Whether a reply was posted from the sandbox's own page."""
        phone, key, signature = (request.form.get(name, "") for name in ("phone", "reply_key", "signature"))
        return check_sandbox_reply(phone, key, signature)

    def read_receipts(self, payload: Mapping[str, str]) -> Sequence[ReceiptEvent]:
        """Receipts are pulled here, never posted."""
        return []

    def read_replies(self, payload: Mapping[str, str]) -> Sequence[ReplyEvent]:
        """Read the form of the sandbox's page: phone, text, reply_key."""
        phone, text, key = (payload.get(name, "") for name in ("phone", "text", "reply_key"))
        return [ReplyEvent(phone, text, key)] if phone and key else []

    def pull(self) -> Pulled:
        """Return the receipts of everything accepted that has none yet, oldest first."""
        rows = db.session.execute(
            sa.select(Message.provider_reference, Contact.phone)
            .join(Contact, Contact.id == Message.contact_id)
            .where(
                Message.state == MessageState.ACCEPTED,
                Message.provider == NAME,
                Message.provider_reference.is_not(None),
                Contact.phone.not_like("%0405"),
            )
            .order_by(Message.changed_at, Message.id)
            .limit(PULL_AT_MOST)
        )
        return Pulled([_receipt(row.provider_reference, row.phone) for row in rows])


def _receipt(reference: str, phone: str) -> ReceiptEvent:
    failed = phone.endswith("0406")
    status = Status.FAILED if failed else Status.DELIVERED
    return ReceiptEvent(reference, status, "not_delivered" if failed else "", f"{reference}:{status.value}")


def make(_settings: Settings) -> SandboxProvider:
    """Build the provider for these settings."""
    return SandboxProvider()
