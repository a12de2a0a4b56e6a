"""High-risk periods (违法易发时段), the days on which they fall, and the batches of texts that tell of them."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.db import Model, Recorded, text_enum


class BatchState(StrEnum):
    """Where a batch stands: nothing of it leaves before a second person has approved it."""

    PREPARED = "prepared"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PLANNED = "planned"
    REFUSED = "refused"
    EXPIRED = "expired"


class RiskPeriod(Recorded, Model):
    """A time of the year in which parties of some trades easily break a rule.

    `first_day` and `last_day` are `MM-DD` where a law or practice fixes them; else `days` holds them year by year.
    `trades` and `streets` choose the parties, empty for all; `days_ahead` says when they hear of it.
    """

    __tablename__ = "risk_period"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    basis: Mapped[str] = mapped_column(default="")
    first_day: Mapped[str] = mapped_column(default="")
    last_day: Mapped[str] = mapped_column(default="")
    days_ahead: Mapped[int] = mapped_column(default=7)
    trades: Mapped[list[str]] = mapped_column(JSON, default=list)
    streets: Mapped[list[str]] = mapped_column(JSON, default=list)
    advice: Mapped[str] = mapped_column(default="")
    advice_en: Mapped[str] = mapped_column(default="")
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    active: Mapped[bool] = mapped_column(default=True)

    days: Mapped[list["RiskPeriodDays"]] = relationship(back_populates="period", order_by="RiskPeriodDays.starts_on")


class RiskPeriodDays(Model):
    """The days of one year on which a period falls that no law fixes: lunar feasts, or a notice of that year."""

    __tablename__ = "risk_period_days"
    __table_args__ = (UniqueConstraint("period_id", "starts_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(ForeignKey("risk_period.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    period: Mapped[RiskPeriod] = relationship(back_populates="days")


class RiskBatch(Recorded, Model):
    """The texts of one period in one year; what is sent is what was approved, whatever the period says later.

    `recipients` and `segments` are counted when it is submitted and again when it is planned; an urgent batch
    goes out in quiet hours and on days off, for the reason its approver gave. `planned_to` is how far planning came.
    """

    __tablename__ = "risk_batch"
    __table_args__ = (UniqueConstraint("period_id", "starts_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(ForeignKey("risk_period.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    send_on: Mapped[date]
    state: Mapped[BatchState] = mapped_column(text_enum(BatchState), default=BatchState.PREPARED)
    advice: Mapped[str] = mapped_column(default="")
    advice_en: Mapped[str] = mapped_column(default="")
    trades: Mapped[list[str]] = mapped_column(JSON, default=list)
    streets: Mapped[list[str]] = mapped_column(JSON, default=list)
    urgent: Mapped[bool] = mapped_column(default=False)
    urgent_reason: Mapped[str] = mapped_column(default="")
    recipients: Mapped[int] = mapped_column(default=0)
    suppressed: Mapped[int] = mapped_column(default=0)
    segments: Mapped[int] = mapped_column(default=0)
    planned: Mapped[int] = mapped_column(default=0)
    planned_to: Mapped[int] = mapped_column(default=0)
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    submitted_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)

    period: Mapped[RiskPeriod] = relationship()
