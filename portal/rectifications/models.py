"""What a bad grade opens. What was said and written stands among the case's events, sealed under its key."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.complaints.models import Complaint
from portal.db import Model, Recorded, partial_index, text_enum


class Outcome(StrEnum):
    """How a rectification ended."""

    ANSWERED = "answered"
    MISTAKE = "mistake"
    REOPENED = "reopened"


class Rectification(Recorded, Model):
    """The work after one bad grade; a case has one open at a time.

    `mistake_by_id` is who says that the grade was given by mistake, while a second person has not decided that.
    """

    __tablename__ = "rectification"
    __table_args__ = (partial_index("ix_rectification_open", "due_on", "id", where="closed_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    grade: Mapped[int]
    contact_due_on: Mapped[date]
    due_on: Mapped[date]
    contacted_at: Mapped[datetime | None]
    contacted_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    mistake_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    outcome: Mapped[Outcome | None] = mapped_column(text_enum(Outcome))

    complaint: Mapped[Complaint] = relationship()
