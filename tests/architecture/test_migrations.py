"""The schema goes up, down and up again with data in it, on both databases, and says what the models say."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from portal import schema
from portal.accounts.models import Staff
from portal.calls.models import Call
from portal.db import Model, db
from portal.decisions.models import Decision, DecisionState
from portal.permits.service import ask_for_call
from portal.search.models import SearchEntry
from tests.conftest import make_app, make_settings
from tests.factories.accounts import make_staff
from tests.factories.decisions import make_decision
from tests.factories.messages import make_message
from tests.factories.organs import make_organ
from tests.factories.permits import make_permit


@pytest.fixture
def fresh(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application whose database may be taken apart."""
    app = make_app(make_settings(tmp_path, database_url))
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()


def run(app: Flask, *words: str) -> None:
    """Run a command as the shell would."""
    db.session.commit()
    db.session.remove() if hasattr(db.session, "remove") else db.session.close()
    result = app.test_cli_runner().invoke(args=list(words))
    assert result.exit_code == 0, result.output


def tables() -> set[str]:
    """Return the names of the tables that are there."""
    found = set(sa.inspect(db.session.connection()).get_table_names())
    db.session.rollback()
    return found


def test_models_and_migrations_agree(fresh: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        changes = [change for change in compare_metadata(context, Model.metadata) if not is_search_index(change)]
    assert changes == []


def is_search_index(change: object) -> bool:
    """Whether a difference is about the full-text index, which no model can name."""
    return any(name in repr(change) for name in ("search_index", "ix_search_entry_words"))


def test_down_and_up_again_with_data(fresh: Flask) -> None:
    make_staff(organ_id=make_organ().id)
    before = tables()
    run(fresh, "db", "downgrade", "base")
    assert not (tables() & set(Model.metadata.tables))
    run(fresh, "db", "upgrade")
    assert tables() == before
    make_staff()
    db.session.commit()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Staff)) == 1


def test_upgrading_twice_changes_nothing(fresh: Flask) -> None:
    make_staff()
    run(fresh, "db", "upgrade")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Staff)) == 1
    assert schema.is_current()


def test_there_is_one_newest_revision() -> None:
    assert len(ScriptDirectory(str(schema.MIGRATIONS)).get_heads()) == 1


def list_rows(statement: str) -> list[tuple[object, ...]]:
    """Return rows as they lie in the database, whatever the models say of them."""
    rows = [tuple(row) for row in db.session.execute(sa.text(statement))]
    db.session.rollback()
    return rows


def test_calls_about_permits_move_there_and_back(fresh: Flask) -> None:
    permit, staff = make_permit(valid_to=date(2027, 6, 1)), make_staff()
    message = make_message()
    run(fresh, "db", "downgrade", "0002")
    columns = "id, key, permit_id, message_id, reason, due_on, done_at, done_by_id, result, created_at"
    at = "2026-11-20 02:00:00"
    sent = f"'undelivered:{permit.id}:{message.id}', {permit.id}, {message.id}"
    asked = f"'asked:{permit.id}:', {permit.id}"
    for values in (
        f"7, {sent}, 'undelivered', '2026-11-23', NULL, NULL, ''",
        f"9, {asked}, NULL, 'asked', '2026-11-24', '{at}', {staff.id}, '会去办理'",
    ):
        db.session.execute(sa.text(f"INSERT INTO call_task ({columns}) VALUES ({values}, '{at}')"))
    db.session.commit()
    before = list_rows(f"SELECT {columns} FROM call_task ORDER BY id")
    run(fresh, "db", "upgrade")
    waits, made = db.session.scalars(sa.select(Call).order_by(Call.id))
    subject = f"permit:{permit.id}"
    assert (waits.id, waits.subject, waits.message_id, waits.done_at) == (7, subject, message.id, None)
    assert (made.id, made.result, made.done_by_id, made.due_on) == (9, "会去办理", staff.id, date(2026, 11, 24))
    assert {(call.party_id, call.organ_id) for call in (waits, made)} == {(permit.party_id, permit.organ_id)}
    # What was asked for before is not asked for again, and new calls get new numbers.
    assert not ask_for_call(permit.id, message.id, "undelivered")
    assert ask_for_call(permit.id, None, "undelivered")
    db.session.execute(sa.delete(Call).where(Call.id > 9))
    db.session.commit()
    run(fresh, "db", "downgrade", "0002")
    assert list_rows(f"SELECT {columns} FROM call_task ORDER BY id") == before
    run(fresh, "db", "upgrade")


def test_of_two_spellings_of_a_number_the_published_one_keeps_it(fresh: Flask) -> None:
    run(fresh, "db", "downgrade", "0010")
    organ = make_organ()
    draft, public, third = (
        make_decision(organ=organ, document_number=number, state=state)
        for number, state in (
            ("虚监罚（2026）7号", DecisionState.DRAFT),
            ("虚监罚〔2026〕7号", DecisionState.PUBLISHED),
            ("虚监罚[2026]7号", DecisionState.DRAFT),
        )
    )
    unmarked = sa.func.replace(SearchEntry.search_text, " §n虚监罚20267号", "")
    db.session.execute(sa.update(SearchEntry).values(search_text=unmarked))
    ids = [draft.id, public.id, third.id]
    run(fresh, "db", "upgrade")
    keys = db.session.scalars(sa.select(Decision.number_key).order_by(Decision.id)).all()
    assert keys == [f"虚监罚〔2026〕7号#{ids[0]}", "虚监罚〔2026〕7号", f"虚监罚〔2026〕7号#{ids[2]}"]
    marked = sa.select(SearchEntry.record_id).where(SearchEntry.search_text.contains(" §n虚监罚20267号"))
    assert db.session.scalars(marked).all() == [ids[1]]
    run(fresh, "db", "downgrade", "0010")
    run(fresh, "db", "upgrade")
    assert db.session.scalars(sa.select(Decision.number_key).order_by(Decision.id)).all() == keys
