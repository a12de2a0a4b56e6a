"""Document numbers

An organ has a document number once, in whichever brackets and widths it is written; and the search knows a decision by
its whole number. Where two spellings of a number are there already, the second keeps a key of its own until somebody
edits it.
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

AT_ONCE = 1000
decision = sa.table(
    'decision',
    *(sa.column(name) for name in ('id', 'organ_id', 'document_number', 'number_key', 'state', 'published_at')),
)
entry = sa.table('search_entry', *(sa.column(name) for name in ('kind', 'record_id', 'search_text')))


def upgrade() -> None:
    part_same_numbers()
    op.drop_index('ix_decision_number', table_name='decision')
    op.create_index('ix_decision_number', 'decision', ['organ_id', 'number_key'], unique=True)
    mark_numbers()


def part_same_numbers() -> None:
    """Let the published spelling of a number have it, or else the oldest; a key of the others names their row."""
    unpublished = sa.case((decision.c.published_at.is_(None), 1), else_=0)
    place = sa.func.row_number().over(
        partition_by=(decision.c.organ_id, decision.c.number_key), order_by=(unpublished, decision.c.id)
    )
    placed = sa.select(decision.c.id, place.label('place')).subquery()
    others = sa.select(placed.c.id).where(placed.c.place > 1)
    key = decision.c.number_key + '#' + sa.cast(decision.c.id, sa.Text)
    op.execute(sa.update(decision).where(decision.c.id.in_(others)).values(number_key=key))


def mark_numbers() -> None:
    """Give what the search knows of each published decision the mark of its whole number, in pieces."""
    kind, record, mark = (sa.bindparam(name) for name in ('of_kind', 'of', 'mark'))
    add = (
        sa.update(entry)
        .where(entry.c.kind == kind, entry.c.record_id == record)
        .values(search_text=entry.c.search_text + ' ' + mark)
    )
    wanted = sa.select(decision.c.id, decision.c.document_number).where(decision.c.state == 'published')
    connection, last = op.get_bind(), 0
    while rows := connection.execute(wanted.where(decision.c.id > last).order_by(decision.c.id).limit(AT_ONCE)).all():
        marks = [(row.id, number_mark(row.document_number)) for row in rows]
        connection.execute(add, [{'of_kind': 'decision', 'of': of, 'mark': mark} for of, mark in marks])
        last = rows[-1].id


def number_mark(number: str) -> str:
    """Return the mark of a whole number as `portal.search.rules` wrote it when this was written."""
    folded = unicodedata.normalize('NFKC', number).casefold()
    return '\u00a7n' + ''.join(letter for letter in folded if letter.isalnum())


def downgrade() -> None:
    op.drop_index('ix_decision_number', table_name='decision')
    op.create_index('ix_decision_number', 'decision', ['organ_id', 'number_key'])
