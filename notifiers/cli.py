"""The notifiers' commands."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from importlib import import_module

import click
from flask import current_app
from flask.cli import AppGroup

from notifiers.account import take_account
from notifiers.collect import collect
from notifiers.dispatch import dispatch
from notifiers.plan.due import plan_due
from notifiers.reconcile import reconcile
from portal import clock
from portal.cli import find_schema_problem, refusals_exit, tell
from portal.db import db

notify_group = AppGroup("notify", help="Plan, send and settle messages.")
DAY = click.DateTime(["%Y-%m-%d"])
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def _day(value: datetime | None) -> date:
    return value.date() if value else clock.today()


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into a wish to stop: what is on its way is finished and recorded first."""
    stop = threading.Event()
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@notify_group.command("plan")
@click.option("--on", type=DAY, help="Plan as if it were this day.")
@JSON
@refusals_exit
def plan_command(on: datetime | None, as_json: bool) -> None:
    """Put what is due into the outbox; running it again adds nothing."""
    tell(plan_due(_day(on)), as_json=as_json)


@notify_group.command("dispatch")
@JSON
@refusals_exit
def dispatch_command(as_json: bool) -> None:
    """Send what is due, then end."""
    with _stopped_by_signals() as stop:
        tell(dispatch(stop), as_json=as_json)


@notify_group.command("reconcile")
@JSON
@refusals_exit
def reconcile_command(as_json: bool) -> None:
    """Settle what is unknown by asking the providers."""
    tell(reconcile(), as_json=as_json)


@notify_group.command("collect")
@JSON
@refusals_exit
def collect_command(as_json: bool) -> None:
    """Fetch receipts from providers that do not call."""
    tell(collect(), as_json=as_json)


@notify_group.command("account")
@click.option("--from", "first", type=DAY, required=True)
@click.option("--to", "last", type=DAY, required=True)
@JSON
@refusals_exit
def account_command(first: datetime, last: datetime, as_json: bool) -> None:
    """Balance what was due in a period against what became of it."""
    tell(take_account(first.date(), last.date()), as_json=as_json)


@notify_group.command("run")
@click.option("--beat/--no-beat", default=True, help="Keep the schedule here; on many machines, on one only.")
def run_command(beat: bool) -> None:
    """Do all of these on their schedule, until stopped."""
    problem = find_schema_problem()
    # The check's own transaction would keep the write lock of SQLite for as long as the worker runs.
    db.session.rollback()
    if problem:
        raise click.ClickException(problem)
    # Celery is imported here alone: no page needs it.
    import_module("notifiers.worker").run(current_app.app_context().app, beat=beat)
