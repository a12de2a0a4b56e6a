"""What planning costs when the register grows and what is due does not: CPU time at 10,000, 100,000 and 1,000,000.

The same 2,000 permits are due in every register. The last row has them lie all over the largest one instead, which
touches more pages of the table; it is told, not judged.
"""

import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from notifiers.plan.permits import plan_permits
from portal import clock
from portal.db import db
from portal.messages.models import Message
from portal.permits.models import Permit
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.factories.messages import make_contact
from tests.factories.permits import make_permit

SIZES = (10_000, 100_000, 1_000_000)
DUE = 2_000
ROUNDS = 7
BOUND = 1.2


def build(folder: Path, size: int) -> Flask:
    """Return an application whose register holds so many permits."""
    folder.mkdir()
    settings = make_settings(folder, f"sqlite:///{folder / 'portal.db'}")
    prepare(settings)
    app = make_app(settings)
    with app.app_context():
        first = make_permit(valid_to=clock.today() + timedelta(days=37), contact_id=make_contact().id)
        first.last_apply_on = clock.today() + timedelta(days=7)
        first.next_reminder_on = clock.today() + timedelta(days=1)
        db.session.flush()
        table = sa.inspect(Permit).local_table
        names = [column.name for column in table.columns if column.name != "id"]
        values = ["permit.number || '-' || n.n" if name == "number" else f"permit.{name}" for name in names]
        db.session.execute(
            sa.text(
                f"INSERT INTO permit ({', '.join(names)}) "
                f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {size - 1}) "
                f"SELECT {', '.join(values)} FROM n, permit WHERE permit.id = {first.id}"
            )
        )
        db.session.commit()
    return app


def make_due(among: int) -> None:
    """Make permits due, evenly over the first so many of the register, and forget what was planned."""
    db.session.execute(sa.delete(Message))
    chosen = sa.and_(Permit.id <= among, Permit.id % (among // DUE) == 0)
    db.session.execute(sa.update(Permit).values(next_reminder_on=clock.today()).where(chosen))
    db.session.commit()


def cost(app: Flask, among: int) -> float:
    """Return the CPU time of planning what is due once, in seconds."""
    with app.app_context():
        make_due(among)
        begun = time.process_time()
        planned = plan_permits(clock.today())
        spent = time.process_time() - begun
        assert planned.planned == DUE, planned
        return spent


def run() -> list[Row]:
    """Return how planning grows against the smallest register."""
    with tempfile.TemporaryDirectory() as folder:
        apps = {size: build(Path(folder) / str(size), size) for size in SIZES}
        cases = [(size, SIZES[0]) for size in SIZES] + [(SIZES[-1], SIZES[-1])]
        costs: dict[tuple[int, int], list[float]] = {case: [] for case in cases}
        for _ in range(ROUNDS):
            for size, among in cases:
                costs[size, among].append(cost(apps[size], among))
    medians = {case: statistics.median(found) for case, found in costs.items()}
    base = medians[cases[0]]
    return [
        Row(
            f"planning {DUE:,} due of {size:,} permits{', all over' if among == size else ''}, against {SIZES[0]:,}",
            medians[size, among] / base,
            None if among == size else BOUND,
            detail=f"{medians[size, among] * 1000:.0f} ms against {base * 1000:.0f} ms of CPU",
        )
        for size, among in cases[1:]
    ]
