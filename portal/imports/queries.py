"""Reading imports."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import undefer

from portal.db import db
from portal.errors import NotFound
from portal.imports.models import SpreadsheetImport


def get_import(import_id: int, *, kind: str, staff_id: int) -> SpreadsheetImport:
    """Return an import by whoever uploaded its file; raises NotFound for everybody else."""
    found = db.session.get(SpreadsheetImport, import_id)
    if found is None or (found.kind, found.staff_id) != (kind, staff_id):
        raise NotFound(_l("There is no such import."))
    return found


def load_import(import_id: int, *, plan: bool = False) -> SpreadsheetImport:
    """Return an import as it stands at this moment, on wish with what was decided on its rows."""
    options = [undefer(SpreadsheetImport.plan)] if plan else []
    return db.session.scalars(
        sa.select(SpreadsheetImport).where(SpreadsheetImport.id == import_id).options(*options),
        execution_options={"populate_existing": True},
    ).one()


def list_under_way(staff_id: int | None = None, *, kind: str | None = None) -> Sequence[SpreadsheetImport]:
    """Return the imports that are handed over and not done, the oldest first; of one person and kind, if given."""
    statement = sa.select(SpreadsheetImport).where(
        SpreadsheetImport.handed_over_at.is_not(None),
        SpreadsheetImport.committed_at.is_(None),
        SpreadsheetImport.problem == "",
    )
    if staff_id is not None:
        statement = statement.where(SpreadsheetImport.staff_id == staff_id)
    if kind is not None:
        statement = statement.where(SpreadsheetImport.kind == kind)
    return db.session.scalars(statement.order_by(SpreadsheetImport.handed_over_at, SpreadsheetImport.id)).all()
