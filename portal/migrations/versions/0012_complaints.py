"""Complaints

Kinds of cases with their periods; texts and senders of complaints sealed; pauses, further organs, whom a complaint
names, and how it came in.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from portal import uploads, vault

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

AT_ONCE = 500
EMPTY, NONE, NO = sa.text("''"), sa.text('0'), sa.text('false')
TEXTS = ('officer', 'title', 'facts', 'wants', 'place', 'refusal_reason', 'answer', 'grade_comment')
WHO = ('sender_name',)
REFERENCES = (
    ('complaint', 'registered_by_id', 'staff', 'id'),
    ('complaint', 'power_item_id', 'power_item', 'id'),
    ('complaint', 'merged_into_id', 'complaint', 'id'),
    ('complaint', 'split_from_id', 'complaint', 'id'),
    ('complaint_file', 'event_id', 'complaint_event', 'id'),
    ('staff', 'officer_id', 'officer', 'id'),
)
DAYS = ('clock_from_on', 'next_due_on', 'paused_on', 'escalated_due_on')
MOMENTS = ('closed_at', 'reopened_at', 'erased_at')
NEW = (*DAYS, *MOMENTS, 'external_number', 'finding', 'channel', 'call_wanted', 'delicate', 'street', 'extended_by', 'texts_sealed',
    'identity_sealed', 'data_key', 'registered_by_id', 'power_item_id', 'merged_into_id', 'split_from_id', 'case_type_key')

FOLLOWUP_TABLES = ('accountability', 'supervision', 'rectification', 'answer_edition', 'published_answer')
SECURITY_TABLES = ('network_count', 'network_key', 'staff_recovery_code', 'staff_second_factor', 'staff_session')


SIFTED = ('state', 'kind', 'channel', 'delicate', 'organ_id', 'handler_id', 'paused_on', 'erased_at')
WORKLIST_INDEXES = {
    'ix_complaint_due': ['next_due_on', 'id', *SIFTED, 'handler_organ_id'],
    'ix_complaint_lead': ['handler_organ_id', 'next_due_on', 'id', *SIFTED],
    'ix_complaint_organ_due': ['organ_id', 'next_due_on', 'id'],
    'ix_complaint_handler_due': ['handler_id', 'next_due_on', 'id'],
}
OLD_INDEXES = ('organ_id', 'handler_organ_id', 'handler_id')


def upgrade() -> None:
    create_tables()
    create_security_tables()
    create_casework_tables()
    create_followup_tables()
    create_worklist_tables()
    add_columns()
    seal_rows()
    for table, names in (('complaint', (*TEXTS, *WHO)), ('complaint_event', ('text',)), ('complaint_file', ('name',))):
        for name in names:
            op.execute(f'ALTER TABLE {table} DROP COLUMN {name}')
    op.drop_index('ix_complaint_worklist', table_name='complaint')
    for name in OLD_INDEXES:
        op.drop_index(f'ix_complaint_{name}', table_name='complaint')
    for name, columns in WORKLIST_INDEXES.items():
        op.create_index(name, 'complaint', columns)
    op.create_index('ix_complaint_kept', 'complaint', ['closed_at', 'id'],
        sqlite_where=sa.text('closed_at IS NOT NULL AND erased_at IS NULL'),
        postgresql_where=sa.text('closed_at IS NOT NULL AND erased_at IS NULL'))
    op.create_index('ix_complaint_paused', 'complaint', ['paused_on', 'id'],
        sqlite_where=sa.text('paused_on IS NOT NULL'), postgresql_where=sa.text('paused_on IS NOT NULL'))
    op.create_index('ix_complaint_state', 'complaint', ['state', 'id'])
    for name in ('contact_id', 'merged_into_id', 'split_from_id'):
        op.create_index(f'ix_complaint_{name}', 'complaint', [name])
    op.create_index('ix_complaint_external_number', 'complaint', ['external_number'], unique=True)
    op.create_index('ix_complaint_file_token', 'complaint_file', ['token'], unique=True)


def create_tables() -> None:
    """Create the new tables."""
    op.create_table('case_type',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('name_en', sa.Text(), nullable=False),
    sa.Column('accept_within', sa.Integer(), nullable=False),
    sa.Column('accept_unit', sa.String(length=24), nullable=False),
    sa.Column('answer_within', sa.Integer(), nullable=False),
    sa.Column('answer_unit', sa.String(length=24), nullable=False),
    sa.Column('extend_by', sa.Integer(), nullable=False),
    sa.Column('pausable', sa.Boolean(), nullable=False),
    sa.Column('anonymous', sa.Boolean(), nullable=False),
    sa.Column('publishable', sa.Boolean(), nullable=False),
    sa.Column('reopen_within', sa.Integer(), nullable=False),
    sa.Column('contact_within', sa.Integer(), nullable=False),
    sa.Column('rectify_within', sa.Integer(), nullable=False),
    sa.Column('keep_months', sa.Integer(), nullable=False),
    sa.Column('at_end', sa.String(length=24), nullable=False),
    sa.Column('basis', sa.Text(), nullable=False),
    sa.Column('basis_en', sa.Text(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_case_type'))
    )
    op.create_table('complaint_organ',
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.String(length=24), nullable=False),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_complaint_organ_complaint_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_complaint_organ_organ_id')),
    sa.PrimaryKeyConstraint('complaint_id', 'organ_id', 'part', name=op.f('pk_complaint_organ'))
    )
    op.create_index('ix_complaint_organ_organ_id', 'complaint_organ', ['organ_id'])
    op.create_table('complaint_named',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.Column('officer_id', sa.Integer(), nullable=True),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('cleared_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_complaint_named_complaint_id')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_complaint_named_staff_id')),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_complaint_named_officer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_complaint_named'))
    )
    for name in ('complaint_id', 'staff_id', 'officer_id'):
        op.create_index(f'ix_complaint_named_{name}', 'complaint_named', [name])
    op.create_table('complaint_pause',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_complaint_pause_complaint_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_complaint_pause'))
    )
    op.create_index('ix_complaint_pause_complaint_id', 'complaint_pause', ['complaint_id'])


def create_casework_tables() -> None:
    """Create what transfers, extensions and replies of cases are kept in."""
    op.create_table('case_extension',
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('granted', sa.Boolean(), nullable=True),
    sa.ForeignKeyConstraint(['asked_by_id'], ['staff.id'], name=op.f('fk_case_extension_asked_by_id')),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_case_extension_complaint_id')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['staff.id'], name=op.f('fk_case_extension_decided_by_id')),
    sa.PrimaryKeyConstraint('complaint_id', name=op.f('pk_case_extension'))
    )
    op.create_table('case_transfer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('from_organ_id', sa.Integer(), nullable=True),
    sa.Column('to_organ_id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('returned_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_case_transfer_complaint_id')),
    sa.ForeignKeyConstraint(['from_organ_id'], ['organ.id'], name=op.f('fk_case_transfer_from_organ_id')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_case_transfer_staff_id')),
    sa.ForeignKeyConstraint(['to_organ_id'], ['organ.id'], name=op.f('fk_case_transfer_to_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_transfer'))
    )
    op.create_index('ix_case_transfer_complaint_id', 'case_transfer', ['complaint_id'])
    op.create_table('reply_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.String(length=24), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_reply_template_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reply_template'))
    )
    op.create_table('reply_draft',
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.String(length=24), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('finding', sa.String(length=24), nullable=True),
    sa.Column('ground', sa.Text(), nullable=False),
    sa.Column('texts_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('writer_id', sa.Integer(), nullable=False),
    sa.Column('reviewer_id', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reviewed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_reply_draft_complaint_id')),
    sa.ForeignKeyConstraint(['reviewer_id'], ['staff.id'], name=op.f('fk_reply_draft_reviewer_id')),
    sa.ForeignKeyConstraint(['writer_id'], ['staff.id'], name=op.f('fk_reply_draft_writer_id')),
    sa.PrimaryKeyConstraint('complaint_id', name=op.f('pk_reply_draft'))
    )
    op.create_index('ix_reply_draft_reviewer_id', 'reply_draft', ['reviewer_id'])


def create_followup_tables() -> None:
    """Create what follows an answer: bad grades, publication, supervision, accountability."""
    op.create_table('rectification',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('grade', sa.Integer(), nullable=False),
    sa.Column('contact_due_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('contacted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contacted_by_id', sa.Integer(), nullable=True),
    sa.Column('mistake_by_id', sa.Integer(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.Column('outcome', sa.String(length=24), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['closed_by_id'], ['staff.id'], name=op.f('fk_rectification_closed_by_id')),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_rectification_complaint_id')),
    sa.ForeignKeyConstraint(['contacted_by_id'], ['staff.id'], name=op.f('fk_rectification_contacted_by_id')),
    sa.ForeignKeyConstraint(['mistake_by_id'], ['staff.id'], name=op.f('fk_rectification_mistake_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rectification'))
    )
    op.create_index('ix_rectification_complaint_id', 'rectification', ['complaint_id'])
    op.create_index('ix_rectification_open', 'rectification', ['due_on', 'id'],
        sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.create_table('published_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('finding', sa.String(length=24), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('question', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_published_answer_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_published_answer'))
    )
    op.create_index('ix_published_answer_organ_id', 'published_answer', ['organ_id'])
    op.create_table('answer_edition',
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('texts_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('writer_id', sa.Integer(), nullable=False),
    sa.Column('released_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_answer_edition_complaint_id')),
    sa.ForeignKeyConstraint(['published_id'], ['published_answer.id'], name=op.f('fk_answer_edition_published_id')),
    sa.ForeignKeyConstraint(['released_by_id'], ['staff.id'], name=op.f('fk_answer_edition_released_by_id')),
    sa.ForeignKeyConstraint(['writer_id'], ['staff.id'], name=op.f('fk_answer_edition_writer_id')),
    sa.PrimaryKeyConstraint('complaint_id', name=op.f('pk_answer_edition')),
    sa.UniqueConstraint('published_id', name=op.f('uq_answer_edition_published_id'))
    )
    op.create_table('supervision',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('rounds', sa.Integer(), nullable=False),
    sa.Column('ordered_by_id', sa.Integer(), nullable=False),
    sa.Column('replied_by_id', sa.Integer(), nullable=True),
    sa.Column('replied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_supervision_complaint_id')),
    sa.ForeignKeyConstraint(['ordered_by_id'], ['staff.id'], name=op.f('fk_supervision_ordered_by_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_supervision_organ_id')),
    sa.ForeignKeyConstraint(['replied_by_id'], ['staff.id'], name=op.f('fk_supervision_replied_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision'))
    )
    op.create_index('ix_supervision_complaint_id', 'supervision', ['complaint_id'])
    op.create_index('ix_supervision_open', 'supervision', ['due_on', 'id'],
        sqlite_where=sa.text("state <> 'accepted'"), postgresql_where=sa.text("state <> 'accepted'"))
    op.create_table('accountability',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('complaint_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('ground', sa.Text(), nullable=False),
    sa.Column('measure', sa.Text(), nullable=False),
    sa.Column('texts_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('opened_by_id', sa.Integer(), nullable=False),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['closed_by_id'], ['staff.id'], name=op.f('fk_accountability_closed_by_id')),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_accountability_complaint_id')),
    sa.ForeignKeyConstraint(['opened_by_id'], ['staff.id'], name=op.f('fk_accountability_opened_by_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organ.id'], name=op.f('fk_accountability_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accountability'))
    )
    op.create_index('ix_accountability_complaint_id', 'accountability', ['complaint_id'])


def create_worklist_tables() -> None:
    """Create what staff find complaints by: filters they keep, and the digests of the words of sealed texts."""
    op.create_table('saved_filter',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('filters', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_saved_filter_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_filter')),
    sa.UniqueConstraint('staff_id', 'name', name=op.f('uq_saved_filter_staff_id_name'))
    )
    op.create_table('complaint_words',
    sa.Column('complaint_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('packed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['complaint_id'], ['complaint.id'], name=op.f('fk_complaint_words_complaint_id')),
    sa.PrimaryKeyConstraint('complaint_id', name=op.f('pk_complaint_words'))
    )
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE complaint_words ADD COLUMN search_index bigint[]')
        op.execute('CREATE INDEX ix_complaint_words_search_index ON complaint_words USING gin (search_index)')
    else:
        op.execute("CREATE VIRTUAL TABLE complaint_search_index USING fts5(packed, content='complaint_words', "
            "content_rowid='complaint_id', detail=none, columnsize=0, tokenize='ascii')")


def drop_worklist_tables() -> None:
    """Drop what staff find complaints by."""
    if op.get_bind().dialect.name == 'sqlite':
        op.drop_table('complaint_search_index')
    op.drop_table('complaint_words')
    op.drop_table('saved_filter')


def create_security_tables() -> None:
    """Create what sessions, second factors and limits per network are kept in."""
    op.create_table('network_key',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_network_key'))
    )
    op.create_table('network_count',
    sa.Column('bucket', sa.LargeBinary(), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('bucket', name=op.f('pk_network_count'))
    )
    op.create_index('ix_network_count_ends_at', 'network_count', ['ends_at'])
    op.create_table('staff_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('second_factor', sa.Boolean(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_session_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_staff_session_token_hash'))
    )
    op.create_index('ix_staff_session_staff_id', 'staff_session', ['staff_id'])
    op.create_table('staff_second_factor',
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('last_step', sa.Integer(), nullable=False),
    sa.Column('failed_attempts', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_second_factor_staff_id')),
    sa.PrimaryKeyConstraint('staff_id', name=op.f('pk_staff_second_factor'))
    )
    op.create_table('staff_recovery_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_recovery_code_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_recovery_code'))
    )
    op.create_index('ix_staff_recovery_code_staff_id', 'staff_recovery_code', ['staff_id'])


def add_columns() -> None:
    """Add the new columns, without rebuilding a table on SQLite."""
    no_bytes = sa.text("''" if op.get_bind().dialect.name == 'postgresql' else "x''")
    op.add_column('complaint', sa.Column('data_key', sa.LargeBinary(), nullable=False, server_default=no_bytes))
    for name in ('texts_sealed', 'identity_sealed'):
        op.add_column('complaint', sa.Column(name, sa.LargeBinary(), nullable=True))
    op.add_column('complaint', sa.Column('channel', sa.String(length=24), nullable=False, server_default='web'))
    op.add_column('complaint', sa.Column('finding', sa.String(length=24), nullable=True))
    for name in ('delicate', 'call_wanted'):
        op.add_column('complaint', sa.Column(name, sa.Boolean(), nullable=False, server_default=NO))
    op.add_column('complaint', sa.Column('external_number', sa.Text(), nullable=True))
    op.add_column('complaint', sa.Column('street', sa.Text(), nullable=False, server_default=EMPTY))
    op.add_column('complaint', sa.Column('extended_by', sa.Integer(), nullable=False, server_default=NONE))
    op.add_column('complaint', sa.Column('clock_from_on', sa.Date(), nullable=False, server_default='2000-01-01'))
    for name in DAYS[1:]:
        op.add_column('complaint', sa.Column(name, sa.Date(), nullable=True))
    for name in MOMENTS:
        op.add_column('complaint', sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute('ALTER TABLE complaint DROP COLUMN code_sealed')
    op.add_column('complaint', sa.Column('code_sealed', sa.LargeBinary(), nullable=True))
    op.execute('ALTER TABLE complaint ADD COLUMN case_type_key TEXT '
        'CONSTRAINT fk_complaint_case_type_key REFERENCES case_type (key)')
    op.add_column('complaint_event', sa.Column('text_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('complaint_file', sa.Column('name_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('complaint_file', sa.Column('token', sa.Text(), nullable=False, server_default=EMPTY))
    op.add_column('complaint_file', sa.Column('caution', sa.Text(), nullable=False, server_default=EMPTY))
    op.add_column('complaint_file', sa.Column('public', sa.Boolean(), nullable=False, server_default=sa.text('true')))
    op.add_column('complaint_file', sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('complaint_file', sa.Column('removed_reason', sa.Text(), nullable=False, server_default=EMPTY))
    for table, name, other, key in REFERENCES:
        op.execute(f'ALTER TABLE {table} ADD COLUMN {name} INTEGER CONSTRAINT fk_{table}_{name} REFERENCES {other} ({key})')


def local_day(moment: datetime) -> Any:
    """Return the day in China of a moment."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware.astimezone(UTC) + timedelta(hours=8)).date()


