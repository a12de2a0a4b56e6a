"""Publication

The power list, discretion standards, recognitions, versions of laws, what a decision needs before it is published, and
the public log of publication.
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

EMPTY = sa.text("''")
TABLES = (
    'log_checkpoint',
    'log_entry',
    'recognition',
    'power_item',
    'recognised_organ',
    'discretion_standard',
    'power_ground',
    'power_transfer',
    'decision_check',
    'decision_correction',
    'decision_original',
    'discretion_tier',
)
TEXTS = (
    'certificate',
    'place',
    'industry',
    'legal_representative',
    'document_name',
    'permit_category',
    'permit_number',
    'note',
    'early_stop_reason',
)
DAYS = ('valid_from', 'valid_to', 'withdrawal_ordered_on', 'early_stop_on')
MOMENTS = ('corrected_at', 'masked_at')


def upgrade() -> None:
    op.create_table('log_checkpoint',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('entry_id', sa.Integer(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('signature', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_checkpoint')),
    sa.UniqueConstraint('entry_id', name=op.f('uq_log_checkpoint_entry_id'))
    )
    op.create_table('log_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('action', sa.String(length=24), nullable=False),
    sa.Column('salt', sa.Text(), nullable=False),
    sa.Column('content_hash', sa.Text(), nullable=False),
    sa.Column('previous_hash', sa.Text(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_entry')),
    sa.UniqueConstraint('hash', name=op.f('uq_log_entry_hash'))
    )
    op.create_index('ix_log_entry_subject', 'log_entry', ['subject'])
    op.create_table('recognition',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('document_number', sa.Text(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('announced_on', sa.Date(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recognition')),
    sa.UniqueConstraint('year', name=op.f('uq_recognition_year'))
    )
    op.create_table('power_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('category', sa.String(length=24), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('post', sa.Text(), nullable=False),
    sa.Column('basis_text', sa.Text(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_power_item_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_power_item')),
    sa.UniqueConstraint('code', name=op.f('uq_power_item_code'))
    )
    op.create_index('ix_power_item_organ_id', 'power_item', ['organ_id'])
    op.create_table('recognised_organ',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('recognition_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_recognised_organ_organ_id')),
    sa.ForeignKeyConstraint(['recognition_id'], ['recognition.id'], name=op.f('fk_recognised_organ_recognition_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recognised_organ')),
    sa.UniqueConstraint('recognition_id', 'organ_id', name=op.f('uq_recognised_organ_recognition_id_organ_id'))
    )
    op.create_index('ix_recognised_organ_organ_id', 'recognised_organ', ['organ_id'])
    op.create_table('discretion_standard',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('violation', sa.Text(), nullable=False),
    sa.Column('trade', sa.Text(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=True),
    sa.Column('basis_text', sa.Text(), nullable=False),
    sa.Column('document_number', sa.Text(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_discretion_standard_article_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_discretion_standard_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_discretion_standard')),
    sa.UniqueConstraint('code', name=op.f('uq_discretion_standard_code'))
    )
    op.create_index('ix_discretion_standard_article_id', 'discretion_standard', ['article_id'])
    op.create_index('ix_discretion_standard_organ_id', 'discretion_standard', ['organ_id'])
    op.create_table('power_ground',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_power_ground_article_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['item_id'], ['power_item.id'], name=op.f('fk_power_ground_item_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_power_ground')),
    sa.UniqueConstraint('item_id', 'article_id', name=op.f('uq_power_ground_item_id_article_id'))
    )
    op.create_index('ix_power_ground_article_id', 'power_ground', ['article_id'])
    op.create_table('power_transfer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('document_number', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['power_item.id'], name=op.f('fk_power_transfer_item_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_power_transfer_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_power_transfer')),
    sa.UniqueConstraint('item_id', 'since', name=op.f('uq_power_transfer_item_id_since'))
    )
    op.create_index('ix_power_transfer_organ_id', 'power_transfer', ['organ_id'])
    op.create_table('decision_check',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('decision_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('document_number', sa.Text(), nullable=False),
    sa.Column('concluded_on', sa.Date(), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['decision_id'], ['decision.id'], name=op.f('fk_decision_check_decision_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['staff.id'], name=op.f('fk_decision_check_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decision_check'))
    )
    op.create_index('ix_decision_check_decision_id', 'decision_check', ['decision_id'])
    op.create_table('decision_correction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('decision_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=False),
    sa.Column('after', sa.JSON(), nullable=False),
    sa.Column('proposed_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['decided_by_id'], ['staff.id'], name=op.f('fk_decision_correction_decided_by_id')),
    sa.ForeignKeyConstraint(['decision_id'], ['decision.id'], name=op.f('fk_decision_correction_decision_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['proposed_by_id'], ['staff.id'], name=op.f('fk_decision_correction_proposed_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decision_correction'))
    )
    op.create_index('ix_decision_correction_decision_id', 'decision_correction', ['decision_id'])
    op.create_table('decision_original',
    sa.Column('decision_id', sa.Integer(), nullable=False),
    sa.Column('texts', sa.JSON(), nullable=False),
    sa.Column('marks', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['decision_id'], ['decision.id'], name=op.f('fk_decision_original_decision_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('decision_id', name=op.f('pk_decision_original'))
    )
    op.create_table('discretion_tier',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('standard_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('tier', sa.String(length=24), nullable=False),
    sa.Column('condition', sa.Text(), nullable=False),
    sa.Column('consequence', sa.Text(), nullable=False),
    sa.Column('fine_from', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.Column('fine_to', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.ForeignKeyConstraint(['standard_id'], ['discretion_standard.id'], name=op.f('fk_discretion_tier_standard_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_discretion_tier')),
    sa.UniqueConstraint('standard_id', 'position', name=op.f('uq_discretion_tier_standard_id_position'))
    )
    op.add_column('basis', sa.Column('work', sa.Text(), nullable=False, server_default=EMPTY))
    op.add_column('basis', sa.Column('ended_on', sa.Date(), nullable=True))
    op.create_index('ix_basis_work', 'basis', ['work'])
    op.execute('UPDATE basis SET work = slug')
    op.add_column('decision', sa.Column('confiscated', sa.Numeric(precision=16, scale=2), nullable=True))
    for name in TEXTS:
        op.add_column('decision', sa.Column(name, sa.Text(), nullable=False, server_default=EMPTY))
    for name in DAYS:
        op.add_column('decision', sa.Column(name, sa.Date(), nullable=True))
    for name in MOMENTS:
        op.add_column('decision', sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    # In one statement that both databases know: SQLite would rebuild the table.
    for table, column, other in (('basis', 'replaced_by_id', 'basis'), ('decision', 'masked_by_id', 'staff')):
        op.execute(
            f'ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT fk_{table}_{column} REFERENCES {other} (id)'
        )
    # A second person has read what is public already.
    op.execute('UPDATE decision SET masked_at = published_at, masked_by_id = reviewed_by_id WHERE published_at IS NOT NULL')


def downgrade() -> None:
    for name in ('masked_by_id', *MOMENTS, *DAYS, *TEXTS, 'confiscated'):
        op.execute(f'ALTER TABLE decision DROP COLUMN {name}')
    op.drop_index('ix_basis_work', table_name='basis')
    for name in ('replaced_by_id', 'ended_on', 'work'):
        op.execute(f'ALTER TABLE basis DROP COLUMN {name}')
    for table in reversed(TABLES):
        op.drop_table(table)
