"""Reading staff accounts."""

from collections.abc import Sequence

import sqlalchemy as sa

from portal.accounts.models import Staff
from portal.db import db


def list_first(limit: int) -> Sequence[Staff]:
    """Return the oldest active accounts."""
    return db.session.scalars(sa.select(Staff).where(Staff.active).order_by(Staff.id).limit(limit)).all()


def find_organ_id(slug: str) -> int | None:
    """Return the id of the organ with this short name, or None."""
    organ = sa.table("organ", sa.column("id", sa.Integer), sa.column("slug", sa.Text))
    return db.session.scalar(sa.select(organ.c.id).where(organ.c.slug == slug))


def find_name(staff_id: int | None) -> str:
    """Return the name of a member of staff, empty when there is none."""
    staff = db.session.get(Staff, staff_id) if staff_id is not None else None
    return staff.name if staff else ""
