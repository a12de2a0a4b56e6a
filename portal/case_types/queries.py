"""Reading the kinds of cases."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.case_types.models import CaseType
from portal.db import db
from portal.errors import NotFound


def get_case_type(key: str, *, lock: bool = False) -> CaseType:
    """Return a kind of case; raises NotFound."""
    found = db.session.get(CaseType, key, with_for_update=True, populate_existing=True) if lock else None
    found = found or db.session.get(CaseType, key)
    if found is None:
        raise NotFound(_l("There is no such kind of case."))
    return found


def list_case_types() -> Sequence[CaseType]:
    """Return every kind of case, those in use first."""
    return db.session.scalars(sa.select(CaseType).order_by(CaseType.active.desc(), CaseType.key)).all()
