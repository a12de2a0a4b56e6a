"""Reading procedures."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload, selectinload

from portal.bases import queries as bases
from portal.db import db
from portal.errors import NotFound
from portal.law_texts.rules import full_titles
from portal.paging import Page, list_page
from portal.procedures.models import Procedure
from portal.rows import count_rows


def list_procedures(*, number: int) -> Page[Any]:
    """Return the procedures in the order they are published in."""
    statement = sa.select(Procedure.slug, Procedure.title, Procedure.title_en, Procedure.summary, Procedure.summary_en)
    return list_page(statement.order_by(Procedure.position, Procedure.id), number)


def count_procedures() -> int:
    """Count the procedures."""
    return count_rows(Procedure)


def get_procedure(slug: str, *, lock: bool = False) -> Procedure:
    """Return a procedure with its steps, as it stands now."""
    statement = sa.select(Procedure).where(Procedure.slug == slug).execution_options(populate_existing=True)
    statement = statement.options(selectinload(Procedure.steps), joinedload(Procedure.organ))
    procedure = db.session.scalar(statement.with_for_update(of=Procedure) if lock else statement)
    if procedure is None:
        raise NotFound(_l("There is no procedure at this address."))
    return procedure


def find_articles(procedure: Procedure) -> dict[str, dict[str, str]]:
    """Return the addresses of the articles that the steps rest on, by law and key, where the law is published here."""
    laws = {step.law for step in procedure.steps if step.law}
    if not laws:
        return {}
    found = bases.find_articles({title for law in laws for title in full_titles(law)})
    return {law: found.get(law) or found.get(full_titles(law)[1]) or {} for law in laws}
