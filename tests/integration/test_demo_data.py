"""The demonstration looks alive at any hour, invents everything, and can be loaded once."""

import re
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
import time_machine
from flask import Flask
from stdnum.cn import uscc

from portal import clock
from portal.calendar.queries import get_calendar
from portal.complaints.models import Complaint, ComplaintState
from portal.contacts.models import Contact
from portal.db import Model, db
from portal.decision_deadlines.queries import Span, count_due
from portal.decisions.models import (
    CheckKind,
    CorrectionState,
    CreditRepair,
    Decision,
    DecisionCheck,
    DecisionCorrection,
    DecisionKind,
    DecisionState,
    RepairState,
)
from portal.demo import service
from portal.messages.models import Message
from portal.organs.models import Organ, Recognition
from portal.parties.models import Party
from portal.permits.models import Permit
from portal.powers.models import PowerItem, PowerTransfer
from portal.revisits.models import Revisit

NIGHT = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)  # 01:30 in the city.


def load(data_dir: Path) -> bool:
    return service.load(password="a-demo-password", signature="【孟州执法】", hotline="0391-0000000", data_dir=data_dir)


def test_every_register_is_filled_and_every_state_met(app: Flask, tmp_path: Path) -> None:
    assert load(tmp_path)
    for model, least in ((Organ, 12), (Permit, 300), (Decision, 250), (Complaint, 100), (Message, 100), (Revisit, 50)):
        assert (db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0) >= least, model
    for table, least in ((PowerItem, 15), (PowerTransfer, 2), (Recognition, 2)):
        assert (db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0) >= least, table
    assert db.session.scalar(sa.select(sa.func.count(Organ.id)).where(Organ.successor_id.is_not(None)))
    waiting = db.session.scalar(sa.select(sa.func.count(Permit.id)).where(Permit.next_reminder_on <= clock.today()))
    assert waiting
    late = sa.and_(Complaint.state == ComplaintState.ACCEPTED, Complaint.answer_due_on < clock.today())
    assert db.session.scalar(sa.select(sa.func.count(Complaint.id)).where(late))
    unknown = sa.and_(
        Complaint.state.in_((ComplaintState.SUBMITTED, ComplaintState.ACCEPTED)), Complaint.next_due_on.is_(None)
    )
    assert not db.session.scalar(sa.select(sa.func.count(Complaint.id)).where(unknown))
    for column, values in (
        (Decision.state, DecisionState),
        (Decision.kind, DecisionKind),
        (DecisionCorrection.state, CorrectionState),
        (CreditRepair.state, RepairState),
        (DecisionCheck.kind, CheckKind),
    ):
        assert set(db.session.scalars(sa.select(column).distinct())) == set(values), column
    red = count_due(Span.late(clock.today()), get_calendar(), scope=None)
    assert sum(row.number for row in red) >= 3
    phones = [text for text in db.session.scalars(sa.select(Decision.facts)) if "154000" in text]
    assert phones == []
    assert not load(tmp_path)


def test_nobody_in_it_is_real(app: Flask, tmp_path: Path) -> None:
    load(tmp_path)
    for party in db.session.scalars(sa.select(Party)):
        assert party.name.startswith("虚构")
        assert (party.credit_code or "")[2:8] == "000000" and uscc.is_valid(party.credit_code or "")
    assert all(phone.startswith("+86154") for phone in db.session.scalars(sa.select(Contact.phone)))


def test_the_case_it_tells_of_opens_with_its_code(app: Flask, tmp_path: Path) -> None:
    load(tmp_path)
    (hint,) = service.list_hints()
    found = re.search(r"complaint (TS\d+) with the query code (\S+)\.", hint)
    assert found
    client = app.test_client()
    answer = client.post("/complaints/track", data={"number": found[1], "code": found[2]})
    assert (answer.status_code, answer.location) == (302, "/complaints/case")
    assert found[1] in client.get("/complaints/case").text


@time_machine.travel(NIGHT, tick=False)
def test_nothing_has_happened_after_now(app: Flask, tmp_path: Path) -> None:
    load(tmp_path)
    happened = ("received_at", "accepted_at", "answered_at", "published_at", "withdrawn_at", "rated_at", "changed_at")
    seen = 0
    for table in Model.metadata.sorted_tables:
        for name in happened:
            if name in table.c:
                latest = db.session.scalar(sa.select(sa.func.max(table.c[name])))
                seen += latest is not None
                assert latest is None or latest <= clock.now(), f"{table.name}.{name}"
    assert seen > 5
