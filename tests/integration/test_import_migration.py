"""Imports of permits that are under way survive the schema's way up and down, and numbers of decisions are compared."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.decisions.models import Decision
from portal.imports.models import SpreadsheetImport
from portal.imports.service import open_import
from tests.conftest import make_app, make_settings
from tests.factories.accounts import make_staff
from tests.factories.decisions import make_decision


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
    db.session.close()
    result = app.test_cli_runner().invoke(args=list(words))
    assert result.exit_code == 0, result.output


def test_down_and_up_again_keeps_imports_under_their_numbers(fresh: Flask) -> None:
    staff_id = make_staff().id
    make_decision(document_number="虚监罚（2026） 7号")
    kinds = ("permits", "decisions", "permits")
    opened = [
        open_import(kind=kind, file_name=f"{kind}.csv", sha256="0" * 64, staff_id=staff_id, rows=number)
        for number, kind in enumerate(kinds, 1)
    ]
    ids = [one.id for one in opened if one.kind == "permits"]
    run(fresh, "db", "downgrade", "0009")
    kept = sa.text("SELECT id, file_name, rows_total FROM permit_import ORDER BY id")
    assert db.session.execute(kept).all() == [(ids[0], "permits.csv", 1), (ids[1], "permits.csv", 3)]
    run(fresh, "db", "upgrade")
    columns = sa.select(SpreadsheetImport.id, SpreadsheetImport.kind, SpreadsheetImport.staff_id)
    assert db.session.execute(columns.order_by(SpreadsheetImport.id)).all() == [
        (number, "permits", staff_id) for number in ids
    ]
    assert db.session.scalars(sa.select(Decision.number_key)).one() == "虚监罚〔2026〕7号"
    later = open_import(kind="decisions", file_name="a.csv", sha256="0" * 64, staff_id=staff_id, rows=1)
    assert later.id > ids[-1]
