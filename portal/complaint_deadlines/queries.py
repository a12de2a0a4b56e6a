"""Reading the open cases whose deadlines may be worked out anew."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from portal.complaints.models import Complaint
from portal.complaints.queries import OPEN
from portal.db import db

AT_ONCE = 200


def _open(kind: str | None) -> list[sa.ColumnElement[bool]]:
    """Cases of before there were kinds follow what their sender chose."""
    own = sa.func.coalesce(Complaint.case_type_key, Complaint.kind)
    return [Complaint.state.in_(OPEN), *([] if kind is None else [own == kind])]


def list_open(*, after: int, kind: str | None) -> Sequence[Complaint]:
    """Return some open cases behind one, of a kind or of all, for nobody else to change meanwhile."""
    statement = sa.select(Complaint).where(Complaint.id > after, *_open(kind)).order_by(Complaint.id).limit(AT_ONCE)
    statement = statement.options(selectinload(Complaint.pauses)).with_for_update(of=Complaint)
    return db.session.scalars(statement.execution_options(populate_existing=True)).all()


def count_open(kind: str) -> int:
    """Count the open cases of a kind."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Complaint).where(*_open(kind))) or 0
