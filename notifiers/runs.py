"""Runs that hold claims: each shows every few seconds that it lives; what one that vanished was sending is unknown."""

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal import clock
from portal.db import db
from portal.messages.models import SENDING, Dispatcher, Message, MessageState

BEAT_EVERY = timedelta(seconds=5)
# Who has not been seen for so long is given up; a run that finds itself so late stops a while before that.
GIVEN_UP_AFTER = timedelta(seconds=20)
LATE_AFTER = timedelta(seconds=15)
TURN = 0x4D5A  # Any number that nothing else in the database locks.

# A server that may forget its last commits would let the same texts be claimed twice.
KEEP = sa.text(
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)


def take_turn() -> None:
    """Wait until no other run claims, records or sweeps, and let none do so before this transaction ends.

    What several runs decide together (rates, breakers, daily caps, digests) is thereby decided by one at a time.
    SQLite has one writer anyway. What is claimed then survives a crash of the database.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(TURN)))
        db.session.execute(KEEP)


def open_run() -> str:
    """Register a run and return its id."""
    run_id = secrets.token_hex(8)
    _register(run_id)
    return run_id


def _register(run_id: str) -> None:
    now = clock.now()
    db.session.add(Dispatcher(id=run_id, started_at=now, seen_at=now))
    db.session.flush()


def beat(run_id: str) -> bool:
    """Show that a run lives; False when it had been given up, so that others may know of its claims as unknown."""
    seen = db.session.execute(
        sa.update(Dispatcher)
        .where(Dispatcher.id == run_id)
        .values(seen_at=clock.now())
        .returning(Dispatcher.id)
        .execution_options(synchronize_session=False)
    ).first()
    if seen is None:
        _register(run_id)
    return seen is not None


def close_run(run_id: str) -> None:
    """Take a run off the list; whatever it should still be sending is unknown from then on."""
    db.session.execute(
        sa.delete(Dispatcher).where(Dispatcher.id == run_id).execution_options(synchronize_session=False)
    )


def left_behind(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition for messages whose dispatcher died.

    A heartbeat from the future proves nothing either: somebody has set the clock back.
    """
    return sa.and_(SENDING, Message.claimed_by.not_in(sa.select(Dispatcher.id).where(_lives(now))))


def _lives(now: datetime) -> sa.ColumnElement[bool]:
    return Dispatcher.seen_at.between(now - GIVEN_UP_AFTER, now + GIVEN_UP_AFTER)


def sweep(now: datetime) -> int:
    """Mark as unknown what was being sent when its dispatcher died; return how many messages that were."""
    take_turn()
    swept = db.session.execute(
        sa.update(Message)
        .where(left_behind(now))
        .values(state=MessageState.UNKNOWN, reason="cut_off", changed_at=now)
        .execution_options(synchronize_session=False)
        .returning(Message.id)
    )
    db.session.execute(sa.delete(Dispatcher).where(~_lives(now)).execution_options(synchronize_session=False))
    return len(swept.all())
