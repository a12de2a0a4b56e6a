"""Sealed phones

Phone numbers of contacts and replies lie sealed: equal numbers alike, so that the unique index and every comparison
stay as they are.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from portal.vault import ALIKE, get_vault

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

AT_ONCE = 1000
CONTEXT = 'phone'
TABLES = tuple(sa.table(name, sa.column('id'), sa.column('phone')) for name in ('contact', 'reply'))


def upgrade() -> None:
    vault = get_vault()
    change(lambda phone: vault.seal_alike(phone, CONTEXT), sealed=False)


def downgrade() -> None:
    vault = get_vault()
    change(lambda phone: vault.unseal_alike(phone, CONTEXT), sealed=True)


def change(convert: Callable[[str], str], *, sealed: bool) -> None:
    """Write every number anew that is sealed, or is not."""
    connection = op.get_bind()
    if connection.dialect.name == 'sqlite':
        # What was there in clear is overwritten, not just marked as free. Traces may stay in pages that were rearranged,
        # as in dead rows of PostgreSQL; VACUUM takes them away (docs/threat-model.md).
        connection.exec_driver_sql('PRAGMA secure_delete=ON')
    for table in TABLES:
        put = sa.update(table).where(table.c.id == sa.bindparam('of')).values(phone=sa.bindparam('to'))
        last = 0
        while rows := connection.execute(
            sa.select(table.c.id, table.c.phone).where(table.c.id > last).order_by(table.c.id).limit(AT_ONCE)
        ).all():
            wanted = [row for row in rows if row.phone.startswith(ALIKE) is sealed]
            if wanted:
                connection.execute(put, [{'of': row.id, 'to': convert(row.phone)} for row in wanted])
            last = rows[-1].id
