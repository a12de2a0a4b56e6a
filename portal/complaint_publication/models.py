"""What is being prepared for publication, sealed under the case's key, and what is published.

What is published does not know its case: nothing public leads back to it.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.complaints.models import Complaint, ComplaintKind, Enveloped, Finding, SealedText
from portal.db import Model, Recorded, text_enum
from portal.organs.models import Organ


class EditionState(StrEnum):
    """Where the publication of a case stands."""

    WRITING = "writing"
    WAITING = "waiting"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


class PublishedAnswer(Recorded, Model):
    """A question and its answer as everybody reads them; `month` is the first day of the month of the answer.

    What is withdrawn keeps its id, so that its address says so, and nothing else.
    """

    __tablename__ = "published_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ComplaintKind] = mapped_column(text_enum(ComplaintKind))
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"), index=True)
    month: Mapped[date]
    finding: Mapped[Finding | None] = mapped_column(text_enum(Finding))
    title: Mapped[str]
    question: Mapped[str]
    answer: Mapped[str]
    withdrawn_at: Mapped[datetime | None]

    organ: Mapped[Organ | None] = relationship()


class AnswerEdition(Enveloped, Recorded, Model):
    """The words of a case on their way to the public, and what people decided about them; `marks` is JSON.

    Whoever wrote or masked any of it, which the case's events tell, never releases it.
    """

    __tablename__ = "answer_edition"

    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), primary_key=True)
    state: Mapped[EditionState] = mapped_column(text_enum(EditionState), default=EditionState.WRITING)
    texts_sealed: Mapped[bytes | None]
    writer_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    published_id: Mapped[int | None] = mapped_column(ForeignKey("published_answer.id"), unique=True)

    title = SealedText("texts_sealed")
    question = SealedText("texts_sealed")
    answer = SealedText("texts_sealed")
    marks = SealedText("texts_sealed")
    comment = SealedText("texts_sealed")

    complaint: Mapped[Complaint] = relationship()
    published: Mapped[PublishedAnswer | None] = relationship()

    def open_data_key(self) -> bytes:
        """Return the key of the complaint that this makes public."""
        return self.complaint.open_data_key()

    def seal_context(self, envelope: str) -> str:
        """Return what the texts are bound to: the publication of this complaint."""
        return f"answer_edition.{envelope}:{self.complaint.number}"
