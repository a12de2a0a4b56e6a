"""Regulated parties: whom permits and decisions concern."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.contacts.models import Contact
from portal.db import Model, Recorded, text_enum


class PartyKind(StrEnum):
    """The three kinds of the dual-publication columns (XK_XDR_LB, CF_XDR_LB)."""

    ORGANISATION = "organisation"
    SOLE_TRADER = "sole_trader"
    PERSON = "person"


class Party(Recorded, Model):
    """A business or person under regulation. Identity numbers of natural persons are never kept."""

    __tablename__ = "party"
    __table_args__ = (Index("ix_party_name_kind", "name", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PartyKind] = mapped_column(text_enum(PartyKind))
    name: Mapped[str]
    credit_code: Mapped[str | None] = mapped_column(unique=True)
    industry: Mapped[str] = mapped_column(default="")
    street: Mapped[str] = mapped_column(default="")
    contact_name: Mapped[str] = mapped_column(default="")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)

    contact: Mapped[Contact | None] = relationship()
