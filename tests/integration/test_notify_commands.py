"""The notifiers' commands, as scripts and people use them; and the schedule, in a process of its own."""

import json
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.db import db, reading
from portal.messages.models import Message, MessageState
from portal.settings import Settings
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit
from tests.processes import environment, start_notify


def run(app: Flask, *arguments: str) -> dict[str, Any]:
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["notify", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def test_plan_and_dispatch_print_what_scripts_rely_on(app: Flask) -> None:
    permit = make_permit(valid_to=clock.today() + timedelta(days=60))
    permit.contact_id = make_contact().id
    permit.next_reminder_on = clock.today()
    permit.last_apply_on = clock.today() + timedelta(days=7)
    assert run(app, "plan") == {"planned": 1, "suppressed": 0, "void": 0}
    assert run(app, "plan") == {"planned": 0, "suppressed": 0, "void": 0}
    assert run(app, "dispatch") == {"accepted": 1, "rejected": 0, "unknown": 0, "held": 0}
    assert run(app, "dispatch") == {"accepted": 0, "rejected": 0, "unknown": 0, "held": 0}
    assert run(app, "collect") == {"receipts": 1, "replies": 0}
    assert run(app, "reconcile") == {"accepted": 0, "person": 0, "open": 0}
    today = clock.today().isoformat()
    account = run(app, "account", "--from", today, "--to", today)
    assert (account["due"], account["delivered"]) == (1, 1)


def test_plan_takes_another_day(app: Flask) -> None:
    day = clock.today() + timedelta(days=10)
    permit = make_permit(valid_to=clock.today() + timedelta(days=90))
    permit.contact_id = make_contact().id
    permit.last_apply_on, permit.next_reminder_on = day + timedelta(days=7), day
    assert run(app, "plan") == {"planned": 0, "suppressed": 0, "void": 0}
    assert run(app, "plan", "--on", day.isoformat()) == {"planned": 1, "suppressed": 0, "void": 0}
    assert run(app, "dispatch")["accepted"] == 1
    assert run(app, "plan", "--on", day.isoformat()) == {"planned": 0, "suppressed": 0, "void": 0}


def test_people_read_lines(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["notify", "plan"])
    assert result.stdout == "planned: 0\nsuppressed: 0\nvoid: 0\n"


@pytest.mark.parametrize("arguments", [["plan", "--on", "tomorrow"], ["account", "--from", "2026-01-01"]])
def test_wrong_arguments_are_refused(app: Flask, arguments: list[str]) -> None:
    assert app.test_cli_runner().invoke(args=["notify", *arguments]).exit_code == 2


def wait_for_state(state: MessageState, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with reading():
            found = db.session.scalars(sa.select(Message.state)).all()
            db.session.rollback()
        if found == [state]:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def start_worker(settings: Settings) -> "subprocess.Popen[str]":
    return start_notify("run", environment=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_schedule_sends_by_itself_and_stops_when_asked(
    app: Flask, settings: Settings, number: signal.Signals
) -> None:
    contact = make_contact()
    make_message(contact=contact)
    db.session.commit()
    worker = start_worker(settings)
    try:
        wait_for_state(MessageState.DELIVERED, 20)
        worker.send_signal(number)
        output, _ = worker.communicate(timeout=5)
    finally:
        worker.kill()
    assert worker.returncode == 0, output
    assert "Traceback" not in output
    assert contact.phone[-11:] not in output
    assert (Path(settings.data_dir) / "celery" / "queue").is_dir()


def test_the_schedule_does_not_start_without_a_schema(tmp_path: Path, settings: Settings) -> None:
    empty = Settings(
        secret_key=settings.secret_key,
        database_url=f"sqlite:///{tmp_path / 'empty.db'}",
        data_dir=tmp_path,
        public_url=settings.public_url,
    )
    worker = start_worker(empty)
    output, _ = worker.communicate(timeout=30)
    assert worker.returncode == 1
    assert "flask db upgrade" in output
