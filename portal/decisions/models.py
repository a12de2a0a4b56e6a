"""Decisions: the results of enforcement."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.bases.models import Article
from portal.db import Model, Recorded, text_enum
from portal.organs.models import Organ
from portal.parties.models import Party


class DecisionKind(StrEnum):
    """What was decided."""

    PENALTY = "penalty"
    PERMIT = "permit"
    INSPECTION = "inspection"
    COERCION = "coercion"


class DecisionState(StrEnum):
    """Where publication stands."""

    DRAFT = "draft"
    REVIEW = "review"
    SENT_BACK = "sent_back"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Decision(Recorded, Model):
    """One decision. Money is in yuan. `withdrawal_reason` is written for the public.

    Neither who created nor who last edited a decision may publish it. `publish_until` is the last public day.
    """

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("organ_id", "document_number"),
        Index("ix_decision_published", "state", "published_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DecisionKind] = mapped_column(text_enum(DecisionKind))
    state: Mapped[DecisionState] = mapped_column(text_enum(DecisionState), default=DecisionState.DRAFT)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), index=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), index=True)
    document_number: Mapped[str]
    title: Mapped[str]
    violation: Mapped[str] = mapped_column(default="")
    facts: Mapped[str] = mapped_column(default="")
    basis_text: Mapped[str] = mapped_column(default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"))
    measures: Mapped[list[str]] = mapped_column(JSON, default=list)
    content: Mapped[str] = mapped_column(default="")
    fine: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    on_the_spot: Mapped[bool] = mapped_column(default=False)
    decided_on: Mapped[date]
    published_at: Mapped[datetime | None]
    publish_until: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str] = mapped_column(default="")
    revisit_required: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    edited_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    review_note: Mapped[str] = mapped_column(default="")

    organ: Mapped[Organ] = relationship()
    party: Mapped[Party] = relationship()
    article: Mapped[Article | None] = relationship()
