"""Reading the kinds of cases."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.case_types.models import CaseType
from portal.data_version import kept
from portal.db import db
from portal.errors import NotFound
from portal.rows import read_rows

_ALL = sa.select(*CaseType.__table__.columns)


def get_case_type(key: str, *, lock: bool = False) -> CaseType:
    """Return a kind of case; raises NotFound."""
    found = db.session.get(CaseType, key, with_for_update=True, populate_existing=True) if lock else None
    found = found or db.session.get(CaseType, key)
    if found is None:
        raise NotFound(_l("There is no such kind of case."))
    return found


@kept
def load_case_types() -> Mapping[str, Any]:
    """Return every kind of case by key, as rows of its columns."""
    return {row.key: row for row in read_rows(_ALL)}


def list_case_types() -> Sequence[CaseType]:
    """Return every kind of case, those in use first."""
    return db.session.scalars(sa.select(CaseType).order_by(CaseType.active.desc(), CaseType.key)).all()
