"""The demo's provider: no phone rings; messages are read and answered at /sandbox/phone.

Some endings of numbers behave badly, so that every state can be seen (the page of the phones tells them too):

0404 refused                            0405 never gets a receipt
0408 answers after a few seconds        0406 gets a receipt that it failed
0429 too many requests, unreachable     0407 gets each receipt twice
0500 no answer, unknown: never taken    0409 gets its receipts in the wrong order
0502 fault of theirs, unknown           0410 is told to have failed, then delivered
0503 out of service, unreachable        0999 taken, but the answer is lost: unknown until it is looked up
"""

import asyncio
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
    ProviderFailure,
    Pulled,
    ReceiptEvent,
    Rejected,
    ReplyEvent,
    Status,
    Unknown,
    Unreachable,
)
from portal.contacts.models import Contact
from portal.db import db, reading
from portal.messages.models import Message, MessageState
from portal.messages.service import check_sandbox_reply
from portal.settings import Settings

NAME = "sandbox"
PULL_AT_MOST = 500
SLOW_SECONDS = 3.0
SLOW, SILENT, LOST_ANSWER = "0408", "0405", "0999"
# Leads the references of what never gets a receipt: numbers lie sealed, so the outbox cannot be asked for them.
MUTE = "SBmute"
FAILURES: Mapping[str, ProviderFailure] = {
    "0404": Rejected("no_such_number"),
    "0429": Unreachable("too_many_requests"),
    "0500": Unknown("no_answer"),
    "0502": Unknown("bad_gateway"),
    "0503": Unreachable("out_of_service"),
    LOST_ANSWER: Unknown("connection_dropped"),
}
DELIVERED = (Status.DELIVERED,)
RECEIPTS: Mapping[str, Sequence[Status]] = {
    "0406": (Status.FAILED,),
    "0407": (Status.DELIVERED, Status.DELIVERED),
    "0409": (Status.DELIVERED, Status.ACCEPTED),
    "0410": (Status.FAILED, Status.DELIVERED),
}


class SandboxProvider:
    """Accepts at once, keeps nothing: the outbox is what the phones show."""

    name = NAME
    templated = False
    media_type = FORM
    receipt_answer = Answer(status=204)
    reply_answer = Answer()

    async def send(self, message: Outgoing) -> Accepted:
        """Take a message, unless its number says otherwise."""
        ending = message.to[-4:]
        if ending == SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        if ending in FAILURES:
            raise type(FAILURES[ending])(FAILURES[ending].code)
        return Accepted(f"{MUTE if ending == SILENT else 'SB'}{secrets.token_hex(12)}")

    async def look_up(
        self,
        *,
        to: str,
        text: str,
        since: datetime,
        known: Collection[str],
        own_reference: str = "",
        alone: bool = True,
    ) -> Accepted | None:
        """Find a message whose answer was lost: the outbox, where it is unknown, is the only one to know of it.

        Needs the application's context. What else stayed unknown here was never taken.
        """
        if not to.endswith(LOST_ANSWER):
            return None
        with reading():
            lost = db.session.scalars(
                sa.select(Message.id)
                .join(Contact, Contact.id == Message.contact_id)
                .where(Message.state == MessageState.UNKNOWN, Message.text == text, Contact.phone == to)
                .order_by(Message.id)
            ).all()
            db.session.rollback()
        references = [f"SB{number:024x}" for number in lost if own_reference in ("", str(number))]
        return next((Accepted(reference) for reference in references if reference not in known), None)

    async def ask(self, *, reference: str, to: str, since: datetime) -> Sequence[ReceiptEvent]:
        """Tell what its receipts would have told."""
        return _receipts(reference, to)

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
                Message.provider_reference.not_like(f"{MUTE}%"),
            )
            .order_by(Message.changed_at, Message.id)
            .limit(PULL_AT_MOST)
        ).all()
        return Pulled([event for row in rows for event in _receipts(row.provider_reference, row.phone)])


def _receipts(reference: str, phone: str) -> list[ReceiptEvent]:
    if phone.endswith(SILENT):
        return []
    return [_receipt(reference, status) for status in RECEIPTS.get(phone[-4:], DELIVERED)]


def _receipt(reference: str, status: Status) -> ReceiptEvent:
    code = "not_delivered" if status is Status.FAILED else ""
    return ReceiptEvent(reference, status, code, f"{reference}:{status.value}")


def make(_settings: Settings) -> SandboxProvider:
    """Build the provider for these settings."""
    return SandboxProvider()
