"""A city's own bodies, and what each provider has of them on file."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.accounts.models import Staff
from portal.db import Model, text_enum


class Approval(StrEnum):
    """How far a provider's own examination of a template has come."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REFUSED = "refused"


class Wording(Model):
    """A city's own body of a text, instead of the one that ships; `{name}` marks a variable."""

    __tablename__ = "wording"
    __table_args__ = (UniqueConstraint("name", "locale"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    locale: Mapped[str]
    body: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    changed_by: Mapped[Staff | None] = relationship()


class ProviderTemplate(Model):
    """A body as a provider has (or shall have) it on file: only approved shapes reach mainland phones through it.

    `template_id` is the provider's; `decided_on` the day it was approved or refused, `note` its reason.
    """

    __tablename__ = "provider_template"
    __table_args__ = (UniqueConstraint("provider", "name", "locale"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    name: Mapped[str]
    locale: Mapped[str]
    body: Mapped[str]
    template_id: Mapped[str] = mapped_column(default="")
    status: Mapped[Approval] = mapped_column(text_enum(Approval), default=Approval.DRAFT)
    decided_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    changed_by: Mapped[Staff | None] = relationship()
