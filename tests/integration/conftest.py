"""What several tests of the whole portal start from."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from portal.db import db
from portal.risk_periods.models import RiskPeriod


@pytest.fixture
def noon_without_periods(app: Flask) -> Iterator[None]:
    """Noon of Monday, 2 March 2026, and no high-risk period but those of the test."""
    with time_machine.travel("2026-03-02T12:00:00+08:00", tick=False):
        db.session.execute(sa.update(RiskPeriod).values(active=False))
        db.session.commit()
        yield
