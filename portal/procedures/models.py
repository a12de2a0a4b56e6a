"""Procedures: what happens in which order, by whom, within what time."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Model, Recorded
from portal.organs.models import Organ


class Procedure(Recorded, Model):
    """A procedure as published; texts are data in the city's language with an English rendering.

    `edited_at` is when staff last changed it; from then on it is the city's own.
    """

    __tablename__ = "procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    title_en: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    summary_en: Mapped[str] = mapped_column(default="")
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    fee: Mapped[str] = mapped_column(default="")
    fee_en: Mapped[str] = mapped_column(default="")
    documents: Mapped[str] = mapped_column(default="")
    documents_en: Mapped[str] = mapped_column(default="")
    remedies: Mapped[str] = mapped_column(default="")
    remedies_en: Mapped[str] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    edited_at: Mapped[datetime | None]

    organ: Mapped[Organ | None] = relationship()
    steps: Mapped[list["ProcedureStep"]] = relationship(
        back_populates="procedure", order_by="ProcedureStep.position", cascade="all, delete-orphan"
    )


class ProcedureStep(Model):
    """One step; `branch` names the condition when the step is only taken under one, `ends` that nothing follows it."""

    __tablename__ = "procedure_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    title: Mapped[str]
    title_en: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    text_en: Mapped[str] = mapped_column(default="")
    actor: Mapped[str] = mapped_column(default="")
    actor_en: Mapped[str] = mapped_column(default="")
    limit: Mapped[str] = mapped_column(default="")
    limit_en: Mapped[str] = mapped_column(default="")
    law: Mapped[str] = mapped_column(default="")
    law_en: Mapped[str] = mapped_column(default="")
    article: Mapped[str] = mapped_column(default="")
    branch: Mapped[str] = mapped_column(default="")
    branch_en: Mapped[str] = mapped_column(default="")
    ends: Mapped[bool] = mapped_column(default=False)

    procedure: Mapped[Procedure] = relationship(back_populates="steps")
