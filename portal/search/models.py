"""The index over all that is public."""

from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, partial_index, text_enum


class EntryKind(StrEnum):
    """What a search entry leads to."""

    BASIS = "basis"
    ARTICLE = "article"
    PROCEDURE = "procedure"
    DECISION = "decision"
    ORGAN = "organ"
    POWER = "power"
    DISCRETION = "discretion"
    ANSWER = "answer"


class SearchEntry(Model):
    """One public thing that can be found; `search_text` is words and marks, written by `rules`.

    The id grows with the day of publication (`rules.entry_id`), so that whoever wants the newest sorts nothing.
    `title_key` is the folded title. An entry is not found after `published_until`.

    What no model can say: on SQLite a full-text table `search_index`, kept in step by triggers, and on PostgreSQL a
    column of that name, made of `search_text`, with an inverted index. Both see nothing but the words that `rules`
    wrote, so both find the same. A batch migration that copies this table on SQLite has to create the triggers again.
    """

    __tablename__ = "search_entry"
    __table_args__ = (
        UniqueConstraint("kind", "record_id"),
        partial_index("ix_search_entry_until", "published_until", where="published_until IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False
    )
    kind: Mapped[EntryKind] = mapped_column(text_enum(EntryKind))
    record_id: Mapped[int]
    url: Mapped[str]
    title: Mapped[str]
    title_key: Mapped[str]
    passage: Mapped[str] = mapped_column(default="")
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    published_on: Mapped[date]
    published_until: Mapped[date | None]
    search_text: Mapped[str]
