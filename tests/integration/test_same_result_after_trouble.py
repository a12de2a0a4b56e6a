"""Whatever is repeated, races or breaks down: every reminder arrives once. Counted where they are received."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from notifiers.plan.due import plan_due
from portal import clock
from portal.db import db, reading
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.permits.models import Permit
from portal.settings import Settings, TwilioSettings
from tests import databases
from tests.conftest import MISSING, make_app, make_settings, prepare
from tests.factories.messages import make_contact, make_message
from tests.factories.permits import make_permit
from tests.factories.spreadsheets import as_table, make_row, write_xlsx
from tests.torture.dispatcher import Orders, Process, start
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN, TwilioServer, running

PERMITS = 40
DAY = 24 * 3600.0
WEEK = timedelta(days=7)


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with running(TwilioServer(latency=0.1)) as server:
        yield server


def with_provider(settings: Settings, server: TwilioServer, **changes: object) -> Settings:
    twilio = TwilioSettings(
        account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender="+15005550006", api_base=server.address
    )
    return make_settings(settings.data_dir, settings.database_url, sms_providers=("twilio",), twilio=twilio, **changes)


@pytest.fixture
def settings(settings: Settings, server: TwilioServer) -> Settings:
    return with_provider(settings, server, sms_rates={"twilio": 500.0})


@pytest.fixture
def app(app: Flask) -> Flask:
    """An application with permits whose parties are due to be reminded."""
    kind = None
    for _ in range(PERMITS):
        permit = make_permit(valid_to=clock.today() + WEEK * 9, kind=kind, contact_id=make_contact().id)
        kind = permit.permit_type
        permit.last_apply_on, permit.next_reminder_on = clock.today() + WEEK, clock.today()
    db.session.commit()
    return app


def begin(settings: Settings, command: str, *, shift: float = 0.0) -> Process:
    """Start a command as a process whose clock is off by so many seconds."""
    return start(Orders(settings, Path(settings.data_dir), command, shift))


def finish(settings: Settings, *processes: Process) -> None:
    for process in processes:
        process.join(60)
        assert process.exitcode == 0, (Path(settings.data_dir) / "log").read_text()


def do(settings: Settings, *commands: str, shift: float = 0.0) -> None:
    for command in commands:
        finish(settings, begin(settings, command, shift=shift))


def states() -> dict[MessageState, int]:
    with reading():
        rows = db.session.execute(sa.select(Message.state, sa.func.count()).group_by(Message.state)).all()
        db.session.rollback()
    return {row[0]: row[1] for row in rows}


def received_once(server: TwilioServer, count: int) -> bool:
    """Whether so many readers got one message each, and nobody two."""
    return list(server.texts_per_number().values()) == [1] * count


def test_planners_and_dispatchers_that_race_send_each_reminder_once(
    app: Flask, settings: Settings, server: TwilioServer
) -> None:
    finish(settings, *(begin(settings, command) for command in ("plan", "plan", "dispatch", "plan", "dispatch")))
    finish(settings, *(begin(settings, command) for command in ("dispatch", "reconcile", "plan", "dispatch")))
    assert received_once(server, PERMITS)
    assert states() == {MessageState.ACCEPTED: PERMITS}


def test_an_import_and_plans_that_are_run_again_send_nothing_again(
    app: Flask, settings: Settings, server: TwilioServer, tmp_path: Path
) -> None:
    ends = (clock.today() + timedelta(days=37)).isoformat()
    rows = [make_row(number, 有效期至=ends) for number in range(1, 21)]
    file = write_xlsx(tmp_path / "permits.xlsx", as_table(rows))
    arrived = []
    for _ in range(3):
        result = app.test_cli_runner().invoke(args=["import", "permits", str(file), "--json"])
        assert result.exit_code == 0, result.output
        # A register that was restored from a backup has every reminder before it again.
        db.session.execute(sa.update(Permit).values(next_reminder_on=clock.today()))
        db.session.commit()
        do(settings, "plan", "dispatch")
        arrived.append(len(server.messages))
    assert json.loads(result.stdout)["unchanged"] == 20
    assert arrived == [PERMITS + 20] * 3
    assert received_once(server, PERMITS + 20)


@pytest.mark.parametrize("behind", [3600.0, DAY], ids=["an hour", "a day"])
def test_a_clock_that_is_set_back_neither_repeats_nor_holds_up(
    app: Flask, settings: Settings, server: TwilioServer, behind: float
) -> None:
    do(settings, "plan", "dispatch")
    do(settings, "plan", "dispatch", "reconcile", shift=-behind)
    assert received_once(server, PERMITS)
    # What becomes due by the clock that was set back is sent by it, whatever the other clock left in the database.
    contacts = [make_contact() for _ in range(10)]
    due_at = clock.now() - timedelta(seconds=behind)
    outbox.enqueue_many(
        [
            {"key": f"late:{contact.id}", "template": "stopped", "subject": "test:1", "contact_id": contact.id}
            | {"values": {}, "due_at": due_at}
            for contact in contacts
        ]
    )
    db.session.commit()
    do(settings, "dispatch", shift=-behind)
    do(settings, "plan", "dispatch")
    assert received_once(server, PERMITS + 10)
    assert states() == {MessageState.ACCEPTED: PERMITS + 10}


def test_a_breaker_that_opened_before_the_clock_was_set_back_lets_texts_through(
    app: Flask, settings: Settings, server: TwilioServer
) -> None:
    server.only_status = 503
    do(settings, "plan", "dispatch", shift=DAY)
    assert server.texts_per_number() == {}
    server.only_status = None
    contacts = [make_contact() for _ in range(10)]
    for contact in contacts:
        make_message(contact=contact)
    db.session.commit()
    # The first is a probe.
    do(settings, "dispatch", "dispatch")
    assert received_once(server, len(contacts))


def test_what_a_dead_dispatcher_held_is_not_sent_by_one_whose_clock_is_behind(
    app: Flask, settings: Settings, server: TwilioServer
) -> None:
    plan_due(clock.today())
    dying = begin(settings, "dispatch")
    wait_for(lambda: len(server.messages) > 0)
    dying.kill()
    dying.join()
    do(settings, "dispatch", "reconcile", "dispatch", shift=-DAY)
    do(settings, "reconcile", "dispatch", shift=600.0)
    assert max(server.texts_per_number().values()) == 1
    assert states()[MessageState.ACCEPTED] == len(server.messages)


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing moves"
        time.sleep(0.005)


@pytest.fixture
def own_server() -> Iterator[databases.Server]:
    """A PostgreSQL server that may be stopped, and that forgets its last commits unless told not to."""
    try:
        server = databases.Server()
    except databases.NoServer as problem:
        MISSING.append(f"PostgreSQL: {problem}")
        if os.environ.get("CI"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_restarted_while_texts_leave_changes_nothing(
    own_server: databases.Server, tmp_path: Path, mode: str
) -> None:
    count = 1500
    with running(TwilioServer(latency=0.25)) as provider:
        settings = with_provider(make_settings(tmp_path, own_server.address), provider)
        prepare(settings)
        app = make_app(settings)
        with app.app_context():
            contacts = [make_contact() for _ in range(count)]
            outbox.enqueue_many(
                [
                    {"key": f"queue:{contact.id}", "template": "stopped", "subject": "test:1", "contact_id": contact.id}
                    | {"values": {}, "due_at": clock.now()}
                    for contact in contacts
                ]
            )
            db.session.commit()
            db.engine.dispose()
            sending = begin(settings, "dispatch")
            wait_for(lambda: len(provider.messages) > 300)
            own_server.stop(mode)
            time.sleep(1.0)
            own_server.start()
            sending.join(60)
            do(settings, "dispatch")
            do(settings, "dispatch", "reconcile", "dispatch", "reconcile", shift=600.0)
            assert received_once(provider, count)
            assert states() == {MessageState.ACCEPTED: count}
            db.session.rollback()
            db.engine.dispose()
