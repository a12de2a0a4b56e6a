"""What a provider of text messages must do, and the three ways in which handing over can fail.

The failures say what is known, not what went wrong: whoever sends decides by them what may be sent again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from flask import Request


class Status(StrEnum):
    """What providers say of a message, in our words."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Accepted:
    """A message the provider has taken; references need not be unique, some test servers repeat theirs."""

    reference: str
    status: Status = Status.ACCEPTED


@dataclass(frozen=True)
class ReceiptEvent:
    """One thing a provider tells of a message; `event_key` is the same whenever the same thing is told again."""

    reference: str
    status: Status
    error_code: str
    event_key: str


@dataclass(frozen=True)
class ReplyEvent:
    """A text from a reader's phone (E.164); `event_key` is the same when it is delivered again."""

    phone: str
    text: str
    event_key: str


@dataclass(frozen=True)
class Answer:
    """What a provider wants to read back from a webhook."""

    body: str = ""
    media_type: str = "text/plain"


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
    answer: Answer

    async def send(self, *, to: str, text: str, callback: str | None, valid_for: int | None) -> Accepted:
        """Hand one message over; `valid_for` is in seconds. Raises Unreachable, Rejected or Unknown."""
        ...

    async def look_up(self, *, to: str, text: str, since: datetime, known: Collection[str]) -> Accepted | None:
        """Find a message that was handed over since a moment and is none of the known references.

        Raises Unreachable when the provider cannot be asked.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...

    def verify(self, request: Request) -> bool:
        """Whether a webhook's request comes from the provider."""
        ...

    def read_receipt(self, form: Mapping[str, str]) -> list[ReceiptEvent]:
        """Read a webhook's receipts; empty when the form holds none."""
        ...

    def read_reply(self, form: Mapping[str, str]) -> list[ReplyEvent]:
        """Read a webhook's replies; empty when the form holds none."""
        ...

    def pull(self) -> list[ReceiptEvent]:
        """Fetch receipts from providers that do not call; needs the application's context."""
        ...
