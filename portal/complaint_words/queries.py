"""Finding complaints by what stands in their sealed texts, with one face for both databases."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from portal.complaint_words import rules
from portal.complaint_words.models import ComplaintWords
from portal.complaints.models import Complaint
from portal.db import db
from portal.vault import peek_vault

PURPOSE = "complaint-words"
# Those that overlap can be committed in another order than that of their numbers.
OVERLAP = 1000
# What came in since words were entered last is looked at whatever it says.
FRESH = (
    "SELECT fresh.id FROM complaint AS fresh WHERE fresh.id > :words_from AND fresh.texts_sealed IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM complaint_words WHERE complaint_words.complaint_id = fresh.id)"
)
NUMBERED = "SELECT numbered.id FROM complaint AS numbered WHERE numbered.external_number = :asked"
ON_SQLITE = "SELECT rowid FROM complaint_search_index WHERE complaint_search_index MATCH :asked_words"
ON_POSTGRESQL = (
    "SELECT complaint_id FROM complaint_words WHERE search_index @> string_to_array(:asked_words, ' ')::bigint[]"
)


def words_key() -> bytes:
    """Return the key of the digests, made of the part of the vault that never changes."""
    return peek_vault().digest(PURPOSE, "key")


def on_sqlite() -> bool:
    """Whether the index is SQLite's."""
    return bool(db.engine.dialect.name == "sqlite")


def may_hold(query: str) -> sa.ColumnElement[bool]:
    """Return the condition under which a complaint may hold what a query asks for, or has it for a number elsewhere.

    Its opened texts decide. The query has to hold something to look for (`search.rules.too_short`).
    """
    words = rules.asked(query, words_key())
    if on_sqlite():
        found, asked = ON_SQLITE, " AND ".join(word.hex() for word in words)
    else:
        found, asked = ON_POSTGRESQL, " ".join(str(int.from_bytes(word)) for word in words)
    condition = sa.text(f"complaint.id IN ({found} UNION ALL {FRESH} UNION ALL {NUMBERED})")
    return condition.bindparams(asked_words=asked, words_from=find_start(), asked=query)  # type: ignore[return-value]


def find_start() -> int:
    """Return the id after which complaints may have no words yet."""
    return (db.session.scalar(sa.select(sa.func.max(ComplaintWords.complaint_id))) or 0) - OVERLAP


def list_texts(complaint: Complaint) -> list[str]:
    """Return what of a complaint can be found: what its sender wrote and what was written to them, never who they are.

    Internal notes are not among it.
    """
    said = [event.text for event in complaint.events if event.public]
    return [*list_texts_of_case(complaint), *said]


def list_texts_of_case(complaint: Complaint) -> list[str]:
    """Return the texts in a complaint's own envelope that it is found by."""
    own = (complaint.title, complaint.officer, complaint.facts, complaint.wants, complaint.place)
    return [*own, complaint.answer, complaint.grade_comment]


def list_missing(after: int, limit: int) -> Sequence[Complaint]:
    """Return complaints with texts but without words, after an id, with what was written to them."""
    entered = sa.exists().where(ComplaintWords.complaint_id == Complaint.id)
    statement = sa.select(Complaint).where(Complaint.id > after, Complaint.texts_sealed.is_not(None), ~entered)
    return db.session.scalars(
        statement.options(selectinload(Complaint.events)).order_by(Complaint.id).limit(limit)
    ).all()
