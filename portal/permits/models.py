"""Permits, their types, and the renewal windows the law gives each type."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contacts.models import Contact
from portal.db import Model, Recorded, partial_index, text_enum
from portal.organs.models import Organ
from portal.parties.models import Party


class WindowUnit(StrEnum):
    """The unit in which a law counts back from expiry."""

    DAY = "day"
    WORKING_DAY = "working_day"
    MONTH = "month"


class PermitStatus(StrEnum):
    """Whether a permit still stands."""

    VALID = "valid"
    RENEWED = "renewed"
    REVOKED = "revoked"


class PermitType(Model):
    """A kind of permit; `short_name` has at most six characters, the limit of an SMS variable."""

    __tablename__ = "permit_type"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    short_name: Mapped[str]
    short_name_en: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(JSON, default=list)
    reminder_offsets: Mapped[list[int]] = mapped_column(JSON, default=list)

    windows: Mapped[list["RenewalWindow"]] = relationship(back_populates="permit_type", order_by="RenewalWindow.id")


class RenewalWindow(Model):
    """When renewal may be applied for: from `opens` to `closes` units before expiry, by law and article."""

    __tablename__ = "renewal_window"

    id: Mapped[int] = mapped_column(primary_key=True)
    permit_type_id: Mapped[int] = mapped_column(ForeignKey("permit_type.id"), index=True)
    opens: Mapped[int | None]
    opens_unit: Mapped[WindowUnit | None] = mapped_column(text_enum(WindowUnit))
    closes: Mapped[int]
    closes_unit: Mapped[WindowUnit] = mapped_column(text_enum(WindowUnit))
    law: Mapped[str]
    article: Mapped[str]
    in_force_from: Mapped[date | None]
    in_force_to: Mapped[date | None]

    permit_type: Mapped[PermitType] = relationship(back_populates="windows")


class Permit(Recorded, Model):
    """One permit. `last_apply_on` is the last day to apply for renewal, computed from expiry and the window.

    `next_reminder_on` is the next day on which the planner has something to do; none when nothing is left.
    """

    __tablename__ = "permit"
    __table_args__ = (
        UniqueConstraint("organ_id", "number"),
        partial_index("ix_permit_next_reminder", "next_reminder_on", where="next_reminder_on IS NOT NULL"),
        Index("ix_permit_last_apply", "last_apply_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), index=True)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"))
    permit_type_id: Mapped[int] = mapped_column(ForeignKey("permit_type.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    contact_name: Mapped[str] = mapped_column(default="")
    number: Mapped[str]
    document_name: Mapped[str] = mapped_column(default="")
    document_number: Mapped[str] = mapped_column(default="")
    certificate_name: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    content: Mapped[str] = mapped_column(default="")
    decided_on: Mapped[date | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date]
    status: Mapped[PermitStatus] = mapped_column(text_enum(PermitStatus), default=PermitStatus.VALID)
    window_id: Mapped[int | None] = mapped_column(ForeignKey("renewal_window.id"))
    window_opens_on: Mapped[date | None]
    last_apply_on: Mapped[date]
    last_apply_certain: Mapped[bool] = mapped_column(default=True)
    next_reminder_on: Mapped[date | None]
    renewal_reported_at: Mapped[datetime | None]

    party: Mapped[Party] = relationship()
    organ: Mapped[Organ] = relationship()
    permit_type: Mapped[PermitType] = relationship()
    contact: Mapped[Contact | None] = relationship()
    window: Mapped[RenewalWindow | None] = relationship()
