"""Reading accountability records; only supervisors ever do, and none whose own organ a case is about."""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import contains_eager, joinedload

from portal.accountability.models import Accountability
from portal.accountability.rules import FOUNDED, Ground, Measure
from portal.accounts.models import Staff
from portal.complaints.models import Complaint, Finding
from portal.complaints.queries import visible_to
from portal.db import db
from portal.errors import NotFound
from portal.paging import Page, list_page

DATA = Path(__file__).parent / "data"


@cache
def load_grounds() -> dict[str, Ground]:
    """Return every ground by key."""
    with (DATA / "grounds.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: Ground(**row) for row in csv.DictReader(file)}


@cache
def load_measures() -> dict[str, Measure]:
    """Return every measure by key."""
    with (DATA / "measures.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: Measure(**row) for row in csv.DictReader(file)}


def list_of(complaint: Complaint) -> Sequence[Accountability]:
    """Return the records that a case has opened, the newest first."""
    statement = sa.select(Accountability).where(Accountability.complaint_id == complaint.id)
    return db.session.scalars(statement.order_by(Accountability.id.desc())).all()


def get_record(complaint: Complaint, record_id: int) -> Accountability:
    """Return a record of a case; raises NotFound."""
    for record in list_of(complaint):
        if record.id == record_id:
            return record
    raise NotFound(_l("There is no such record."))


def list_records(staff: Staff, number: int) -> Page[Any]:
    """Return one page of the records that a supervisor may see: open ones first, then the newest."""
    statement = (
        sa.select(Accountability)
        .join(Accountability.complaint)
        .options(contains_eager(Accountability.complaint), joinedload(Accountability.organ))
        .where(visible_to(staff))
        .order_by(Accountability.closed_at.is_not(None), Accountability.id.desc())
    )
    return list_page(statement, number, scalars=True)


def list_without(staff: Staff, limit: int) -> Sequence[Complaint]:
    """Return founded cases about conduct that have opened no record yet, the oldest first."""
    opened = sa.exists().where(Accountability.complaint_id == Complaint.id)
    founded = Complaint.finding.in_([Finding(finding) for finding in sorted(FOUNDED)])
    statement = sa.select(Complaint).options(joinedload(Complaint.organ))
    statement = statement.where(visible_to(staff), Complaint.delicate, founded, sa.not_(opened))
    return db.session.scalars(statement.order_by(Complaint.answered_at, Complaint.id).limit(limit)).all()
