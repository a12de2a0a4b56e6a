"""Enforcement organs and officers, with the dates between which they exist."""

from datetime import date
from enum import StrEnum

from sqlalchemy import ForeignKey
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
