"""Whom a batch about a high-risk period addresses, and what becomes of those whom no text reaches."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from notifiers.plan import risk_periods as planner
from notifiers.plan.result import Planned
from notifiers.plan.risk_periods import plan_risk_periods
from portal.calls.models import Call
from portal.contacts import service as contacts
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import MessageState
from portal.parties.models import Party, PartyKind
from portal.risk_batches import service as steps
from portal.risk_periods import queries
from tests.factories.accounts import make_staff
from tests.factories.messages import ends, messages
from tests.factories.parties import make_party
from tests.factories.permits import make_permit
from tests.factories.risk_periods import make_batch, make_period

TODAY = date(2026, 3, 2)
DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("noon_without_periods")


def test_who_is_addressed(app: Flask) -> None:
    chosen: dict[str, Any] = {"industry": "餐饮", "street": "河阳街道"}
    wanted = [make_party(**chosen), make_party(kind=PartyKind.PERSON, **chosen)]
    driver = make_party(kind=PartyKind.PERSON)
    make_permit(valid_to=TODAY + 40 * DAY, party=driver)
    make_party(**chosen | {"street": "化工镇"})
    make_party(**chosen | {"industry": "住宿"})
    ended = make_party(**chosen)
    make_permit(valid_to=TODAY - DAY, party=ended)
    renewed = make_party(**chosen)
    make_permit(valid_to=TODAY - DAY, party=renewed)
    make_permit(valid_to=TODAY + 400 * DAY, party=renewed)
    fined = make_party(kind=PartyKind.PERSON)
    batches = [
        make_batch(period=make_period(trades=["餐饮"], streets=["河阳街道", "南庄镇"])),
        make_batch(period=make_period()),
    ]
    db.session.commit()
    plan_risk_periods(TODAY)
    by_subject: dict[str, set[int]] = {}
    for message in messages():
        by_subject.setdefault(message.subject, set()).add(message.values["party_id"])
    narrow, wide = (by_subject[f"risk_batch:{batch.id}"] for batch in batches)
    assert narrow == {party.id for party in (*wanted, renewed)}
    assert driver.id in wide
    assert {ended.id, fined.id}.isdisjoint(wide)


def test_everybody_addressed_is_accounted_for(app: Flask) -> None:
    first = make_party()
    contact = db.session.get_one(Contact, first.contact_id)
    make_party(phone=contact.phone)
    make_party(phone=None)
    stopped = make_party()
    contacts.opt_out(db.session.get_one(Contact, stopped.contact_id))
    batch = make_batch()
    db.session.commit()
    assert plan_risk_periods(TODAY) == Planned(planned=1, suppressed=3)
    assert ends() == {
        ("queued", ""): 1,
        ("suppressed", "duplicate"): 1,
        ("suppressed", "no_contact"): 1,
        ("suppressed", "opted_out"): 1,
    }
    db.session.refresh(batch)
    assert (batch.recipients, batch.suppressed) == (1, 3)
    count = queries.count_addressed(queries.choice_of(batch))
    assert (count.total, count.suppressed.total()) == (1, 3)


def test_nobody_is_said_to_hear_by_the_text_of_a_phone_that_gets_none(app: Flask) -> None:
    first = make_party()
    contact = db.session.get_one(Contact, first.contact_id)
    contacts.opt_out(contact)
    make_party(phone=contact.phone)
    make_batch()
    db.session.commit()
    assert plan_risk_periods(TODAY) == Planned(planned=0, suppressed=2)
    assert ends() == {("suppressed", "opted_out"): 2}


def test_who_shares_a_phone_with_somebody_else_of_another_trade_is_told(app: Flask) -> None:
    other = make_party(industry="住宿")
    party = make_party(industry="餐饮", phone=db.session.get_one(Contact, other.contact_id).phone)
    make_batch(period=make_period(trades=["餐饮"]))
    db.session.commit()
    assert plan_risk_periods(TODAY) == Planned(planned=1)
    assert messages()[0].values == {"party_id": party.id}


@pytest.mark.parametrize("urgent", [True, False])
def test_whom_an_urgent_text_cannot_reach_is_called(app: Flask, urgent: bool) -> None:
    told = make_party()
    make_party(phone=db.session.get_one(Contact, told.contact_id).phone)
    silent, stopped = make_party(phone=None), make_party()
    contacts.opt_out(db.session.get_one(Contact, stopped.contact_id))
    batch = make_batch(urgent=urgent)
    db.session.commit()
    plan_risk_periods(TODAY)
    plan_risk_periods(TODAY)
    calls = {call.party_id: call.reason for call in db.session.scalars(sa.select(Call))}
    assert calls == ({silent.id: "no_contact", stopped.id: "opted_out"} if urgent else {})
    steps.withdraw(batch=batch, staff=make_staff(), note="警报解除")
    assert list(db.session.scalars(sa.select(Call))) == []


def test_two_parties_on_one_phone_in_different_pages_get_one_text(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "PAGE", 1)
    parties = [make_party(phone="+8613812340030"), make_party(), make_party(phone="+8613812340030")]
    make_batch()
    db.session.commit()
    assert plan_risk_periods(TODAY) == Planned(planned=2, suppressed=1)
    (other,) = [message for message in messages() if message.state is MessageState.SUPPRESSED]
    assert other.key.endswith(f":party:{parties[2].id}")


def test_parties_are_read_by_pages_of_what_is_addressed(app: Flask) -> None:
    make_party(industry="住宿")
    wanted = [make_party(industry="餐饮") for _ in range(3)]
    batch = make_batch(period=make_period(trades=["餐饮"]))
    db.session.commit()
    choice = queries.choice_of(batch)
    page = queries.list_addressed(choice, after_id=0, limit=2)
    assert [row.id for row in page] == [party.id for party in wanted[:2]]
    assert [row.id for row in queries.list_addressed(choice, after_id=page[-1].id, limit=2)] == [wanted[2].id]
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 4
