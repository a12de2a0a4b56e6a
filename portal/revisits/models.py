"""Revisits after a decision, and the work that a bad grade opens."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contacts.models import Contact
from portal.db import Model, Recorded, partial_index, text_enum
from portal.decisions.models import Decision


class RevisitState(StrEnum):
    """Where a revisit stands."""

    PLANNED = "planned"
    ASKED = "asked"
    ANSWERED = "answered"
    PERSON = "person"
    CLOSED = "closed"


class Revisit(Recorded, Model):
    """One question to the party of one decision; `token_hash` finds it by its one-time link."""

    __tablename__ = "revisit"
    __table_args__ = (partial_index("ix_revisit_planned", "due_on", where="state = 'planned'"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), unique=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    state: Mapped[RevisitState] = mapped_column(text_enum(RevisitState), default=RevisitState.PLANNED)
    due_on: Mapped[date]
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    token_expires_at: Mapped[datetime | None]
    token_used_at: Mapped[datetime | None]
    channel: Mapped[str] = mapped_column(default="")
    grade: Mapped[int | None]
    comment: Mapped[str] = mapped_column(default="")
    call_back: Mapped[bool] = mapped_column(default=False)
    answered_at: Mapped[datetime | None]

    decision: Mapped[Decision] = relationship()
    contact: Mapped[Contact | None] = relationship()
    follow_up: Mapped["FollowUp | None"] = relationship(back_populates="revisit", uselist=False)


class FollowUp(Recorded, Model):
    """What a bad grade opens: contact within one working day, rectify within fifteen, close with an answer."""

    __tablename__ = "follow_up"

    id: Mapped[int] = mapped_column(primary_key=True)
    revisit_id: Mapped[int] = mapped_column(ForeignKey("revisit.id"), unique=True)
    contact_due_on: Mapped[date]
    due_on: Mapped[date]
    contacted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    answer: Mapped[str] = mapped_column(default="")

    revisit: Mapped[Revisit] = relationship(back_populates="follow_up")