def tables() -> tuple[sa.Table, sa.Table, sa.Table]:
    """Return the three tables as they are while both kinds of columns are there."""
    metadata = sa.MetaData()
    bind = op.get_bind()
    return tuple(  # type: ignore[return-value]
        sa.Table(name, metadata, autoload_with=bind, resolve_fks=False)
        for name in ('complaint', 'complaint_event', 'complaint_file')
    )


def seal_rows() -> None:
    """Seal every complaint under a key of its own, with its events and the names of its files."""
    bind = op.get_bind()
    complaint, event, file = tables()
    last = 0
    while rows := bind.execute(sa.select(complaint).where(complaint.c.id > last).order_by(complaint.c.id).limit(AT_ONCE)).all():
        for row in rows:
            key = vault.new_data_key()
            number = row.number
            texts = {name: getattr(row, name) for name in TEXTS if getattr(row, name)}
            who = {name: getattr(row, name) for name in WHO if getattr(row, name)}
            due = {'submitted': row.accept_due_on, 'accepted': row.answer_due_on}.get(row.state)
            bind.execute(complaint.update().where(complaint.c.id == row.id).values(
                data_key=vault.get_vault().wrap(key, f'complaint:{number}'),
                texts_sealed=vault.seal_json(key, texts, f'complaint.texts_sealed:{number}') if texts else None,
                identity_sealed=vault.seal_json(key, who, f'complaint.identity_sealed:{number}') if who else None,
                delicate=row.kind == 'conduct' or bool(row.officer.strip()),
                clock_from_on=local_day(row.received_at),
                next_due_on=due,
                code_sealed_until=None,
            ))
            for happened in bind.execute(sa.select(event).where(event.c.complaint_id == row.id, event.c.text != '')).all():
                context = f'complaint_event.text_sealed:{number}:{happened.action}'
                sealed = vault.seal_json(key, {'text': happened.text}, context)
                bind.execute(event.update().where(event.c.id == happened.id).values(text_sealed=sealed))
            for sent in bind.execute(sa.select(file).where(file.c.complaint_id == row.id)).all():
                token = secrets.token_hex(16)
                sealed = vault.seal_json(key, {'name': sent.name}, f'complaint_file.name_sealed:{number}:{token}')
                bind.execute(file.update().where(file.c.id == sent.id).values(token=token, name_sealed=sealed))
        last = rows[-1].id


