"""What one more permit, message, complaint and page costs: CPU, bytes on disk, memory, on each database.

`python -m tests.bench.scale` prints the table of docs/scale.md; with `--history 1000000` also what a long history and
a long queue cost. `DATABASE_URL_TEST` names a PostgreSQL server to use, else one is started.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import timedelta
from io import StringIO
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from notifiers.dispatch import dispatch
from notifiers.plan.permits import plan_permits
from notifiers.providers import ReceiptEvent, Status
from notifiers.receipts import record_receipts
from portal import clock
from portal.accounts.models import Role, Staff
from portal.complaints import service as complaints
from portal.complaints.models import ComplaintKind
from portal.complaints.service import Filing
from portal.db import batched, db, reading
from portal.messages import queries
from portal.messages.models import Message
from portal.permits.models import Permit
from portal.settings import ROOT, TwilioSettings
from tests import databases
from tests.bench.bare import SENDER
from tests.bench.dispatch import server
from tests.bench.page import cost
from tests.conftest import make_app, make_settings, prepare
from tests.factories.spreadsheets import as_table, make_code, make_row, write_csv
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN

PERMITS, MESSAGES, COMPLAINTS = 20_000, 5_000, 1_000
PAGES = ("/", "/decisions", "/bases", "/complaints/new")
TICKS = os.sysconf("SC_CLK_TCK")


def say(database: str, what: str, number: float, unit: str) -> None:
    """Print one figure."""
    print(f"{database:<12}{what:<52}{number:>12,.1f} {unit}", flush=True)


def disk() -> int:
    """Return the bytes that the database takes, indexes included."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def server_cpu() -> float:
    """Return the CPU seconds that PostgreSQL has used so far; none with SQLite, which works inside our process."""
    if db.engine.dialect.name == "sqlite":
        return 0.0
    with db.engine.connect() as connection:
        folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
    master = Path(folder, "postmaster.pid").read_text().split()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if stat.parent.name == master:
            ticks += sum(int(field) for field in fields[11:15])
        elif fields[1] == master:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def measure(database: str, what: str, count: int, work: Callable[[], object]) -> None:
    """Print what each of `count` things costs that `work` makes."""
    db.session.commit()
    size, ours, theirs, begun = disk(), time.process_time(), server_cpu(), time.perf_counter()
    work()
    db.session.commit()
    passed, ours, theirs = time.perf_counter() - begun, time.process_time() - ours, server_cpu() - theirs
    say(database, f"{what}: CPU of the application", ours / count * 1e6, "µs")
    if database != "SQLite":
        say(database, f"{what}: CPU of the database", theirs / count * 1e6, "µs")
    say(database, f"{what}: time that passes", passed / count * 1e6, "µs")
    if disk() > size:
        say(database, f"{what}: disk", (disk() - size) / count, "bytes")


def import_permits(app: Flask, folder: Path) -> None:
    """Import a spreadsheet of permits with a party and a phone each, all due for a reminder today."""
    expiry = (clock.today() + timedelta(days=60)).isoformat()
    rows = [
        make_row(number, 联系电话=f"136{number:06d}20", 统一社会信用代码=make_code(number), 有效期至=expiry)
        for number in range(PERMITS)
    ]
    path = write_csv(folder / "permits.csv", as_table(rows))

    def work() -> None:
        with redirect_stderr(StringIO()):
            result = app.test_cli_runner().invoke(args=["import", "permits", str(path), "--json"])
        assert result.exit_code == 0, result.output

    measure(name_of(), "permit imported", PERMITS, work)


def name_of() -> str:
    return "SQLite" if db.engine.dialect.name == "sqlite" else "PostgreSQL"


def send_messages() -> None:
    """Plan, send and receive the receipts of reminders, as a notifier does."""
    ids = db.session.scalars(sa.select(Permit.id).order_by(Permit.id)).all()
    set_due = sa.update(Permit).execution_options(synchronize_session=False)
    db.session.execute(set_due.values(next_reminder_on=None))
    db.session.execute(set_due.where(Permit.id <= ids[MESSAGES - 1]).values(next_reminder_on=clock.today()))
    measure(name_of(), "message planned", MESSAGES, lambda: plan_permits(clock.today()))
    measure(name_of(), "message sent", MESSAGES, dispatch)
    references = db.session.scalars(sa.select(Message.provider_reference)).all()
    assert len([reference for reference in references if reference]) == MESSAGES

    def receive() -> None:
        for reference in references:
            # One request for each, as Twilio calls.
            record_receipts("twilio", [ReceiptEvent(reference or "", Status.DELIVERED, "", f"{reference}:delivered")])
            db.session.commit()

    measure(name_of(), "receipt recorded", MESSAGES, receive)
    idle = [time_of(lambda: plan_permits(clock.today())) for _round in range(5)]
    say(name_of(), f"planning again with nothing due, {PERMITS:,} permits", min(idle) * 1e3, "ms")


