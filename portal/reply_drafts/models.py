"""Templates of answers and refusals, and what is being written for a case."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.complaints.models import Complaint, Enveloped, Finding, SealedText
from portal.db import Model, Recorded, text_enum
from portal.organs.models import Organ


class ReplyPurpose(StrEnum):
    """What a reply does."""

    ANSWER = "answer"
    REFUSAL = "refusal"


class DraftState(StrEnum):
    """Where a draft stands; one that is sent is a draft no longer."""

    WRITING = "writing"
    WAITING = "waiting"
    RETURNED = "returned"
    APPROVED = "approved"


class ReplyTemplate(Recorded, Model):
    """A text to start a reply from; an empty kind or category, or no organ, fits every one."""

    __tablename__ = "reply_template"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[ReplyPurpose] = mapped_column(text_enum(ReplyPurpose))
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    body: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)

    organ: Mapped[Organ | None] = relationship()


class ReplyDraft(Enveloped, Recorded, Model):
    """What is being written for a case, one at a time; its texts are sealed under the case's key.

    `writer_id` saved it last; whoever has saved it once, which the case's events tell, never reviews it.
    """

    __tablename__ = "reply_draft"

    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), primary_key=True)
    purpose: Mapped[ReplyPurpose] = mapped_column(text_enum(ReplyPurpose))
    state: Mapped[DraftState] = mapped_column(text_enum(DraftState), default=DraftState.WRITING)
    finding: Mapped[Finding | None] = mapped_column(text_enum(Finding))
    ground: Mapped[str] = mapped_column(default="")
    texts_sealed: Mapped[bytes | None]
    writer_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    reviewed_at: Mapped[datetime | None]

    text = SealedText("texts_sealed")
    elsewhere = SealedText("texts_sealed")
    comment = SealedText("texts_sealed")

    complaint: Mapped[Complaint] = relationship()

    def open_data_key(self) -> bytes:
        """Return the key of the complaint that this answers."""
        return self.complaint.open_data_key()

    def seal_context(self, envelope: str) -> str:
        """Return what the texts are bound to: the draft of this complaint."""
        return f"reply_draft.{envelope}:{self.complaint.number}"
