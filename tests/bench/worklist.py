"""What a page of the worklist costs: 50 of 200,000 cases, in statements and in the time they take in the database.

A tenth of the cases is open. Asked are a supervisor and the clerks of a large and of a small organ, for every view,
every filter and words to search for, so that the slowest questions count as much as the usual ones.
"""

import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from portal import clock, vault
from portal.accounts.models import Role, Staff
from portal.complaint_words.models import ComplaintWords
from portal.complaint_words.queries import words_key
from portal.complaint_words.rules import digests as digests_of
from portal.complaint_words.rules import pack
from portal.complaint_words.service import ENTER
from portal.complaint_worklists import queries
from portal.complaint_worklists.rules import SIZE, VIEWS, Filters
from portal.complaints.models import Channel, Complaint, ComplaintKind, ComplaintNamed, ComplaintOrgan, ComplaintState
from portal.complaints.rules import format_number
from portal.db import batched, db, reading
from tests.bench.row import Row
from tests.conftest import make_app, make_settings, prepare
from tests.factories.accounts import make_staff
from tests.factories.organs import make_organ

CASES, ORGANS, HANDLERS, ROUNDS = 200_000, 30, 60, 5
P95, MOST_STATEMENTS = 20.0, 8
OPEN, ENDED = ("submitted", "accepted"), ("answered", "refused", "withdrawn", "closed", "closed", "closed")
TEXTS = (
    "检查人员没有出示执法证件",
    "罚款太重而且没有给收据",
    "摊位被暂扣没有清单",
    "办理许可证拖了三个月",
    "举报占道经营影响通行",
)


def build(folder: Path) -> tuple[Flask, list[str]]:
    """Return an application whose register is full, and the addresses of a supervisor and two clerks."""
    settings = make_settings(folder, f"sqlite:///{folder / 'portal.db'}")
    prepare(settings)
    app = make_app(settings)
    with app.app_context():
        organs = [make_organ(name=f"虚构市第{number}局").id for number in range(ORGANS)]
        handlers = [make_staff(role=Role.CLERK, organ_id=organs[number % ORGANS]).id for number in range(HANDLERS)]
        askers = [make_staff(role=Role.SUPERVISOR, organ_id=organs[0])]
        askers += [make_staff(role=Role.CLERK, organ_id=organ) for organ in (organs[1], organs[-1])]
        db.session.commit()
        fill(organs, handlers)
        db.session.execute(sa.text("ANALYZE"))
        db.session.commit()
        return app, [asker.email for asker in askers]


def fill(organs: list[int], handlers: list[int]) -> None:
    """Write the cases; the first organs get far more than the last ones."""
    dice, today = random.Random(5), clock.today()
    shares = [1 / (number + 1) for number in range(len(organs))]
    for numbers in batched(range(1, CASES + 1), 5_000):
        rows, named, joint = [], [], []
        for number in numbers:
            organ_id = dice.choices(organs, shares)[0]
            rows.append(make_row(number, organ_id, dice.choice([None, *handlers]), dice, today))
            if not number % 50:
                named.append({"complaint_id": number, "staff_id": dice.choice(handlers), "words": "text"})
            if not number % 100:
                joint.append({"complaint_id": number, "organ_id": dice.choice(organs), "part": "joint"})
        for table, values in ((Complaint, rows), (ComplaintNamed, named), (ComplaintOrgan, joint)):
            db.session.execute(sa.insert(table.__table__), values)  # type: ignore[arg-type]
        enter_words(numbers)
        db.session.commit()


def enter_words(numbers: Sequence[int]) -> None:
    """Enter the words of many cases as `complaint_words.service` does those of one."""
    key = words_key()
    digests = {number: digests_of([text_of(number)], key) for number in numbers}
    packed = [{"complaint_id": number, "packed": pack(found)} for number, found in digests.items()]
    db.session.execute(sa.insert(ComplaintWords.__table__), packed)  # type: ignore[arg-type]
    written = [{"id": number, "words": " ".join(word.hex() for word in found)} for number, found in digests.items()]
    db.session.execute(ENTER, written)


def text_of(number: int) -> str:
    """Return what a case says: something usual, and something of its own."""
    own = "".join(chr(0x4E00 + (number * step) % 3000) for step in range(7, 47))
    return f"{TEXTS[number % len(TEXTS)]}，第{number}件，{own}"


