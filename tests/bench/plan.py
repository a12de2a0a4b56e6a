"""What planning costs when the register grows and what is due does not: CPU time at 10,000, 100,000 and 1,000,000.

The same 2,000 permits are due in every register. One row has them lie all over the largest one instead, which touches
more pages of the table; it is told, not judged. The last row is against a loop that loads each permit and looks whether
its reminders are there.
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
from portal.permits.rules import DEFAULT_OFFSETS, occurrences
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.factories.messages import make_contact
from tests.factories.permits import make_permit

SIZES = (10_000, 100_000, 1_000_000)
DUE = 2_000
ROUNDS = 7
BOUND = 1.2
LOOP_BOUND = 100.0


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


def plan_in_a_loop() -> int:
    """Plan as one would write it first: every permit loaded, every reminder due looked for, and added when missing."""
    today, planned = clock.today(), 0
    for permit in db.session.scalars(sa.select(Permit).execution_options(yield_per=1000)):
        for due in occurrences(permit.window_opens_on, permit.last_apply_on, DEFAULT_OFFSETS):
            if due.on != today:
                continue
            key = f"permit-renewal:{permit.id}:{permit.last_apply_on}:{due.label}"
            if db.session.scalar(sa.select(Message.id).where(Message.key == key)) is None:
                db.session.add(
                    Message(
                        key=key,
                        template="permit_renewal",
                        subject=f"permit:{permit.id}",
                        contact_id=permit.contact_id,
                        due_at=clock.now(),
                    )
                )
                planned += 1
    db.session.commit()
    return planned


def loop_cost(app: Flask) -> float:
    """Return the CPU time that the loop takes, in seconds; the same permits are due."""
    with app.app_context():
        make_due(SIZES[0])
        due_today = sa.case((Permit.next_reminder_on == clock.today(), clock.today() + timedelta(days=7)))
        later = clock.today() + timedelta(days=8)
        db.session.execute(sa.update(Permit).values(last_apply_on=sa.func.coalesce(due_today, later)))
        db.session.commit()
        begun = time.process_time()
        assert plan_in_a_loop() == DUE
        return time.process_time() - begun


def run() -> list[Row]:
    """Return how planning grows against the smallest register, and against the loop."""
    with tempfile.TemporaryDirectory() as folder:
        apps = {size: build(Path(folder) / str(size), size) for size in SIZES}
        cases = [(size, SIZES[0]) for size in SIZES] + [(SIZES[-1], SIZES[-1])]
        costs: dict[tuple[int, int], list[float]] = {case: [] for case in cases}
        for _ in range(ROUNDS):
            for size, among in cases:
                costs[size, among].append(cost(apps[size], among))
        looped = loop_cost(apps[SIZES[-1]])
    medians = {case: statistics.median(found) for case, found in costs.items()}
    base = medians[cases[0]]
    rows = [
        Row(
            f"planning {DUE:,} due of {size:,} permits{', all over' if among == size else ''}, against {SIZES[0]:,}",
            medians[size, among] / base,
            None if among == size else BOUND,
            detail=f"{medians[size, among] * 1000:.0f} ms against {base * 1000:.0f} ms of CPU",
        )
        for size, among in cases[1:]
    ]
    largest = medians[SIZES[-1], SIZES[0]]
    detail = f"{looped:,.0f} s against {largest * 1000:.0f} ms of CPU"
    return [
        *rows,
        Row(f"loop over the ORM : planning, {SIZES[-1]:,} permits", looped / largest, LOOP_BOUND, True, detail),
    ]
