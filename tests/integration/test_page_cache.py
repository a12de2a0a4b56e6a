"""Public pages come from memory, and a withdrawal empties it: for every reader, at the next request."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock, data_version
from portal.accounts.models import Role
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.messages.models import Message
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.factories.messages import make_message
from tests.factories.organs import make_organ


@pytest.fixture
def reader(app: Flask) -> Iterator[FlaskClient]:
    """Somebody without cookies."""
    yield app.test_client(use_cookies=False)


def queries_of(reader: FlaskClient, path: str, **headers: Any) -> int:
    """Return how many queries a page runs."""
    with counted_queries() as seen:
        assert reader.get(path, headers=headers).status_code == 200
    return len(seen)


def test_a_page_is_made_once(reader: FlaskClient) -> None:
    make_decision()
    assert queries_of(reader, "/decisions") > 0
    assert queries_of(reader, "/decisions") == 0
    assert queries_of(reader, "/decisions?page=1") > 0


def test_readers_with_a_cookie_get_pages_of_their_own(reader: FlaskClient) -> None:
    queries_of(reader, "/decisions")
    assert queries_of(reader, "/decisions", Cookie="lang=en") > 0
    assert "Enforcement decisions" in reader.get("/decisions", headers={"Cookie": "lang=en"}).text
    assert "Enforcement decisions" not in reader.get("/decisions").text
    # Who asks for a language is given a cookie, so that answer is for nobody else.
    for _ in range(2):
        assert "lang=en" in reader.get("/decisions?lang=en").headers["Set-Cookie"]


def test_staff_fill_no_cache(app: Flask, sign_in: Any, reader: FlaskClient) -> None:
    staff = sign_in(Role.REVIEWER)
    staff.get("/decisions")
    assert queries_of(reader, "/decisions") > 0


@pytest.mark.parametrize("path", ["/decisions", "/search?q=砍树", "/"])
def test_what_is_withdrawn_is_gone_at_the_next_request(reader: FlaskClient, path: str) -> None:
    decision = make_decision(title="虚构砍树案")
    assert all(shows(reader, path, "虚构砍树案") for _ in range(2))
    # Past every service: whoever changes the row, the trigger counts.
    db.session.execute(sa.update(Decision).where(Decision.id == decision.id).values(state=DecisionState.WITHDRAWN))
    db.session.execute(sa.text("DELETE FROM search_entry"))
    assert not shows(reader, path, "虚构砍树案")


def shows(reader: FlaskClient, path: str, words: str) -> bool:
    """Whether a page shows words, some of them marked perhaps."""
    return words in BeautifulSoup(reader.get(path).text, "html.parser").get_text()


def test_what_was_rolled_back_changes_nothing(reader: FlaskClient) -> None:
    make_decision(title="虚构砍树案")
    queries_of(reader, "/decisions")
    db.session.execute(sa.text("DELETE FROM search_entry"))
    db.session.rollback()
    assert queries_of(reader, "/decisions") == 0


def test_a_new_day_ends_what_ends_with_the_old_one(reader: FlaskClient) -> None:
    make_decision(title="虚构砍树案", publish_until=clock.today())
    assert "虚构砍树案" in reader.get("/decisions").text
    with time_machine.travel(clock.start_of(clock.today() + timedelta(days=1)), tick=False):
        assert "虚构砍树案" not in reader.get("/decisions").text


def test_sending_texts_leaves_pages_where_they_are(reader: FlaskClient) -> None:
    message = make_message()
    queries_of(reader, "/decisions")
    db.session.execute(sa.update(Message).where(Message.id == message.id).values(text="anders"))
    assert queries_of(reader, "/decisions") == 0


def test_every_commit_counts_whoever_else_is_writing(app: Flask) -> None:
    with app.app_context():
        read = data_version.make_reader(db.engine)
    assert read is not None
    make_organ()
    db.session.commit()
    before = read()
    assert before is not None
    if db.engine.dialect.name == "sqlite":
        make_organ()
        assert read() == before
        db.session.commit()
        assert read() == before + 1
        return
    # Two transactions at once do not wait for each other, and each is seen when it commits.
    with db.engine.connect() as one, db.engine.connect() as other:
        for connection, name in ((one, "a"), (other, "b")):
            connection.execute(sa.text("SET LOCAL lock_timeout = '1s'"))
            connection.execute(sa.text("UPDATE search_entry SET title = :name WHERE false"), {"name": name})
        assert read() == before
        other.commit()
        assert read() == before + 1
        one.commit()
        assert read() == before + 2


def test_the_version_is_read_again_after_the_database_was_away(app: Flask) -> None:
    made: list[Any] = []

    class Broken:
        def execute(self, _statement: str) -> Any:
            raise OSError("gone")

    real = data_version.make_reader(db.engine)
    assert real is not None

    def connect() -> Any:
        made.append(len(made))
        if len(made) == 1:
            return Broken()
        return real._connect()

    read = data_version.Reader(connect)
    assert [read() is None for _ in range(3)] == [True, False, False]
    assert made == [0, 1]


def test_a_portal_without_its_schema_answers(reader: FlaskClient) -> None:
    db.session.execute(sa.text("DROP TABLE data_version"))
    db.session.commit()
    assert reader.get("/accessibility").status_code == 200
    assert queries_of(reader, "/decisions") == queries_of(reader, "/decisions") > 0
