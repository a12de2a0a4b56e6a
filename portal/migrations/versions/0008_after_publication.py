"""After publication

Applications for credit repair, the masking of corrections, who ordered a withdrawal, and indexes for what ends or is
to be taken down.
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

ORDERED = sa.text('withdrawal_ordered_on IS NOT NULL')


def upgrade() -> None:
    op.create_table('credit_repair',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('decision_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('applied_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('entered_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['decided_by_id'], ['staff.id'], name=op.f('fk_credit_repair_decided_by_id')),
    sa.ForeignKeyConstraint(['decision_id'], ['decision.id'], name=op.f('fk_credit_repair_decision_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['entered_by_id'], ['staff.id'], name=op.f('fk_credit_repair_entered_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_repair'))
    )
    op.create_index('ix_credit_repair_decision_id', 'credit_repair', ['decision_id'])
    for name in ('masked', 'marks'):
        op.add_column('decision_correction', sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column('decision_correction', sa.Column('masked_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('decision_correction', sa.Column('objected_on', sa.Date(), nullable=True))
    op.add_column('decision_correction', sa.Column('answer', sa.Text(), nullable=False, server_default=sa.text("''")))
    # In one statement that both databases know: SQLite would rebuild the table.
    op.execute(
        'ALTER TABLE decision_correction ADD COLUMN masked_by_id INTEGER'
        ' CONSTRAINT fk_decision_correction_masked_by_id REFERENCES staff (id)'
    )
    op.add_column('decision', sa.Column('withdrawal_order', sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_index('ix_decision_ends', 'decision', ['state', 'publish_until'])
    op.create_index('ix_decision_withdrawal_ordered', 'decision', ['withdrawal_ordered_on'], sqlite_where=ORDERED, postgresql_where=ORDERED)


def downgrade() -> None:
    op.drop_index('ix_decision_withdrawal_ordered', table_name='decision')
    op.drop_index('ix_decision_ends', table_name='decision')
    op.execute('ALTER TABLE decision DROP COLUMN withdrawal_order')
    for name in ('masked_by_id', 'answer', 'objected_on', 'masked_at', 'marks', 'masked'):
        op.execute(f'ALTER TABLE decision_correction DROP COLUMN {name}')
    op.drop_table('credit_repair')
