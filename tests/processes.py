"""The notifiers' commands as processes of their own, on the database and provider of a test's settings."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.db import db, reading
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.settings import ROOT, Settings
from tests.factories.messages import make_contact


def environment(settings: Settings, *, data_dir: Path | None = None, **more: str) -> dict[str, str]:
    """Return the environment in which a process finds a test's settings; it texts at any hour."""
    found = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": settings.secret_key,
        "PUBLIC_URL": settings.public_url,
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(data_dir or settings.data_dir),
        "SMS_PROVIDER": ",".join(settings.sms_providers),
        "SMS_QUIET_HOURS": "",
        "SMS_HOLD_DAYS": "none",
    }
    if "twilio" in settings.sms_providers:
        found |= {
            "TWILIO_ACCOUNT_SID": settings.twilio.account_sid,
            "TWILIO_AUTH_TOKEN": settings.twilio.auth_token,
            "TWILIO_FROM": settings.twilio.sender,
            "TWILIO_API_BASE": settings.twilio.api_base,
        }
    return found | more


def start_notify(
    *command: str, environment: dict[str, str], stdout: Any, stderr: Any, group: bool = False
) -> "subprocess.Popen[str]":
    """Start `flask notify …`; with `group` as the leader of a group of processes, which can be killed as one."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "notify", *command],
        cwd=ROOT,
        env=environment,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=group,
    )


def fill_queue(count: int) -> None:
    """Put messages to different numbers into the outbox, due now, and commit."""
    contacts = [make_contact() for _ in range(count)]
    outbox.enqueue_many(
        [
            {"key": f"queue:{contact.id}", "template": "stopped", "subject": "test:1", "contact_id": contact.id}
            | {"values": {}, "due_at": clock.now()}
            for contact in contacts
        ]
    )
    db.session.commit()


def count_states() -> dict[MessageState, int]:
    """Count the messages in each state, as others have committed them."""
    with reading():
        rows = db.session.execute(sa.select(Message.state, sa.func.count()).group_by(Message.state)).all()
        db.session.rollback()
    return {row[0]: row[1] for row in rows}
