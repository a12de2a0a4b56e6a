"""What a provider of text messages must do, and the three ways in which handing over can fail.

The failures say what is known, not what went wrong: whoever sends decides by them what may be sent again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from flask import Request

# A message that only our own name for it is known of is called so; its provider's number may come later.
BY_OWN_REFERENCE = "own:"
NONE: Mapping[str, str] = MappingProxyType({})


class Status(StrEnum):
    """What providers say of a message, in our words."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"


class Outgoing(NamedTuple):
    """One text on its way to one phone (E.164).

    Providers that send what they have approved take `template_id` and `parameters`, in the order of the body; the
    others take `text`, which both sides store. `valid_for` is in seconds. A reply carries the digits of `extension`
    back where the provider can, a receipt our own `reference`.
    """

    to: str
    text: str
    callback: str | None = None
    valid_for: int | None = None
    template_id: str = ""
    parameters: Mapping[str, str] = NONE
    extension: str = ""
    reference: str = ""


class Accepted(NamedTuple):
    """A message the provider has taken; references need not be unique, some test servers repeat theirs."""

    reference: str
    status: Status = Status.ACCEPTED


@dataclass(frozen=True)
class ReceiptEvent:
    """One thing a provider tells of a message; `event_key` is the same whenever the same thing is told again.

    `own_reference` is what we called the message ourselves, where the provider hands that back.
    """

    reference: str
    status: Status
    error_code: str
    event_key: str
    own_reference: str = ""


@dataclass(frozen=True)
class ReplyEvent:
    """A text from a reader's phone (E.164); `event_key` is the same when it is delivered again.

    `extension` holds the digits behind our number that it was sent to, where the provider tells them.
    """

    phone: str
    text: str
    event_key: str
    extension: str = ""


@dataclass(frozen=True)
class Pulled:
    """What was fetched from a provider that does not call; it may tell nothing of it twice."""

    receipts: Sequence[ReceiptEvent] = ()
    replies: Sequence[ReplyEvent] = ()


@dataclass(frozen=True)
class Answer:
    """What a provider wants to read back from a webhook."""

    body: str = ""
    media_type: str = "text/plain"
    status: int = 200


FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class ProviderFailure(Exception):
    """A hand-over that did not end well; `code` may be logged, it holds no number and no text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unreachable(ProviderFailure):
    """Proven not accepted, for a reason that passes: may be tried again, here or elsewhere."""


class Rejected(ProviderFailure):
    """Proven refused: this message to this number will not be taken."""


class Unknown(ProviderFailure):
    """May have been accepted: never sent again by machine."""


class Provider(Protocol):
    """A way to reach phones; one instance serves one event loop until `close`."""

    name: str
    # Whether it sends approved templates alone.
    templated: bool
    # What its webhooks post: a form or JSON.
    media_type: str
    receipt_answer: Answer
    reply_answer: Answer

    async def send(self, message: Outgoing) -> Accepted:
        """Hand one message over. Raises Unreachable, Rejected or Unknown."""
        ...

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
        """Find a message that was handed over since a moment and is none of the known references.

        `own_reference` is what we called it ourselves; `alone` says that nothing else to this number may be on its way
        without a reference that we know. Raises Unreachable when the provider cannot be asked.
        """
        ...

    async def ask(self, *, reference: str, to: str, since: datetime) -> Sequence[ReceiptEvent]:
        """Ask what became of a message that no receipt came for; empty when nothing more is known.

        Raises Unreachable when the provider cannot be asked.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...

    def verify(self, request: Request) -> bool:
        """Whether a webhook's request comes from the provider."""
        ...

    def read_receipts(self, payload: Any) -> Sequence[ReceiptEvent]:
        """Read a webhook's receipts from its form or JSON; empty when it holds none, ValueError when it is broken."""
        ...

    def read_replies(self, payload: Any) -> Sequence[ReplyEvent]:
        """Read a webhook's replies from its form or JSON; empty when it holds none, ValueError when it is broken."""
        ...

    def pull(self) -> Pulled:
        """Fetch a page of receipts and replies from providers that do not call; needs the application's context.

        Raises Unreachable when the provider cannot be asked.
        """
        ...
