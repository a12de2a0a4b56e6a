"""Calls to make and calls made."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contacts.models import Contact
from portal.db import Model, Recorded, partial_index
from portal.parties.models import Party

WAITS, MADE = "done_at IS NULL", "done_at IS NOT NULL"


class Call(Recorded, Model):
    """Somebody whom a person shall call about `subject` (`permit:12`), because of a message or at their own wish.

    `organ_id` says whose clerks see it; without one it is the legal office's alone.
    """

    __tablename__ = "call"
    __table_args__ = (
        UniqueConstraint("key"),
        partial_index("ix_call_waits", "due_on", "id", where=WAITS),
        partial_index("ix_call_organ_waits", "organ_id", "due_on", "id", where=WAITS),
        partial_index("ix_call_made", "done_at", "id", where=MADE),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), index=True)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    reason: Mapped[str]
    due_on: Mapped[date]
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    result: Mapped[str] = mapped_column(default="")

    party: Mapped[Party | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
