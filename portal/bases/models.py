"""Enforcement bases: laws, regulations and rules, article by article."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Model, Recorded, text_enum


class BasisStatus(StrEnum):
    """Whether a text is in force."""

    IN_FORCE = "in_force"
    AMENDED = "amended"
    REPEALED = "repealed"


class Basis(Recorded, Model):
    """One text that enforcement rests on, in the version of `version_on`.

    Versions of the same text share `work`; `replaced_by` is what repealed or amended this one, from `ended_on` on. One
    that is in force and has an `ended_on` lapses then. `edited_at` is when staff last changed what is said of it.
    `note` is what stands before the first article, `annex` what follows the last; `level` is a code.
    """

    __tablename__ = "basis"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    level: Mapped[str] = mapped_column(default="")
    issuer: Mapped[str] = mapped_column(default="")
    document_number: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    annex: Mapped[str] = mapped_column(default="")
    version_on: Mapped[date | None]
    effective_on: Mapped[date | None]
    status: Mapped[BasisStatus] = mapped_column(text_enum(BasisStatus), default=BasisStatus.IN_FORCE)
    sha256: Mapped[str] = mapped_column(default="")
    work: Mapped[str] = mapped_column(default="", index=True)
    ended_on: Mapped[date | None]
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("basis.id"))
    edited_at: Mapped[datetime | None]

    replaced_by: Mapped["Basis | None"] = relationship(remote_side="Basis.id")
    articles: Mapped[list["Article"]] = relationship(
        back_populates="basis", order_by="Article.position", cascade="all, delete-orphan"
    )


class Article(Model):
    """One article, addressable by number; `label` is as printed, `chapter` the heading it stands under."""

    __tablename__ = "article"
    __table_args__ = (UniqueConstraint("basis_id", "number", "suffix"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    basis_id: Mapped[int] = mapped_column(ForeignKey("basis.id", ondelete="CASCADE"))
    position: Mapped[int]
    number: Mapped[int]
    suffix: Mapped[int] = mapped_column(default=0)
    label: Mapped[str]
    chapter: Mapped[str] = mapped_column(default="")
    section: Mapped[str] = mapped_column(default="")
    text: Mapped[str]

    basis: Mapped[Basis] = relationship(back_populates="articles")
