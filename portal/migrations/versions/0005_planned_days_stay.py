"""Planned days stay

A message that waits for another day, or is tried again, keeps the moment it was planned for, so that the balance of a
day stays as it is. Empty where it never had to wait.
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('message', sa.Column('planned_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute('ALTER TABLE message DROP COLUMN planned_at')
