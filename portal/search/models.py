"""The index over all that is public."""

from datetime import date
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, text_enum


class EntryKind(StrEnum):
    """What a search entry leads to."""

    BASIS = "basis"
    ARTICLE = "article"
    PROCEDURE = "procedure"
    DECISION = "decision"
    ORGAN = "organ"


class SearchEntry(Model):
    """One public thing that can be found; `search_text` is bigrams, written by `rules.search_text`."""

    __tablename__ = "search_entry"
    __table_args__ = (UniqueConstraint("kind", "record_id"), Index("ix_search_entry_published", "published_on", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[EntryKind] = mapped_column(text_enum(EntryKind))
    record_id: Mapped[int]
    url: Mapped[str]
    title: Mapped[str]
    passage: Mapped[str] = mapped_column(default="")
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    published_on: Mapped[date]
    search_text: Mapped[str]