def downgrade() -> None:
    drop_worklist_tables()
    for name in (*WORKLIST_INDEXES, 'ix_complaint_paused', 'ix_complaint_kept', 'ix_complaint_state', 'ix_complaint_contact_id', 'ix_complaint_merged_into_id',
        'ix_complaint_split_from_id', 'ix_complaint_external_number'):
        op.drop_index(name, table_name='complaint')
    op.drop_index('ix_complaint_file_token', table_name='complaint_file')
    for name in (*TEXTS, *WHO):
        op.add_column('complaint', sa.Column(name, sa.Text(), nullable=False, server_default=EMPTY))
    op.add_column('complaint_event', sa.Column('text', sa.Text(), nullable=False, server_default=EMPTY))
    op.add_column('complaint_file', sa.Column('name', sa.Text(), nullable=False, server_default=EMPTY))
    open_rows()
    open_files()
    op.execute('ALTER TABLE complaint DROP COLUMN code_sealed')
    op.add_column('complaint', sa.Column('code_sealed', sa.Text(), nullable=True))
    for name in NEW:
        op.execute(f'ALTER TABLE complaint DROP COLUMN {name}')
    op.execute('ALTER TABLE complaint_event DROP COLUMN text_sealed')
    for name in ('event_id', 'name_sealed', 'token', 'caution', 'public', 'removed_at', 'removed_reason'):
        op.execute(f'ALTER TABLE complaint_file DROP COLUMN {name}')
    op.execute('ALTER TABLE staff DROP COLUMN officer_id')
    op.create_index('ix_complaint_worklist', 'complaint', ['state', 'answer_due_on', 'id'])
    for name in OLD_INDEXES:
        op.create_index(f'ix_complaint_{name}', 'complaint', [name])
    for name in (*FOLLOWUP_TABLES, 'case_extension', 'case_transfer', 'reply_template', 'reply_draft', *SECURITY_TABLES, 'complaint_pause', 'complaint_named', 'complaint_organ', 'case_type'):
        op.drop_table(name)


