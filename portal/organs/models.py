"""Enforcement organs and officers, with the dates between which they exist."""

from datetime import date
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Model, Recorded, text_enum


class OrganKind(StrEnum):
    """On what ground an organ enforces (administrative penalty law, articles 17 to 21)."""

    STATUTORY = "statutory"
    AUTHORISED = "authorised"
    ENTRUSTED = "entrusted"


class Organ(Recorded, Model):
    """An enforcement organ; `confirmed` is false while it is only known from an imported row."""

    __tablename__ = "organ"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str] = mapped_column(default="")
    short_name: Mapped[str] = mapped_column(default="")
    kind: Mapped[OrganKind] = mapped_column(text_enum(OrganKind), default=OrganKind.STATUTORY)
    credit_code: Mapped[str | None]
    legal_ground: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    supervises: Mapped[bool] = mapped_column(default=False)
    confirmed: Mapped[bool] = mapped_column(default=True)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))

    successor: Mapped["Organ | None"] = relationship(remote_side="Organ.id")
    officers: Mapped[list["Officer"]] = relationship(back_populates="organ", order_by="Officer.card_number")


class Officer(Recorded, Model):
    """An enforcement officer, known to the public by the number of the enforcement card."""

    __tablename__ = "officer"

    id: Mapped[int] = mapped_column(primary_key=True)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), index=True)
    name: Mapped[str]
    card_number: Mapped[str] = mapped_column(unique=True)
    category: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    suspended_on: Mapped[date | None]

    organ: Mapped[Organ] = relationship(back_populates="officers")


class Recognition(Recorded, Model):
    """The yearly announcement of which organs are recognised to enforce; `body` is its text as published."""

    __tablename__ = "recognition"

    id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str]
    document_number: Mapped[str] = mapped_column(default="")
    issuer: Mapped[str] = mapped_column(default="")
    announced_on: Mapped[date]
    body: Mapped[str] = mapped_column(default="")

    organs: Mapped[list["RecognisedOrgan"]] = relationship(back_populates="recognition", cascade="all, delete-orphan")


class RecognisedOrgan(Model):
    """One organ that an announcement names."""

    __tablename__ = "recognised_organ"
    __table_args__ = (UniqueConstraint("recognition_id", "organ_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    recognition_id: Mapped[int] = mapped_column(ForeignKey("recognition.id", ondelete="CASCADE"))
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), index=True)

    recognition: Mapped[Recognition] = relationship(back_populates="organs")
    organ: Mapped[Organ] = relationship()
