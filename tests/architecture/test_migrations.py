"""The schema goes up, down and up again with data in it, on both databases, and says what the models say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from portal import schema
from portal.accounts.models import Staff
from portal.db import Model, db
from tests.conftest import make_app, make_settings
from tests.factories.accounts import make_staff
from tests.factories.organs import make_organ


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