def open_rows() -> None:
    """Write every sealed text back into its column."""
    bind = op.get_bind()
    complaint, event, file = tables()
    for row in bind.execute(sa.select(complaint)).all():
        key = vault.open_data_key(row.data_key, f'complaint:{row.number}')
        opened = {}
        for envelope in ('texts_sealed', 'identity_sealed'):
            sealed = getattr(row, envelope)
            opened |= vault.unseal_json(key, sealed, f'complaint.{envelope}:{row.number}') if sealed else {}
        kept = {name: opened.get(name, '') for name in (*TEXTS, *WHO)}
        bind.execute(complaint.update().where(complaint.c.id == row.id).values(**kept))
        for happened in bind.execute(sa.select(event).where(event.c.complaint_id == row.id, event.c.text_sealed.is_not(None))).all():
            context = f'complaint_event.text_sealed:{row.number}:{happened.action}'
            text = vault.unseal_json(key, happened.text_sealed, context).get('text', '')
            bind.execute(event.update().where(event.c.id == happened.id).values(text=text))
        for sent in bind.execute(sa.select(file).where(file.c.complaint_id == row.id, file.c.name_sealed.is_not(None))).all():
            context = f'complaint_file.name_sealed:{row.number}:{sent.token}'
            name = vault.unseal_json(key, sent.name_sealed, context).get('name', '')
            bind.execute(file.update().where(file.c.id == sent.id).values(name=name))


def open_files() -> None:
    """Write every kept file in clear under its digest, as it was; `flask db upgrade` seals them again."""
    file = tables()[2]
    columns = (file.c.token, file.c.sha256, file.c.clean_sha256)
    uploads.open_plain([(row.token, row.sha256, row.clean_sha256) for row in op.get_bind().execute(sa.select(*columns))])
