"""Imports of decisions

One table of uploaded spreadsheets for permits and decisions, instead of one for permits alone; and document numbers of
decisions as they are compared, whichever brackets and widths they are written in.
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

NONE, EMPTY = sa.text('0'), sa.text("''")
COLUMNS = (
    'id',
    'created_at',
    'staff_id',
    'file_name',
    'sha256',
    'committed_at',
    'counts',
    'handed_over_at',
    'organ_id',
    'locale',
    'rows_total',
    'rows_done',
    'plan',
    'claimed_by',
    'claimed_at',
    'problem',
)


def create(table: str, *columns: sa.Column[str]) -> None:
    """Create a table of uploaded spreadsheets."""
    op.create_table(table,
    sa.Column('id', sa.Integer(), nullable=False),
    *columns,
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.Column('file_name', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('committed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('handed_over_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('locale', sa.Text(), nullable=False, server_default=EMPTY),
    sa.Column('rows_total', sa.Integer(), nullable=False, server_default=NONE),
    sa.Column('rows_done', sa.Integer(), nullable=False, server_default=NONE),
    sa.Column('plan', sa.LargeBinary(), nullable=True),
    sa.Column('claimed_by', sa.Text(), nullable=False, server_default=EMPTY),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('problem', sa.Text(), nullable=False, server_default=EMPTY),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f(f'fk_{table}_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{table}'))
    )
    # As 0004 adds it: SQLite can take a column away again only when its reference stands beside it.
    op.execute(f'ALTER TABLE {table} ADD COLUMN organ_id INTEGER CONSTRAINT fk_{table}_organ_id REFERENCES organ (id)')


def move(old: str, new: str) -> None:
    """Move all imports of permits into another table, each under its number: files on disk are named by it."""
    names = ', '.join(COLUMNS)
    values, condition = names, ''
    if new == 'spreadsheet_import':
        names, values = f'kind, {names}', f"'permits', {names}"
    else:
        condition = "WHERE kind = 'permits'"
    op.execute(f'INSERT INTO {new} ({names}) SELECT {values} FROM {old} {condition}')  # noqa: S608 - names of ours
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(
            f"SELECT setval(pg_get_serial_sequence('{new}', 'id'), "  # noqa: S608 - names of ours
            f'COALESCE((SELECT max(id) FROM {old}), 0) + 1, false)'
        )
    op.drop_table(old)


def upgrade() -> None:
    create('spreadsheet_import', sa.Column('kind', sa.Text(), nullable=False))
    move('permit_import', 'spreadsheet_import')
    op.add_column('decision', sa.Column('number_key', sa.Text(), nullable=False, server_default=EMPTY))
    op.create_index('ix_decision_number', 'decision', ['organ_id', 'number_key'])
    fill_number_keys()


def number_key(number: str) -> str:
    """Return a document number as `portal.decisions.rules` compared it when this was written."""
    plain = ''.join(unicodedata.normalize('NFKC', number).split()).lower()
    return plain.translate(str.maketrans('([{<\u3010\u3016\u3008)]}>\u3011\u3017\u3009', '\u3014' * 7 + '\u3015' * 7))


def fill_number_keys() -> None:
    """Write every decision's number as it is compared, in pieces."""
    decision = sa.table('decision', sa.column('id'), sa.column('document_number'), sa.column('number_key'))
    statement = (
        sa.update(decision)
        .where(decision.c.id == sa.bindparam('of'))
        .values(number_key=sa.bindparam('key'))
    )
    connection, last = op.get_bind(), 0
    while rows := connection.execute(
        sa.select(decision.c.id, decision.c.document_number)
        .where(decision.c.id > last)
        .order_by(decision.c.id)
        .limit(1000)
    ).all():
        connection.execute(statement, [{'of': row.id, 'key': number_key(row.document_number)} for row in rows])
        last = rows[-1].id


def downgrade() -> None:
    op.drop_index('ix_decision_number', table_name='decision')
    op.execute('ALTER TABLE decision DROP COLUMN number_key')
    create('permit_import')
    move('spreadsheet_import', 'permit_import')
