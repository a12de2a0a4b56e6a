"""Reading which closed complaints have been kept for long enough."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from portal import clock
from portal.accountability.models import Accountability
from portal.calendar.rules import months_before
from portal.case_types.models import AtEnd, CaseType
from portal.case_types.queries import list_case_types
from portal.complaints.models import Complaint
from portal.db import Model, db

CASES = Complaint.__table__


def is_over(kind: CaseType, today: date) -> sa.ColumnElement[bool]:
    """Return the condition under which a complaint of a kind has been kept long enough, counted from its close.

    As long as somebody is called to account over it, it stays.
    """
    ends_at = clock.start_of(months_before(today, kind.keep_months))
    key = sa.func.coalesce(Complaint.case_type_key, sa.cast(Complaint.kind, sa.Text))
    answered_for = sa.exists().where(Accountability.complaint_id == Complaint.id, Accountability.closed_at.is_(None))
    return sa.and_(Complaint.closed_at < ends_at, Complaint.erased_at.is_(None), key == kind.key, ~answered_for)


def count_over(today: date) -> list[tuple[str, AtEnd, int]]:
    """Count what has been kept long enough, as rows (kind of case, what happens to it, how many)."""
    return [
        (
            kind.key,
            kind.at_end,
            db.session.scalar(sa.select(sa.func.count(Complaint.id)).where(is_over(kind, today))) or 0,
        )
        for kind in list_case_types()
    ]


def lock_over(kind: CaseType, today: date, limit: int) -> Sequence[sa.Row[int, str]]:
    """Return some complaints of a kind that have been kept long enough, as rows (id, number), and keep others away."""
    statement = sa.select(Complaint.id, Complaint.number).where(is_over(kind, today))
    statement = statement.order_by(Complaint.id).limit(limit).with_for_update(of=Complaint, skip_locked=True)
    return db.session.execute(statement).all()


def list_tokens(case_ids: Sequence[int]) -> Sequence[str]:
    """Return under which tokens the files of some complaints lie."""
    files = Model.metadata.tables["complaint_file"].c
    return db.session.scalars(sa.select(files.token).where(files.complaint_id.in_(case_ids))).all()


def list_dependents() -> list[tuple[sa.Table, sa.Column[int]]]:
    """Return every table whose rows belong to a complaint, with the column that says to which; dependents first.

    Whatever room a table belongs to: one that comes tomorrow is found as well.
    """
    return [
        (table, key.parent)
        for table in reversed(Model.metadata.sorted_tables)
        for key in table.foreign_keys
        if key.column.table is CASES and table is not CASES
    ]
