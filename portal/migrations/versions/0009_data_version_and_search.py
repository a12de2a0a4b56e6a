"""Data version and search

A number that grows with every change of what the public may read; `portal.data_version.watch` hangs the triggers on the
tables. The index of all that is public: an entry's id says when it was published, and PostgreSQL keeps its words as it
searches them. `portal.search.service.renew` writes the entries that are there anew.
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

# PostgreSQL: a row of its own for each of so many writers at a time; see portal/data_version.py.
SLOTS = {'sqlite': 1, 'postgresql': 16}
COUNT_CHANGE = """
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Once a transaction is enough.
  IF coalesce(current_setting('portal.counted', true), '') = '' THEN
    UPDATE data_version SET number = number + 1
    WHERE slot = coalesce((SELECT slot FROM data_version LIMIT 1 FOR UPDATE SKIP LOCKED), 0);
    PERFORM set_config('portal.counted', 'yes', true);
  END IF;
  RETURN NULL;
END $$
"""
WORDS_UP = (
    'DROP INDEX ix_search_entry_words',
    'ALTER TABLE search_entry ALTER COLUMN id TYPE bigint',
    # Words lie in the row, not in pieces elsewhere: a search looks at some hundreds of the newest entries.
    'ALTER TABLE search_entry SET (toast_tuple_target = 8160)',
    'ALTER TABLE search_entry ADD COLUMN search_index tsvector '
    "GENERATED ALWAYS AS (array_to_tsvector(string_to_array(search_text, ' '))) STORED",
    'ALTER TABLE search_entry ALTER COLUMN search_index SET STORAGE MAIN',
    # Without a list of what is still to be sorted in, which every search would read through.
    'CREATE INDEX ix_search_entry_words ON search_entry USING gin (search_index) WITH (fastupdate = off)',
)
WORDS_DOWN = (
    'ALTER TABLE search_entry DROP COLUMN search_index',
    # Ids that an integer holds, in the same order; first out of the way of each other.
    'UPDATE search_entry SET id = -numbered.number '
    'FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM search_entry) AS numbered '
    'WHERE search_entry.id = numbered.id',
    'UPDATE search_entry SET id = -id',
    "SELECT setval(pg_get_serial_sequence('search_entry', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM search_entry))",
    'ALTER TABLE search_entry ALTER COLUMN id TYPE integer',
    'ALTER TABLE search_entry RESET (toast_tuple_target)',
    'CREATE INDEX ix_search_entry_words ON search_entry '
    "USING gin (array_to_tsvector(string_to_array(search_text, ' ')))",
)


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    table = op.create_table('data_version',
    sa.Column('slot', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('slot', name=op.f('pk_data_version'))
    )
    op.bulk_insert(table, [{'slot': slot, 'number': 0} for slot in range(SLOTS[dialect])])
    if dialect == 'postgresql':
        op.execute(COUNT_CHANGE)
        for statement in WORDS_UP:
            op.execute(statement)
    op.drop_index('ix_search_entry_published', table_name='search_entry')
    ends = sa.text('published_until IS NOT NULL')
    op.create_index(
        'ix_search_entry_until', 'search_entry', ['published_until'], sqlite_where=ends, postgresql_where=ends
    )


def downgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == 'postgresql':
        op.execute('DROP FUNCTION count_change() CASCADE')
        for statement in WORDS_DOWN:
            op.execute(statement)
    else:
        names = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'watch!_%' ESCAPE '!'")
        for name in list(bind.scalars(names)):
            op.execute(f'DROP TRIGGER {name}')
    op.drop_table('data_version')
    op.drop_index('ix_search_entry_until', table_name='search_entry')
    op.create_index('ix_search_entry_published', 'search_entry', ['published_on', 'id'])
