"""Imports in pieces

A large spreadsheet of permits is handed over to the worker, which writes it piece by piece. An import that is under way
when the schema goes back is a preview again: what was written of it is then unchanged.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

NONE, EMPTY = sa.text('0'), sa.text("''")
COLUMNS = (
    ('handed_over_at', sa.DateTime(timezone=True), None),
    ('locale', sa.Text(), EMPTY),
    ('rows_total', sa.Integer(), NONE),
    ('rows_done', sa.Integer(), NONE),
    ('plan', sa.LargeBinary(), None),
    ('claimed_by', sa.Text(), EMPTY),
    ('claimed_at', sa.DateTime(timezone=True), None),
    ('problem', sa.Text(), EMPTY),
)


def upgrade() -> None:
    for name, kind, default in COLUMNS:
        op.add_column('permit_import', sa.Column(name, kind, nullable=default is None, server_default=default))
    # In one statement that both databases know: SQLite would rebuild the table.
    op.execute(
        'ALTER TABLE permit_import ADD COLUMN organ_id INTEGER CONSTRAINT fk_permit_import_organ_id REFERENCES organ (id)'
    )


def downgrade() -> None:
    for name in ('organ_id', *(name for name, _kind, _default in COLUMNS)):
        op.execute(f'ALTER TABLE permit_import DROP COLUMN {name}')
