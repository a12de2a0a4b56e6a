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
    """One public thing that can be found; `search_text` is bigrams, written by `rules.search_text`.

    `title_key` is the folded title, for "title first". An entry is not found after `published_until`.
    """

    __tablename__ = "search_entry"
    __table_args__ = (UniqueConstraint("kind", "record_id"), Index("ix_search_entry_published", "published_on", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
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


# What no model can say: SQLite's full-text table, kept in step by triggers, and PostgreSQL's inverted index.
# Both see nothing but the words that `rules.search_text` wrote, so both find the same. A batch migration that
# copies `search_entry` on SQLite has to create the triggers again.
INDEX_UP = {
    "sqlite": (
        (
            "CREATE VIRTUAL TABLE search_index USING fts5(search_text, content='search_entry', content_rowid='id', "
            "detail=none, columnsize=0, tokenize='ascii')"
        ),
        (
            "CREATE TRIGGER search_entry_inserted AFTER INSERT ON search_entry BEGIN "
            "INSERT INTO search_index(rowid, search_text) VALUES (new.id, new.search_text); END"
        ),
        (
            "CREATE TRIGGER search_entry_deleted AFTER DELETE ON search_entry BEGIN "
            "INSERT INTO search_index(search_index, rowid, search_text) VALUES ('delete', old.id, old.search_text); END"
        ),
        (
            "CREATE TRIGGER search_entry_updated AFTER UPDATE ON search_entry BEGIN "
            "INSERT INTO search_index(search_index, rowid, search_text) VALUES ('delete', old.id, old.search_text); "
            "INSERT INTO search_index(rowid, search_text) VALUES (new.id, new.search_text); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE INDEX ix_search_entry_words ON search_entry "
            "USING gin (array_to_tsvector(string_to_array(search_text, ' ')))"
        ),
    ),
}
INDEX_DOWN = {
    "sqlite": ("DROP TABLE search_index",),
    "postgresql": ("DROP INDEX ix_search_entry_words",),
}
