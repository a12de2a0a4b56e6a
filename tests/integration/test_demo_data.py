"""The demonstration looks alive at any hour: nothing in it has happened in the future."""

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
import time_machine
from flask import Flask

from portal import clock
from portal.db import Model, db
from portal.demo import service

NIGHT = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)  # 01:30 in the city.


@time_machine.travel(NIGHT, tick=False)
def test_nothing_has_happened_after_now(app: Flask, tmp_path: Path) -> None:
    service.load(password="a-demo-password", signature="【孟州执法】", hotline="0391-0000000", data_dir=tmp_path)
    happened = ("received_at", "accepted_at", "answered_at", "published_at", "withdrawn_at", "rated_at", "changed_at")
    seen = 0
    for table in Model.metadata.sorted_tables:
        for name in happened:
            if name in table.c:
                latest = db.session.scalar(sa.select(sa.func.max(table.c[name])))
                seen += latest is not None
                assert latest is None or latest <= clock.now(), f"{table.name}.{name}"
    assert seen > 5
