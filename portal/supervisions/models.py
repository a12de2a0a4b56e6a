"""Orders of the legal office about a case. What is written stands among the case's events, sealed under its key."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.complaints.models import Complaint
from portal.db import Model, Recorded, partial_index, text_enum
from portal.organs.models import Organ


class SupervisionState(StrEnum):
    """Where an order stands."""

    ORDERED = "ordered"
    REPLIED = "replied"
    ACCEPTED = "accepted"


class Supervision(Recorded, Model):
    """One order to the organ that handles a case; `rounds` counts how often a reply was asked for."""

    __tablename__ = "supervision"
    __table_args__ = (partial_index("ix_supervision_open", "due_on", "id", where="state <> 'accepted'"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    state: Mapped[SupervisionState] = mapped_column(text_enum(SupervisionState), default=SupervisionState.ORDERED)
    due_on: Mapped[date]
    rounds: Mapped[int] = mapped_column(default=1)
    ordered_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    replied_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    replied_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]

    complaint: Mapped[Complaint] = relationship()
    organ: Mapped[Organ | None] = relationship()
