"""Procedures for tests."""

from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.procedures.models import Procedure
from portal.procedures.service import write_procedure


def make_procedure(*, slug: str = "testing", title: str = "虚构测试程序", steps: int = 2, **values: Any) -> Procedure:
    """Create a procedure with some steps."""
    facts = {
        "slug": slug,
        "title": title,
        **values,
        "steps": [{"title": f"第{number}步", "text": "做一件事。"} for number in range(1, steps + 1)],
    }
    write_procedure(facts)
    return db.session.scalars(sa.select(Procedure).where(Procedure.slug == slug)).one()
