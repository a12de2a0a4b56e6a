"""Rows read past SQLAlchemy are those that it reads, on both databases and after a failure."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal import data_version, rows
from portal.db import db, reading
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.decisions.queries import EVERYTHING, list_published
from portal.rows import read_rows
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ

COLUMNS = (Decision.id, Decision.title, Decision.kind, Decision.decided_on, Decision.published_at, Decision.fine)
TODAY = date(2026, 11, 23)


def three_times(statement: sa.Select[*tuple[Any, ...]], **values: object) -> list[Sequence[Any]]:
    """Read as the first, the second and a later reader does."""
    with reading():
        return [read_rows(statement, values) for _ in range(3)]


@pytest.mark.parametrize("kinds", [sa.true(), Decision.kind.in_(list(DecisionKind))], ids=["plain", "list"])
def test_rows_are_those_of_sqlalchemy(app: Flask, kinds: sa.ColumnElement[bool]) -> None:
    made = [make_decision(title=f"虚构 100% {number}?", fine=number * 10) for number in range(3)]
    db.session.commit()
    wanted = Decision.title.contains("0%", autoescape=True), Decision.state == DecisionState.PUBLISHED
    size = sa.bindparam("size", type_=sa.Integer)
    statement = sa.select(*COLUMNS).where(*wanted, kinds).order_by(Decision.id).limit(size)
    for count in (3, 2):
        expected = db.session.execute(statement, {"size": count}).all()
        assert [row.id for row in expected] == [decision.id for decision in made[:count]]
        for found in three_times(statement, size=count):
            assert [tuple(row) for row in found] == [tuple(row) for row in expected]
            assert [row._fields for row in found] == [tuple(row._fields) for row in expected]
            assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]


def test_what_was_written_is_read_at_once(app: Flask) -> None:
    decision = make_decision(title="虚构旧")
    db.session.commit()
    statement = sa.select(Decision.title).where(Decision.id == decision.id)
    assert {found[0].title for found in three_times(statement)} == {"虚构旧"}
    decision.title = "虚构新"
    db.session.commit()
    assert {found[0].title for found in three_times(statement)} == {"虚构新"}


def test_a_transaction_that_writes_sees_its_own(app: Flask) -> None:
    decision = make_decision(title="虚构旧")
    statement = sa.select(Decision.title).where(Decision.id == decision.id)
    assert [read_rows(statement)[0].title for _ in range(3)] == ["虚构旧"] * 3
    db.session.rollback()


def test_sqlalchemy_says_what_is_wrong(app: Flask) -> None:
    statement: sa.Select[Any] = sa.select(sa.literal_column("missing").label("missing")).select_from(Decision)
    for _ in range(3):
        with reading(), pytest.raises(sa.exc.SQLAlchemyError):
            read_rows(statement)


def test_a_broken_connection_is_replaced(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_decision(title="虚构")
    db.session.commit()
    statement = sa.select(Decision.title)
    expected = three_times(statement)[0]

    def fail(connection: Any, *_rest: Any) -> Any:
        connection.close()
        raise db.engine.dialect.loaded_dbapi.OperationalError("gone")

    monkeypatch.setattr(rows, "ask", fail)
    assert three_times(statement) == [expected] * 3
    monkeypatch.undo()
    assert three_times(statement) == [expected] * 3


def test_count_is_kept_until_something_changes(app: Flask) -> None:
    organ = make_organ()
    decisions = [make_decision(organ=organ) for _ in range(21)]
    db.session.commit()

    def total(number: int = 1) -> tuple[int, int, bool]:
        with reading(), counted_queries() as statements:
            page = list_published(EVERYTHING, on=TODAY, number=number, version=data_version.current())
        return page.total, len(page.items), any("count(" in words for words in statements)

    assert total() == (21, 20, True)
    assert total() == (21, 20, False)
    assert total(2) == (21, 1, False)
    assert total(3) == (21, 1, False)
    decisions[0].state = DecisionState.WITHDRAWN
    db.session.commit()
    assert total(2) == (20, 20, True)
    assert total() == (20, 20, False)


def test_count_follows_a_withdrawal_for_readers_with_a_cookie(client: FlaskClient) -> None:
    decisions = [make_decision() for _ in range(2)]
    client.set_cookie("lang", "en")
    assert "2 decisions" in client.get("/decisions").text
    assert "2 decisions" in client.get("/decisions").text
    decisions[0].state = DecisionState.WITHDRAWN
    db.session.commit()
    page = client.get("/decisions").text
    assert "1 decision<" in page
    assert f'/decisions/{decisions[0].id}"' not in page
