"""Calls about everything

The call list of permits becomes one for all records. Going back keeps the calls about permits; the older table has
no place for others.
"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

WAITS, MADE = sa.text('done_at IS NULL'), sa.text('done_at IS NOT NULL')


def upgrade() -> None:
    op.create_table('call',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('party_id', sa.Integer(), nullable=True),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_by_id', sa.Integer(), nullable=True),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_call_contact_id')),
    sa.ForeignKeyConstraint(['done_by_id'], ['staff.id'], name=op.f('fk_call_done_by_id')),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_call_message_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_call_organ_id')),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_call_party_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call')),
    sa.UniqueConstraint('key', name=op.f('uq_call_key'))
    )
    op.create_index('ix_call_made', 'call', ['done_at', 'id'], sqlite_where=MADE, postgresql_where=MADE)
    op.create_index('ix_call_message_id', 'call', ['message_id'])
    op.create_index('ix_call_organ_waits', 'call', ['organ_id', 'due_on', 'id'], sqlite_where=WAITS, postgresql_where=WAITS)
    op.create_index('ix_call_party_id', 'call', ['party_id'])
    op.create_index('ix_call_subject', 'call', ['subject'])
    op.create_index('ix_call_waits', 'call', ['due_on', 'id'], sqlite_where=WAITS, postgresql_where=WAITS)
    op.execute(
        "INSERT INTO call (id, key, subject, party_id, organ_id, contact_id, message_id, reason, due_on, done_at, "
        "done_by_id, result, created_at) "
        "SELECT t.id, 'permit:' || t.key, 'permit:' || t.permit_id, p.party_id, p.organ_id, p.contact_id, t.message_id, "
        "t.reason, t.due_on, t.done_at, t.done_by_id, t.result, t.created_at "
        "FROM call_task t JOIN permit p ON p.id = t.permit_id"
    )
    follow_numbers('call')
    op.drop_table('call_task')
    # With the provider in it, the queue page counts without looking at a single message.
    op.drop_index('ix_message_state_changed', table_name='message')
    op.create_index('ix_message_state_changed', 'message', ['state', 'changed_at', 'provider'])
    tell_sizes()


def tell_sizes() -> None:
    """Tell SQLite that many messages share a state, and few wait.

    Knowing nothing it guesses ten to a state, and would sort the whole queue for every claim. PostgreSQL finds out alone.
    """
    if op.get_bind().dialect.name != 'sqlite':
        return
    op.execute('ANALYZE call')
    op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'message'")
    op.execute(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES "
        "('message', 'ix_message_state_changed', '10000000 1000000 10 10'), "
        "('message', 'ix_message_queue', '100000 40000 100 1'), "
        "('message', 'ix_message_sending', '500 500'), "
        "('message', 'ix_message_ask', '100000 10 1')"
    )
    op.execute('ANALYZE sqlite_schema')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'message'")
    op.drop_index('ix_message_state_changed', table_name='message')
    op.create_index('ix_message_state_changed', 'message', ['state', 'changed_at'])
    op.create_table('call_task',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('permit_id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_by_id', sa.Integer(), nullable=True),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['done_by_id'], ['staff.id'], name=op.f('fk_call_task_done_by_id')),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_call_task_message_id')),
    sa.ForeignKeyConstraint(['permit_id'], ['permit.id'], name=op.f('fk_call_task_permit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_task')),
    sa.UniqueConstraint('key', name=op.f('uq_call_task_key'))
    )
    op.create_index('ix_call_task_permit_id', 'call_task', ['permit_id'])
    op.execute(
        "INSERT INTO call_task (id, key, permit_id, message_id, reason, due_on, done_at, done_by_id, result, created_at) "
        "SELECT id, substr(key, 8), CAST(substr(subject, 8) AS INTEGER), message_id, reason, due_on, done_at, "
        "done_by_id, result, created_at FROM call WHERE subject LIKE 'permit:%'"
    )
    follow_numbers('call_task')
    op.drop_table('call')


def follow_numbers(table: str) -> None:
    """Let PostgreSQL give the next row a number above those that were copied; SQLite does so by itself."""
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
            f"(SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
        )
