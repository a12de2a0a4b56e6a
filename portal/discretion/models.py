"""Discretion standards and their tiers (administrative penalty law, article 34)."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.bases.models import Article
from portal.db import Model, Recorded, text_enum
from portal.organs.models import Organ


class Tier(StrEnum):
    """How heavily a violation is punished (State Council office on discretion standards, section 6)."""

    NONE = "none"
    WAIVED = "waived"
    REDUCED = "reduced"
    LIGHT = "light"
    NORMAL = "normal"
    HEAVY = "heavy"


class DiscretionStandard(Recorded, Model):
    """What one violation costs; `valid_to` is the last day it is applied."""

    __tablename__ = "discretion_standard"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    violation: Mapped[str]
    trade: Mapped[str] = mapped_column(default="")
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), index=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"), index=True)
    basis_text: Mapped[str] = mapped_column(default="")
    document_number: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]

    organ: Mapped[Organ] = relationship()
    article: Mapped[Article | None] = relationship()
    tiers: Mapped[list["DiscretionTier"]] = relationship(
        back_populates="standard", order_by="DiscretionTier.position", cascade="all, delete-orphan"
    )


class DiscretionTier(Model):
    """One tier: under which condition, what; fines in yuan where the range names them."""

    __tablename__ = "discretion_tier"
    __table_args__ = (UniqueConstraint("standard_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    standard_id: Mapped[int] = mapped_column(ForeignKey("discretion_standard.id", ondelete="CASCADE"))
    position: Mapped[int]
    tier: Mapped[Tier] = mapped_column(text_enum(Tier))
    condition: Mapped[str] = mapped_column(default="")
    consequence: Mapped[str] = mapped_column(default="")
    fine_from: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    fine_to: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))

    standard: Mapped[DiscretionStandard] = relationship(back_populates="tiers")
