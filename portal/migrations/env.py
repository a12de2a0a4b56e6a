"""How Alembic reaches the database: through the running application's engine."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from portal.contacts.models import SealedPhone
from portal.db import Model, UtcDateTime, db


def render_item(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Write plain types into migrations, which must outlive the code that they were made from."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, SealedPhone):
        return "sa.Text()"
    if kind == "type" and isinstance(item, sa.Enum):
        return f"sa.String(length={item.length})"
    return False


def include_name(name: str | None, _kind: str, _parents: object) -> bool:
    """Leave out the full-text index, which no model describes (`portal.search.models`)."""
    return not (name or "").startswith(("search_index", "ix_search_entry_words"))


def hand_on_conditions() -> None:
    """Give the partial indexes their conditions, in the words of both dialects."""
    for table in Model.metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                where = sa.text(index.info["where"])
                index.dialect_kwargs.update(sqlite_where=where, postgresql_where=where)


hand_on_conditions()
engine = db.engine
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_item,
        include_name=include_name,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
