"""Statements past SQLAlchemy share the session's transaction; what is kept of the data follows every change."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import direct
from portal.complaints.models import ComplaintDay
from portal.complaints.queries import list_organs
from portal.complaints.service import take_number
from portal.db import db, reading
from tests.factories.organs import make_organ

DAY = date(2026, 11, 23)
ENTER = sa.insert(ComplaintDay).values(day=None, given=None)
READ = sa.select(ComplaintDay.given).where(ComplaintDay.day == sa.bindparam("on"))


def test_it_is_undone_and_kept_with_the_session(app: Flask) -> None:
    take_number(DAY)
    db.session.rollback()
    assert direct.run(READ, {"on": DAY}) == []
    direct.run(ENTER, {"day": DAY, "given": 6})
    db.session.commit()
    assert take_number(DAY).endswith("0007")
    assert db.session.scalars(sa.select(ComplaintDay.given)).all() == [7]


def test_what_the_driver_refuses_is_said_as_sqlalchemy_says_it(app: Flask) -> None:
    direct.run(ENTER, {"day": DAY, "given": 4711})
    with pytest.raises(sa.exc.IntegrityError) as refusal:
        direct.run(ENTER, {"day": DAY, "given": 4711})
    assert "4711" not in str(refusal.value)
    db.session.rollback()
    assert direct.run(READ, {"on": DAY}) == []


def test_what_is_kept_follows_changes_and_is_nothing_to_writers(app: Flask) -> None:
    organ = make_organ(name="虚构市甲局")
    db.session.commit()

    def names() -> list[str]:
        with reading():
            return [row.name for row in list_organs(DAY)]

    assert names() == ["虚构市甲局"]
    organ.name = "虚构市乙局"
    db.session.flush()
    # Whoever changes it sees it changed; nobody else does, before it is committed or when it is given up.
    assert [row.name for row in list_organs(DAY)] == ["虚构市乙局"]
    assert names() == ["虚构市甲局"]
    db.session.rollback()
    assert names() == ["虚构市甲局"]
    organ.valid_to = DAY - timedelta(days=1)
    db.session.commit()
    assert names() == []
