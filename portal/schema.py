"""Which schema the database has, and which one this portal needs."""

from functools import cache

import sqlalchemy as sa

from portal.db import db
from portal.settings import ROOT

MIGRATIONS = ROOT / "portal" / "migrations"


@cache
def newest_revision() -> str:
    """Return the revision that this portal's code expects."""
    # Alembic takes a tenth of a second to load, which most starts need not pay.
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def find_revision() -> str | None:
    """Return the revision the database is at, or None when it has no schema; database errors pass through."""
    if not sa.inspect(db.session.connection()).has_table("alembic_version"):
        return None
    version = sa.table("alembic_version", sa.column("version_num", sa.Text))
    return db.session.scalar(sa.select(version.c.version_num))


def is_current() -> bool:
    """Whether the database has the schema that this portal needs."""
    return find_revision() == newest_revision()
