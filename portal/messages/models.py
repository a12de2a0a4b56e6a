"""The outbox and what came back: messages, attempts, receipts, replies."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.contacts.models import Contact, SealedPhone
from portal.db import Model, partial_index, text_enum


class MessageState(StrEnum):
    """Where a message stands; `unknown` is never resent by machine."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    PERSON = "person"
    SUPPRESSED = "suppressed"
    VOID = "void"


class Outcome(StrEnum):
    """How an attempt ended; an attempt without outcome was cut off."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class Message(Model):
    """Something somebody shall hear: one row for one planned occurrence, named by `key`.

    `subject` names the record it concerns (`permit:12`); `values` fills the template, never holding a secret.
    `due_at` moves on when it has to wait; the moment it was planned for then stays in `planned_at`.
    A message whose `carried_by_id` names another one was sent as part of that one's text and shares its fate.
    `claimed_by` is the dispatcher that sent it last; at `ask_at` the provider is asked what became of it.
    """

    __tablename__ = "message"
    __table_args__ = (
        partial_index("ix_message_queue", "priority", "due_at", "id", where="state = 'queued'"),
        partial_index("ix_message_sending", "claimed_by", where="state = 'sending'"),
        partial_index("ix_message_ask", "ask_at", "id", where="ask_at IS NOT NULL"),
        Index("ix_message_provider_reference", "provider", "provider_reference"),
        Index("ix_message_state_changed", "state", "changed_at", "provider"),
        partial_index("ix_message_carried_by", "carried_by_id", where="carried_by_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    template: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    priority: Mapped[int] = mapped_column(default=5)
    urgent: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[datetime]
    planned_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    state: Mapped[MessageState] = mapped_column(text_enum(MessageState), default=MessageState.QUEUED)
    reason: Mapped[str] = mapped_column(default="")
    ask_at: Mapped[datetime | None]
    claimed_by: Mapped[str] = mapped_column(default="", server_default="")
    carried_by_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    attempts_made: Mapped[int] = mapped_column(default=0)
    provider: Mapped[str] = mapped_column(default="")
    provider_reference: Mapped[str | None]
    text: Mapped[str] = mapped_column(default="")
    segments: Mapped[int] = mapped_column(default=0)
    accepted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)

    contact: Mapped[Contact | None] = relationship()
    replies: Mapped[list["Reply"]] = relationship(back_populates="message", order_by="Reply.id")
    carrier: Mapped["Message | None"] = relationship(remote_side="Message.id")

    @property
    def answers(self) -> list["Reply"]:
        """The replies to the text that this message went out in."""
        return (self.carrier or self).replies


class Attempt(Model):
    """One hand-over to a provider, committed before it is made."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    provider: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None] = mapped_column(text_enum(Outcome))
    provider_reference: Mapped[str | None]
    error_code: Mapped[str] = mapped_column(default="")


class Dispatcher(Model):
    """A run that holds claims; `seen_at` moves on while it lives, and what it claimed is given up when it stops."""

    __tablename__ = "dispatcher"

    id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)


class Gate(Model):
    """What holds a provider's traffic back: a bucket of segments, and a breaker that opens when it fails.

    `tokens` are the segments that may leave at `filled_at`; `failures` counts hand-overs in a row that failed;
    nothing is handed over before `open_until`, and `openings` says how often in a row it had to open.
    """

    __tablename__ = "gate"

    provider: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(default=0.0)
    filled_at: Mapped[datetime] = mapped_column(default=clock.now)
    failures: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[datetime | None]
    openings: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(default="")


class Receipt(Model):
    """What a provider said of a message; kept even if the message is not known (yet)."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("provider", "event_key"),
        Index("ix_receipt_reference", "provider", "provider_reference"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    event_key: Mapped[str]
    provider_reference: Mapped[str]
    status: Mapped[str]
    error_code: Mapped[str] = mapped_column(default="")
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(default=clock.now)


class Meaning(StrEnum):
    """What a reply was understood to say."""

    STOP = "stop"
    START = "start"
    GRADE = "grade"
    DONE = "done"
    CALL = "call"
    OTHER = "other"


class Reply(Model):
    """A text that came back; stored once, kept whole, acted on when it can be read."""

    __tablename__ = "reply"
    __table_args__ = (UniqueConstraint("provider", "event_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    event_key: Mapped[str]
    phone: Mapped[str] = mapped_column(SealedPhone, index=True)
    extension: Mapped[str] = mapped_column(default="", server_default="")
    text: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(default=clock.now)
    meaning: Mapped[Meaning] = mapped_column(text_enum(Meaning), default=Meaning.OTHER)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    handled_at: Mapped[datetime | None]
    handled_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(default="")

    message: Mapped[Message | None] = relationship(back_populates="replies")
    contact: Mapped[Contact | None] = relationship()


# Written out, not bound: databases use an index over part of a table only when they can read the condition.
QUEUED = Message.state == literal_column("'queued'")
SENDING = Message.state == literal_column("'sending'")
