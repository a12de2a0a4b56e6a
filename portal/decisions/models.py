"""Decisions: the results of enforcement."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.bases.models import Article
from portal.db import Model, Recorded, partial_index, text_enum
from portal.decisions.rules import number_key
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


class CheckKind(StrEnum):
    """What some decisions need before they may be published."""

    LEGAL_REVIEW = "legal_review"
    RISK_ASSESSMENT = "risk_assessment"


class CorrectionState(StrEnum):
    """Where a correction stands."""

    PROPOSED = "proposed"
    APPLIED = "applied"
    REFUSED = "refused"


class RepairState(StrEnum):
    """Where an application stands."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


def _find_key(context: Any) -> str:
    return number_key(context.get_current_parameters()["document_number"])


class Decision(Recorded, Model):
    """One decision, in the words that the public reads; what was masked stands in `DecisionOriginal`. Money in yuan.

    Neither who created nor who last edited a decision may publish it. `publish_until` is the last public day.
    `masked_at` is when a person confirmed the masking of the present text. `withdrawal_ordered_on` is the day from
    which the three working days of a withdrawal count, `withdrawal_order` says for staff who ordered it;
    `withdrawal_reason` is written for the public.
    """

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("organ_id", "document_number"),
        Index("ix_decision_published", "state", "published_at", "id"),
        Index("ix_decision_number", "organ_id", "number_key", unique=True),
        Index("ix_decision_ends", "state", "publish_until"),
        partial_index(
            "ix_decision_withdrawal_ordered", "withdrawal_ordered_on", where="withdrawal_ordered_on IS NOT NULL"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DecisionKind] = mapped_column(text_enum(DecisionKind))
    state: Mapped[DecisionState] = mapped_column(text_enum(DecisionState), default=DecisionState.DRAFT)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), index=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), index=True)
    document_number: Mapped[str]
    number_key: Mapped[str] = mapped_column(default=_find_key)
    title: Mapped[str]
    violation: Mapped[str] = mapped_column(default="")
    facts: Mapped[str] = mapped_column(default="")
    basis_text: Mapped[str] = mapped_column(default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"))
    measures: Mapped[list[str]] = mapped_column(JSON, default=list)
    content: Mapped[str] = mapped_column(default="")
    fine: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    confiscated: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    certificate: Mapped[str] = mapped_column(default="")
    on_the_spot: Mapped[bool] = mapped_column(default=False)
    place: Mapped[str] = mapped_column(default="")
    industry: Mapped[str] = mapped_column(default="")
    legal_representative: Mapped[str] = mapped_column(default="")
    document_name: Mapped[str] = mapped_column(default="")
    permit_category: Mapped[str] = mapped_column(default="")
    permit_number: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    note: Mapped[str] = mapped_column(default="")
    decided_on: Mapped[date]
    published_at: Mapped[datetime | None]
    publish_until: Mapped[date | None]
    corrected_at: Mapped[datetime | None]
    withdrawal_ordered_on: Mapped[date | None]
    withdrawal_order: Mapped[str] = mapped_column(default="")
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str] = mapped_column(default="")
    early_stop_on: Mapped[date | None]
    early_stop_reason: Mapped[str] = mapped_column(default="")
    masked_at: Mapped[datetime | None]
    masked_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    revisit_required: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    edited_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    review_note: Mapped[str] = mapped_column(default="")

    organ: Mapped[Organ] = relationship()
    party: Mapped[Party] = relationship()
    article: Mapped[Article | None] = relationship()
    original: Mapped["DecisionOriginal | None"] = relationship(back_populates="decision", cascade="all, delete-orphan")
    corrections: Mapped[list["DecisionCorrection"]] = relationship(
        order_by="DecisionCorrection.id", cascade="all, delete-orphan", passive_deletes=True
    )

    @validates("document_number")
    def _keep_key(self, _name: str, number: str) -> str:
        self.number_key = number_key(number)
        return number


class DecisionOriginal(Model):
    """The unmasked texts of a decision by column name, and the marks a person left in them; never for the public."""

    __tablename__ = "decision_original"

    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id", ondelete="CASCADE"), primary_key=True)
    texts: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    marks: Mapped[dict[str, list[dict[str, Any]]]] = mapped_column(JSON, default=dict)

    decision: Mapped[Decision] = relationship(back_populates="original")


class DecisionCheck(Recorded, Model):
    """A legal review or risk assessment on record."""

    __tablename__ = "decision_check"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id", ondelete="CASCADE"), index=True)
    kind: Mapped[CheckKind] = mapped_column(text_enum(CheckKind))
    document_number: Mapped[str]
    concluded_on: Mapped[date]
    passed: Mapped[bool]
    note: Mapped[str] = mapped_column(default="")
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class DecisionCorrection(Recorded, Model):
    """A change of a published decision: proposed by one person, applied by another; `note` is written for the public.

    `before` and `after` hold the changed columns, in the words of the original; `masked` holds the changed texts as
    the public will read them, once a person has confirmed them (`masked_at`). `objected_on` is the day on which
    somebody asked for the correction, `answer` why it was refused.
    """

    __tablename__ = "decision_correction"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id", ondelete="CASCADE"), index=True)
    state: Mapped[CorrectionState] = mapped_column(text_enum(CorrectionState), default=CorrectionState.PROPOSED)
    note: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    masked: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    marks: Mapped[dict[str, list[dict[str, Any]]]] = mapped_column(JSON, default=dict)
    masked_at: Mapped[datetime | None]
    masked_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    objected_on: Mapped[date | None]
    answer: Mapped[str] = mapped_column(default="")
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]


class CreditRepair(Recorded, Model):
    """An application for credit repair: entered by one person, decided by another.

    `reason` says for staff what proves the conditions, `answer` why the application was granted or refused.
    """

    __tablename__ = "credit_repair"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id", ondelete="CASCADE"), index=True)
    state: Mapped[RepairState] = mapped_column(text_enum(RepairState), default=RepairState.OPEN)
    applied_on: Mapped[date]
    reason: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(default="")
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
