"""Accountability records. What is written in them is sealed under the case's key."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.complaints.models import Complaint, Enveloped, SealedText
from portal.db import Model, Recorded
from portal.organs.models import Organ


class Accountability(Enveloped, Recorded, Model):
    """One breach that a case has shown; `ground` and `measure` are keys of the data that ships."""

    __tablename__ = "accountability"

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    ground: Mapped[str]
    measure: Mapped[str] = mapped_column(default="")
    texts_sealed: Mapped[bytes | None]
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    closed_at: Mapped[datetime | None]

    facts = SealedText("texts_sealed")
    outcome = SealedText("texts_sealed")

    complaint: Mapped[Complaint] = relationship()
    organ: Mapped[Organ | None] = relationship()

    def open_data_key(self) -> bytes:
        """Return the key of the complaint that has shown it."""
        return self.complaint.open_data_key()

    def seal_context(self, envelope: str) -> str:
        """Return what the texts are bound to: a record of this complaint."""
        return f"accountability.{envelope}:{self.complaint.number}"