def time_of(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def file_complaints() -> None:
    """File complaints with a phone, each in a transaction of its own, as the form does."""

    def work() -> None:
        for number in range(COMPLAINTS):
            filing = Filing(
                key=f"scale-{number}",
                kind=ComplaintKind.REPORT,
                category="card",
                organ_id=None,
                officer="",
                facts="检查人员没有出示证件，当场收走了两箱货物，没有留下任何单据。" * 4,
                wants="请说明依据并退还货物",
                happened_on=None,
                place="会昌街道",
                anonymous=False,
                sender_name="王虚构",
                phone=f"137{number:08d}",
                sms_wanted=True,
            )
            complaints.file_complaint(filing=filing, code=complaints.make_code())
            db.session.commit()

    measure(name_of(), "complaint filed", COMPLAINTS, work)


def open_pages(app: Flask) -> None:
    """Read public pages."""
    for path in PAGES:
        cost(app, path)
        say(name_of(), f"page {path}: CPU of the application", min(cost(app, path) for _round in range(5)), "µs")


def read_history(count: int) -> None:
    """Count a queue of so many messages due on a history of as many delivered."""
    first = db.session.scalars(sa.select(Message).order_by(Message.id)).first()
    assert first is not None
    same = {column.name: getattr(first, column.name) for column in sa.inspect(Message).local_table.columns}
    del same["id"]
    for state, at in (("delivered", clock.now() - timedelta(days=40)), ("queued", clock.now() - timedelta(hours=1))):
        changes = {"state": state, "due_at": at, "changed_at": at, "provider_reference": None}
        for numbers in batched(range(count), 5000):
            db.session.execute(
                sa.insert(Message), [same | changes | {"key": f"{state}:{number}"} for number in numbers]
            )
        db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if name_of() == "SQLite" else "VACUUM ANALYZE message")
    now, today, reader = clock.now(), clock.start_of(clock.today()), Staff(id=0, role=Role.SUPERVISOR)
    works: dict[str, Callable[[], object]] = {
        "counts of the queue page": lambda: queries.count_standing(now, today_from=today),
        "age of the oldest due": lambda: queries.find_oldest_due(now),
        "first page of the newest messages": lambda: queries.list_messages(1, reader),
    }
    for what, work in works.items():
        with reading():
            taken = min(time_of(work) for _round in range(5))
            db.session.rollback()
        say(name_of(), f"{count:,} due on {count:,} sent: {what}", taken * 1e3, "ms")


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Run a program and yield its process group."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def memory_of(group: int) -> float:
    """Return the megabytes that a process group has for itself, its share of what it shares included (PSS)."""
    total = 0
    for rollup in Path("/proc").glob("[0-9]*/smaps_rollup"):
        try:
            if os.getpgid(int(rollup.parent.name)) == group:
                total += sum(int(line.split()[1]) for line in rollup.read_text().splitlines() if line[:4] == "Pss:")
        except OSError:
            continue
    return total / 1024


def weigh_programs(folder: Path, database_url: str) -> None:
    """Print what the running programs take of memory, a while after their start."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "SECRET_KEY": "x" * 40,
        "PUBLIC_URL": "http://127.0.0.1",
    }
    port = databases.free_port()
    web = ["--interface", "wsgi", "--port", str(port), "--workers", "2", "--blocking-threads", "1", "--no-ws"]
    programs = {
        "notifier": [sys.executable, "-m", "flask", "notify", "run"],
        "pages, two processes": [sys.executable, "-m", "granian", *web, "wsgi:app"],
    }
    for what, command in programs.items():
        with started(command, environment) as group:
            time.sleep(8)
            say(name_of(), f"memory of the {what}", memory_of(group), "MB")


def run(database_url: str, folder: Path, address: str, history: int) -> None:
    """Measure everything on one database."""
    twilio = TwilioSettings(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender=SENDER, api_base=address)
    settings = make_settings(folder, database_url, sms_providers=("twilio",), twilio=twilio)
    prepare(settings)
    app = make_app(settings)
    with app.app_context():
        import_permits(app, folder)
        send_messages()
        file_complaints()
        open_pages(app)
        weigh_programs(folder, database_url)
        if history:
            read_history(history)
        db.session.rollback()
        db.engine.dispose()


def main() -> None:
    """Measure both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=int, default=0, help="so many messages sent, and as many due")
    history = parser.parse_args().history
    with tempfile.TemporaryDirectory() as folder, server() as address:
        lite = Path(folder, "lite")
        lite.mkdir()
        run(f"sqlite:///{lite / 'portal.db'}", lite, address, history)
        with databases.postgresql_server() as postgresql:
            databases.run_on_server(postgresql, "CREATE DATABASE scale")
            run(databases.address_of(postgresql, "scale"), Path(folder), address, history)


if __name__ == "__main__":
    main()
