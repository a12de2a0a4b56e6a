"""What an import changes holds for reminders that wait already: they are void, or go to the new number."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.permits.models import Permit
from tests.factories.messages import make_message
from tests.factories.spreadsheets import as_table, make_row, write_xlsx

ENDS = (clock.today() + timedelta(days=60)).isoformat()


def bring(app: Flask, folder: Path, **cells: Any) -> None:
    file = write_xlsx(folder / "permits.xlsx", as_table([make_row(1, 有效期至=ENDS) | cells]))
    result = app.test_cli_runner().invoke(args=["import", "permits", str(file), "--json"])
    assert result.exit_code == 0, result.output
    db.session.expire_all()


def make_waiting(state: MessageState = MessageState.QUEUED) -> Message:
    permit = db.session.scalars(sa.select(Permit)).one()
    # The last reminder is planned, and waits for the morning.
    permit.next_reminder_on = None
    contact = db.session.get_one(Contact, permit.contact_id)
    due_at = clock.now() + timedelta(hours=8)
    message = make_message(contact=contact, subject=f"permit:{permit.id}", due_at=due_at, state=state)
    db.session.commit()
    return message


def test_a_revocation_voids_the_last_reminder_too(app: Flask, tmp_path: Path) -> None:
    bring(app, tmp_path, 当前状态="1")
    message = make_waiting()
    bring(app, tmp_path, 当前状态="无效")
    assert (message.state, message.reason) == (MessageState.VOID, "changed")


def test_what_waits_goes_to_the_new_number(app: Flask, tmp_path: Path) -> None:
    bring(app, tmp_path, 联系电话="13800138001")
    message, sent = make_waiting(), make_waiting(MessageState.DELIVERED)
    old = sent.contact_id
    bring(app, tmp_path, 联系电话="13800138002")
    assert message.state is MessageState.QUEUED
    assert message.contact is not None
    assert message.contact.phone == "+8613800138002"
    assert sent.contact_id == old
