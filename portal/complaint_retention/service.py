"""Erasing what closed complaints hold, when their time is over. Callers commit after each batch.

Personal information is kept no longer than its purpose needs (personal information protection law, articles 19 and 47).
What stays of a case that is made anonymous is what figures count: organ, kind, days, finding, grade. Files go first,
for twice is the same as once: whoever is cut off in between finds the case again.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from portal import clock, uploads
from portal.audit import service as audit
from portal.calls.models import Call
from portal.case_types.models import AtEnd
from portal.case_types.queries import list_case_types
from portal.complaint_publication.service import end_publication
from portal.complaint_retention import queries
from portal.complaint_words.service import remove_words
from portal.complaints.models import wrap_key
from portal.complaints.queries import get_for_sender
from portal.db import db
from portal.messages.models import Message
from portal.vault import new_data_key

AT_ONCE = 50
# Rows that are nothing without what they hold; of the others only what is sealed goes. What is published goes on, and
# its edition stays: by it staff can still take it back.
DROPPED = frozenset({"complaint_file", "complaint_named", "complaint_words", "reply_draft"})
# No case has this number: whoever asks what it is about finds nothing.
NO_CASE = "complaint:0"
NOTHING: dict[str, Any] = {
    "texts_sealed": None,
    "identity_sealed": None,
    "code_sealed": None,
    "code_sealed_until": None,
    "code_hash": "",
    "submission_key": None,
    "external_number": None,
    "happened_on": None,
    "street": "",
    "contact_id": None,
    "sms_wanted": False,
    "call_wanted": False,
    "publish_consent": False,
}


def retain_some(today: date) -> int:
    """Make some closed cases anonymous, or delete them, as their kind says; return how many."""
    for kind in list_case_types():
        cases = queries.lock_over(kind, today, AT_ONCE)
        if cases:
            ids = [case.id for case in cases]
            for token in queries.list_tokens(ids):
                uploads.forget(token)
            remove_words(*ids)
            _forget_messages(ids)
            if kind.at_end is AtEnd.DELETE:
                _end_publications(ids)
                _delete(ids)
            else:
                _anonymise(cases)
            for case_id in ids:
                audit.record(f"complaint.{kind.at_end.value}", f"complaint:{case_id}", kept_months=kind.keep_months)
            return len(cases)
    return 0


def _anonymise(cases: Sequence[Any]) -> None:
    ids = [case.id for case in cases]
    for table, key in queries.list_dependents():
        sealed = {column.name: None for column in table.columns if column.name.endswith("_sealed")}
        if table.name in DROPPED:
            db.session.execute(sa.delete(table).where(key.in_(ids)))
        elif sealed:
            db.session.execute(sa.update(table).where(key.in_(ids)).values(sealed))
    rows = queries.CASES
    for case in cases:
        # Under a new key, so that nothing that is left of the old one anywhere opens anything.
        fresh = NOTHING | {"data_key": wrap_key(new_data_key(), case.number), "erased_at": clock.now()}
        db.session.execute(sa.update(rows).where(rows.c.id == case.id).values(fresh))  # type: ignore[arg-type]


def _end_publications(ids: Sequence[int]) -> None:
    """Take back what is published of cases of which nothing stays by which anybody could do so later."""
    for case_id in ids:
        end_publication(complaint=get_for_sender(case_id))


def _delete(ids: Sequence[int]) -> None:
    for table, key in queries.list_dependents():
        db.session.execute(sa.delete(table).where(key.in_(ids)))
    rows = queries.CASES
    for name in ("merged_into_id", "split_from_id"):
        db.session.execute(sa.update(rows).where(rows.c[name].in_(ids)).values({name: None}))  # type: ignore[arg-type]
    db.session.execute(sa.delete(rows).where(rows.c.id.in_(ids)))  # type: ignore[arg-type]


def _forget_messages(ids: Sequence[int]) -> None:
    """Leave texts and calls as what was sent and made, but to nobody and about nothing."""
    subjects = [f"complaint:{case_id}" for case_id in ids]
    nobody: dict[str, Any] = {"subject": NO_CASE, "contact_id": None}
    same = {"synchronize_session": False}
    for model, gone in ((Message, {"text": "", "values": {}}), (Call, {"party_id": None, "result": ""})):
        table: Any = model.__table__
        key = sa.literal("erased:") + sa.cast(table.c.id, sa.Text)
        statement = sa.update(table).where(table.c.subject.in_(subjects)).values(**nobody, **gone, key=key)
        db.session.execute(statement, execution_options=same)
