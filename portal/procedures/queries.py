"""Reading procedures."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload, selectinload

from portal.db import db
from portal.errors import NotFound
from portal.paging import Page, list_page
from portal.procedures.models import Procedure


def list_procedures(*, number: int) -> Page[Any]:
    """Return the procedures in the order they are published in."""
    statement = sa.select(Procedure.slug, Procedure.title, Procedure.title_en, Procedure.summary, Procedure.summary_en)
    return list_page(statement.order_by(Procedure.position, Procedure.id), number)


def count_procedures() -> int:
    """Count the procedures."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Procedure)) or 0


def get_procedure(slug: str) -> Procedure:
    """Return a procedure with its steps."""
    procedure = db.session.scalar(
        sa.select(Procedure)
        .where(Procedure.slug == slug)
        .options(selectinload(Procedure.steps), joinedload(Procedure.organ))
    )
    if procedure is None:
        raise NotFound(_l("There is no procedure at this address."))
    return procedure