def number_of(number: int) -> str:
    """Return the case number of the so-manieth case."""
    return format_number(date(2016, 1, 1) + timedelta(days=number // 100), number % 100 + 1)


def make_row(number: int, organ_id: int, handler_id: int | None, dice: random.Random, today: Any) -> dict[str, Any]:
    """Return a case as its columns hold it, with texts that open."""
    received = clock.now() - timedelta(days=dice.randrange(3650))
    name = number_of(number)
    key = vault.new_data_key()
    is_open = dice.random() < 0.1
    paused = is_open and dice.random() < 0.05
    due = today + timedelta(days=dice.randrange(-20, 40))
    return {
        "id": number,
        "number": name,
        "data_key": vault.get_vault().wrap(key, f"complaint:{name}"),
        "texts_sealed": vault.seal_json(key, {"facts": text_of(number)}, f"complaint.texts_sealed:{name}"),
        "code_hash": f"hmac${number:032x}$",
        "kind": ComplaintKind(dice.choice(("conduct", "report", "report", "question", "suggestion"))),
        "case_type_key": "report",
        "category": "card",
        "channel": Channel(dice.choices([channel.value for channel in Channel], (80, 10, 1, 1, 8))[0]),
        "state": ComplaintState(dice.choice(OPEN if is_open else ENDED)),
        "delicate": dice.random() < 0.2,
        "organ_id": organ_id,
        "handler_organ_id": organ_id,
        "handler_id": handler_id,
        "received_at": received,
        "clock_from_on": received.date(),
        "accept_due_on": due,
        "answer_due_on": due,
        "next_due_on": due if is_open and not paused else None,
        "paused_on": today if paused else None,
    }


def questions(organ_id: int, handler_id: int) -> Iterator[Filters]:
    """Yield what people ask a worklist for."""
    for view in VIEWS:
        yield Filters(view)
        yield Filters(view, kind="suggestion", channel="window")
        yield Filters(view, organ_id=organ_id)
    yield from (Filters(handler="me"), Filters(handler="none"), Filters(handler=str(handler_id), due="late"))
    yield from (Filters(due=due) for due in ("late", "today", "week", "none"))
    yield from (Filters(state=state.value) for state in ComplaintState)
    yield from (Filters(channel="paper"), Filters(kind="question", state="withdrawn", due="none"))
    yield from (Filters(words="第4242件"), Filters(words="没有清单"), Filters(words=number_of(777)))


@contextmanager
def noted() -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that run inside, with their values."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def time_of(statements: list[tuple[str, Any]]) -> float:
    """Return how long the database takes for some statements and all of their rows, in milliseconds of CPU."""
    cursor = db.session.connection().connection.driver_connection.cursor()  # type: ignore[union-attr]
    costs = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for statement, values in statements:
            cursor.execute(statement, values).fetchall()
        costs.append((time.process_time() - begun) * 1e3)
    return statistics.median(costs)


def measure(app: Flask, emails: list[str]) -> tuple[list[tuple[float, str]], list[int]]:
    """Return what every question takes in the database, with its name, and how many statements there can be."""
    found, asked, today = [], [], clock.today()
    for email, number in itertools.product(emails, (1, 3)):
        with app.app_context(), reading():
            staff = db.session.scalars(sa.select(Staff).where(Staff.email == email)).one()
            for filters in questions(staff.organ_id or 1, staff.id - 5):
                with noted() as seen:
                    page = queries.find_cases(filters, staff, today, number).page
                    queries.count_views(staff, today)
                db.session.rollback()
                asked.append(len(seen))
                found.append((time_of(seen), f"{staff.role} {filters.written()} {number}: {page.total}"))
    return found, asked


def run() -> list[Row]:
    """Measure every question in a full register."""
    with tempfile.TemporaryDirectory() as folder:
        app, emails = build(Path(folder))
        found, asked = measure(app, emails)
    costs = sorted(found)
    if os.environ.get("VERBOSE"):
        print(*costs, sep="\n")
    p95 = costs[int(len(costs) * 0.95)][0]
    middle, most = costs[len(costs) // 2][0], costs[-1][0]
    detail = (
        f"ms in the database with the views' counts; median {middle:.1f}, slowest {most:.1f} of {len(costs)} questions"
    )
    return [
        Row(f"worklist : {SIZE} of {CASES:,} cases, p95", p95, P95, detail=detail),
        Row("worklist : statements of a page", max(asked), MOST_STATEMENTS, detail=f"at least {min(asked)}"),
    ]
