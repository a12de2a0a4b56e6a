"""Texts about a complaint are one segment in both languages and give nothing away; the code is in no log or table."""

import json
import logging
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from notifiers.compose import preview
from portal.accounts.models import Role
from portal.case_clocks.service import ask_sender
from portal.case_steps import service as casework
from portal.case_transfers.service import transfer
from portal.complaint_tracking.service import add_supplement, reopen_case
from portal.complaints import outbox, service
from portal.complaints.models import Complaint
from portal.db import Model, db
from portal.i18n import LOCALES
from portal.messages.models import Message, MessageState
from portal.messages.rules import count_segments
from tests.factories.accounts import make_staff
from tests.factories.complaints import Sender, make_complaint, picture
from tests.factories.organs import make_organ

LONGEST = datetime(2026, 12, 30, 4, 0, tzinfo=UTC)
TEMPLATES = (
    outbox.RECEIVED,
    outbox.ACCEPTED,
    outbox.REFUSED,
    outbox.MATERIAL,
    outbox.EXTENDED,
    outbox.TRANSFERRED,
    outbox.MESSAGE,
    outbox.ANSWERED,
    outbox.REOPENED,
)


def test_every_text_is_one_segment(app: Flask) -> None:
    values = {"received_on": "2026-12-30", "accept_due_on": "2026-12-31", "answer_due_on": "2026-12-31"}
    for template, locale in product(TEMPLATES, LOCALES):
        text = preview(template, values, locale)
        assert text.startswith("【孟州执法】")
        assert len(text) <= 70, text
        assert count_segments(text) == 1


def test_messages_hold_dates_only(app: Flask) -> None:
    with time_machine.travel(LONGEST, tick=False):
        complaint = make_complaint(phone="+8613800138000")
        staff = make_staff()
        casework.accept_complaint(complaint=complaint, staff=staff)
        service.answer_complaint(complaint=complaint, staff=staff, answer="秘密的答复")
    for message in db.session.query(Message):
        assert set(message.values) == {"received_on", "accept_due_on", "answer_due_on"}
        assert message.subject == f"complaint:{complaint.id}"
        assert message.state is MessageState.QUEUED
        for secret in (complaint.number, "秘密", "王虚构"):
            assert secret not in json.dumps([message.values, message.key], ensure_ascii=False)


def test_who_did_not_ask_gets_nothing_at_any_step(app: Flask) -> None:
    staff = make_staff()
    cases: list[dict[str, Any]] = [{"phone": "", "anonymous": True}, {"sms_wanted": False}, {"anonymous": True}]
    for changes in cases:
        complaint = make_complaint(**({"phone": "+8613800138000"} | changes))
        casework.accept_complaint(complaint=complaint, staff=staff)
        service.answer_complaint(complaint=complaint, staff=staff, answer="x")
    assert db.session.query(Message).count() == 0


@pytest.mark.parametrize(("phone", "told"), [("+8613800138000", True), ("", False)])
def test_every_step_is_told_each_time_to_whoever_wants_it(app: Flask, phone: str, told: bool) -> None:
    first, second = make_organ(), make_organ()
    complaint, staff = make_complaint(phone=phone, organ_id=first.id), make_staff(role=Role.SUPERVISOR)
    transfer(complaint=complaint, staff=staff, organ_id=second.id, reason="不归本单位管")
    transfer(complaint=complaint, staff=staff, organ_id=first.id, reason="还是归它管")
    service.move(complaint, "accept")
    ask_sender(complaint=complaint, staff=staff, text="哪一天？")
    add_supplement(complaint_id=complaint.id, text="20日")
    for _ in range(2):
        service.answer_complaint(complaint=complaint, staff=staff, answer="秘密的答复")
        reopen_case(complaint_id=complaint.id, reason="没有说清楚")
    twice = ["complaint_answered", "complaint_reopened"] * 2
    steps = ["complaint_received", *["complaint_transferred"] * 2, "complaint_material", *twice]
    found = [row.template for row in db.session.query(Message).order_by(Message.id)]
    assert found == (steps if told else [])


def test_the_code_is_nowhere(app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sender = Sender(client)
    sender.fill(files=[("a.jpg", picture())])
    number, code = sender.send()
    plain = code.replace("-", "")
    found = [client.post("/complaints/receipt"), client.get("/complaints/case")]
    track = client.post("/complaints/track", data={"number": number, "code": code})
    for answer in [*found, track]:
        assert plain not in (answer.location or "")
        assert number not in (answer.location or "")
    everything = []
    for table in Model.metadata.sorted_tables:
        everything += [str(tuple(row)) for row in db.session.execute(sa.select(table))]
    dump = "\n".join(everything) + caplog.text
    for written in (code, plain, plain.lower()):
        assert written not in dump
    assert "13800138000" not in caplog.text
    assert "王虚构" not in caplog.text
    assert db.session.query(Complaint).one().code_hash.startswith("hmac$")
