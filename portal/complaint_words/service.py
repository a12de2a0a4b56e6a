"""Keeping the index of sealed texts in step with them. Callers commit.

Whoever sends a complaint does not wait for its words: a job enters them within minutes, and until then `queries` has
the case looked at whatever is asked for. What is written to it later is entered as it is flushed, whoever wrote it and
by what page, import or command. Words are only added, until everything is taken out: what once stood there is looked at
in vain, for opened texts decide.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy import orm

from portal.complaint_words import queries, rules
from portal.complaint_words.models import ComplaintWords
from portal.complaints.models import Complaint, ComplaintEvent
from portal.db import db, upsert

AT_ONCE = 200
ENTER = sa.text("INSERT INTO complaint_search_index(rowid, packed) VALUES (:id, :words)")
TAKE_OUT = sa.text(
    "INSERT INTO complaint_search_index(complaint_search_index, rowid, packed) VALUES ('delete', :id, :words)"
)
ON_POSTGRESQL = sa.text(
    "UPDATE complaint_words SET search_index = string_to_array(:words, ' ')::bigint[] WHERE complaint_id = :id"
)


def watch() -> None:
    """Enter the words of whatever is written from now on to cases that have some."""
    if not sa_event.contains(orm.Session, "after_flush", _after_flush):
        sa_event.listen(orm.Session, "after_flush", _after_flush)


def _after_flush(session: orm.Session, _context: object) -> None:
    texts: dict[Complaint, list[str]] = {}
    for record in session.dirty.union(session.new):
        if isinstance(record, Complaint) and record.texts_sealed and _is_changed(record, "texts_sealed"):
            texts.setdefault(record, []).extend(queries.list_texts_of_case(record))
        elif isinstance(record, ComplaintEvent) and record.public and _is_changed(record, "text_sealed"):
            texts.setdefault(record.complaint, []).append(record.text)
    for complaint, written in texts.items():
        # Without words yet it waits for the job, which enters all of them.
        if known := _find_packed(complaint.id):
            _keep(complaint.id, known, written)


def _is_changed(record: Any, name: str) -> bool:
    return bool(sa.inspect(record).attrs[name].history.has_changes())


def add_words(complaint_id: int, texts: Iterable[str]) -> None:
    """Have a complaint found by the words of some texts as well."""
    _keep(complaint_id, _find_packed(complaint_id), texts)


def _keep(complaint_id: int, known: bytes, texts: Iterable[str]) -> None:
    words = rules.digests(texts, queries.words_key()) | set(rules.unpack(known))
    packed = rules.pack(words)
    if packed == known:
        return
    if known:
        _change_index(TAKE_OUT, complaint_id, known)
    # Past the session, which is at work when words are found.
    statement = upsert(ComplaintWords).values(complaint_id=complaint_id, packed=packed)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["complaint_id"], set_={"packed": statement.excluded.packed})
    )
    _change_index(ENTER, complaint_id, packed)


def remove_words(*complaint_ids: int) -> None:
    """Have complaints found by no word any more."""
    for complaint_id in complaint_ids:
        known = _find_packed(complaint_id)
        if known:
            _change_index(TAKE_OUT, complaint_id, known)
    words = ComplaintWords.__table__
    db.session.execute(sa.delete(words).where(words.c.complaint_id.in_(complaint_ids)))  # type: ignore[arg-type]


def _find_packed(complaint_id: int) -> bytes:
    words = ComplaintWords.__table__.c
    return bytes(db.session.scalar(sa.select(words.packed).where(words.complaint_id == complaint_id)) or b"")


def _change_index(on_sqlite: sa.TextClause, complaint_id: int, packed: bytes) -> None:
    words = rules.unpack(packed)
    if queries.on_sqlite():
        db.session.execute(on_sqlite, {"id": complaint_id, "words": " ".join(word.hex() for word in words)})
    elif on_sqlite is ENTER:
        numbers = " ".join(str(int.from_bytes(word)) for word in words)
        db.session.execute(ON_POSTGRESQL, {"id": complaint_id, "words": numbers})


def enter_some() -> int:
    """Enter the words of some complaints that have none yet; return of how many."""
    cases = queries.list_missing(queries.find_start(), AT_ONCE)
    for case in cases:
        add_words(case.id, queries.list_texts(case))
    return len(cases)


def enter_missing() -> int:
    """Enter the words of every complaint that has none yet; return of how many."""
    entered = 0
    while some := enter_some():
        entered += some
    return entered
