"""What a city edited stays

A text of law and a procedure remember when staff changed what is said of them, so that no file or shipped fact writes
over it. A branch of a procedure says whether the procedure ends with it.
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('basis', 'procedure'):
        op.add_column(table, sa.Column('edited_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('procedure_step', sa.Column('ends', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.execute('ALTER TABLE procedure_step DROP COLUMN ends')
    for table in ('basis', 'procedure'):
        op.execute(f'ALTER TABLE {table} DROP COLUMN edited_at')
