"""Writing the index: each feature enters what it publishes and takes out what it withdraws."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from portal.db import db, upsert
from portal.search import rules
from portal.search.models import EntryKind, SearchEntry

MAX_PASSAGE = 4000
BATCH = 200
RENEWED_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One public thing: where it is, what it is called, the text it is found by; `number` is its document number."""

    record_id: int
    url: str
    title: str
    passage: str
    published_on: date
    published_until: date | None = None
    organ_id: int | None = None
    keywords: str = ""
    number: str = ""


def index(kind: EntryKind, entry: Entry) -> None:
    """Enter one public thing, in place of what was entered of it before."""
    index_many(kind, [entry])


def index_many(kind: EntryKind, entries: Sequence[Entry]) -> None:
    """Enter many public things of one kind."""
    for start in range(0, len(entries), BATCH):
        rows = [_row(kind, entry) for entry in entries[start : start + BATCH]]
        statement = upsert(SearchEntry).values(rows)
        fresh = {column: statement.excluded[column] for column in rows[0]}
        db.session.execute(statement.on_conflict_do_update(index_elements=["kind", "record_id"], set_=fresh))


def remove(kind: EntryKind, *record_ids: int) -> None:
    """Take things out of the index, so that they are found no longer."""
    db.session.execute(
        sa.delete(SearchEntry).where(SearchEntry.kind == kind, SearchEntry.record_id.in_(record_ids)),
        execution_options={"synchronize_session": False},
    )


def _row(kind: EntryKind, entry: Entry) -> dict[str, Any]:
    passage = entry.passage[:MAX_PASSAGE]
    words = rules.search_text(f"{entry.title}\n{entry.keywords}\n{passage}").split()
    marks = [*rules.marks(kind, entry.organ_id, entry.published_on), rules.number_mark(entry.number)]
    return {
        "id": rules.entry_id(kind, entry.record_id, entry.published_on),
        "kind": kind,
        "record_id": entry.record_id,
        "url": entry.url,
        "title": entry.title,
        "title_key": rules.title_key(entry.title),
        "passage": passage,
        "organ_id": entry.organ_id,
        "published_on": entry.published_on,
        "published_until": entry.published_until,
        "search_text": " ".join(filter(None, [*words, *rules.title_words(entry.title), *marks])),
    }


def renew() -> int:
    """Write entries anew that an older portal wrote, as many at a time as fit into memory; returns how many."""
    columns = (SearchEntry.kind, SearchEntry.record_id, SearchEntry.organ_id, SearchEntry.published_on)
    texts = (SearchEntry.title, SearchEntry.search_text)
    oldest, renewed = rules.first_id(date.min), 0
    statement = sa.select(SearchEntry.id, *columns, *texts).where(SearchEntry.id < oldest).order_by(SearchEntry.id)
    while rows := db.session.execute(statement.limit(RENEWED_AT_ONCE)).all():
        for row in rows:
            words = dict.fromkeys(
                [
                    *row.search_text.split(),
                    *rules.title_words(row.title),
                    *rules.marks(row.kind, row.organ_id, row.published_on),
                ]
            )
            fresh = {"id": rules.entry_id(row.kind, row.record_id, row.published_on), "search_text": " ".join(words)}
            db.session.execute(sa.update(SearchEntry).where(SearchEntry.id == row.id).values(fresh))
        renewed += len(rows)
    return renewed
