"""Cases go to whoever holds the power, are passed on with a reason, and never to whom they complain about."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.complaints import queries
from portal.complaints.models import Complaint, ComplaintKind, ComplaintOrgan, OrganPart
from portal.db import db
from portal.organs.models import Organ
from portal.powers.models import PowerItem
from tests.factories.accounts import make_staff
from tests.factories.complaints import code_of, make_complaint
from tests.factories.organs import make_officer, make_organ, make_power, transfer

SignIn = Callable[..., FlaskClient]
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
def organs(app: Flask) -> dict[str, Organ]:
    """A market office whose power over stalls went to the city's enforcement in 2024, and whoever supervises."""
    return {
        "market": make_organ(name="虚构市市场监督管理局"),
        "city": make_organ(name="虚构市城市管理局"),
        "town": make_organ(name="虚构市会昌街道办事处"),
        "supervising": make_organ(name="虚构市司法局", supervises=True),
    }


@pytest.fixture
def stalls(organs: dict[str, Organ]) -> PowerItem:
    """The power over stalls."""
    item = make_power(organs["market"], name="对占道经营的处罚", code="CF-STALLS")
    transfer(item, organs["city"], date(2024, 7, 1))
    return item


def test_at_filing(organs: dict[str, Organ], stalls: PowerItem) -> None:
    market, city, supervising = (organs[name].id for name in ("market", "city", "supervising"))
    assert make_complaint(organ_id=market).handler_organ_id == market
    assert make_complaint(organ_id=market, power_item_id=stalls.id).handler_organ_id == city
    assert make_complaint().handler_organ_id == supervising
    conduct = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=city, power_item_id=stalls.id)
    assert (conduct.handler_organ_id, conduct.power_item_id) == (supervising, stalls.id)
    organs["market"].valid_to, organs["market"].successor_id = date(2025, 1, 1), city
    assert make_complaint(organ_id=market).handler_organ_id == city


def test_offices_of_streets(organs: dict[str, Organ], stalls: PowerItem) -> None:
    make_power(organs["town"], name=stalls.name)
    for street, name in (("会昌街道", "town"), ("河雍街道", "city"), ("", "city")):
        assert make_complaint(power_item_id=stalls.id, street=street).handler_organ_id == organs[name].id


def see(complaint: Complaint, role: Role, organ: Organ) -> bool:
    """Whether new staff of an organ see a complaint."""
    staff = make_staff(role=role, organ_id=organ.id, name="旁观者")
    wanted = sa.select(Complaint.id).where(queries.visible_to(staff), Complaint.id == complaint.id)
    return db.session.scalar(wanted) is not None


@pytest.mark.parametrize("typed", ["16080000001", "甲方证件人"])
def test_an_officer_of_the_supervising_organ(organs: dict[str, Organ], typed: str) -> None:
    make_officer(organs["supervising"], name="甲方证件人")
    case = make_complaint(kind=ComplaintKind.CONDUCT, officer=typed)
    assert case.handler_organ_id is None
    db.session.refresh(case)
    assert case.handler_organ_id is None
    assert not see(case, Role.SUPERVISOR, organs["supervising"])
    assert see(case, Role.SUPERVISOR, organs["city"])


def test_a_namesake_elsewhere_accuses_no_organ(organs: dict[str, Organ]) -> None:
    make_officer(organs["supervising"], name="甲方证件人")
    case = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organs["city"].id, officer="甲方证件人")
    assert case.handler_organ_id == organs["supervising"].id
    assert db.session.query(ComplaintOrgan).count() == 0
    sure = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organs["city"].id, officer="16080000001")
    assert sure.handler_organ_id is None
    assert [(row.organ_id, row.part) for row in sure.organs] == [(organs["supervising"].id, OrganPart.SUBJECT)]


def test_who_follows_an_organ_complained_about_sees_nothing(organs: dict[str, Organ]) -> None:
    case = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organs["market"].id)
    report = make_complaint(organ_id=organs["market"].id)
    assert see(case, Role.SUPERVISOR, organs["city"])
    assert not see(report, Role.CLERK, organs["city"])
    organs["market"].valid_to, organs["market"].successor_id = date(2025, 1, 1), organs["city"].id
    db.session.flush()
    assert not see(case, Role.SUPERVISOR, organs["city"])
    assert see(report, Role.CLERK, organs["city"])
    clerk = make_staff(role=Role.CLERK, organ_id=organs["city"].id, name="旁观者")
    assert clerk.id in {row.id for row in queries.list_assignable(report)}
    assert clerk.id not in {row.id for row in queries.list_assignable(case)}


def token(client: FlaskClient, case: Complaint) -> str:
    """Return the mark of the last event on the page that is open."""
    page = BeautifulSoup(client.get(f"/staff/complaints/{case.id}/routing").text, "html.parser")
    field = page.select_one("[name=seen]")
    assert field is not None
    return str(field["value"])


def test_staff_find_out_and_pass_it_on(organs: dict[str, Organ], stalls: PowerItem, sign_in: SignIn) -> None:
    with time_machine.travel(NOW, tick=False):
        case = make_complaint(organ_id=organs["market"].id)
        clerk = sign_in(Role.CLERK, organ_id=organs["market"].id)
        address = f"/staff/complaints/{case.id}/routing"
        assert stalls.name in clerk.get(f"{address}?q=占道").text
        assert stalls.name not in clerk.get(f"{address}?q=渔业").text
        wrong = clerk.post(f"{address}/power", data={"seen": token(clerk, case), "code": "CF-NONE"})
        assert (wrong.status_code, 'href="#code"' in wrong.text) == (422, True)
        stale = token(clerk, case)
        sent = {"seen": stale, "code": stalls.code, "street": "会昌街道"}
        assert clerk.post(f"{address}/power", data=sent).status_code == 303
        assert clerk.post(f"{address}/power", data=sent).status_code == 422
        page = clerk.get(f"{address}?lang=en").text
        assert "虚构市城市管理局" in page
        assert "July 1, 2024" in page or "1 July 2024" in page or "2024" in page
        assert clerk.post(f"{address}/pass", data={"seen": token(clerk, case), "reason": ""}).status_code == 422
        answer = clerk.post(f"{address}/pass", data={"seen": token(clerk, case), "reason": "职权已划转"})
        assert answer.location == "/staff/complaints/"
        assert (case.handler_organ_id, case.street) == (organs["city"].id, "会昌街道")
        assert clerk.get(address).status_code == 404
        other = sign_in(Role.CLERK, organ_id=organs["city"].id)
        again = other.post(f"{address}/pass", data={"seen": token(other, case), "reason": "x"})
        assert again.status_code == 422
        assert case.handler_organ_id == organs["city"].id


def test_nonsense_finds_nothing(organs: dict[str, Organ], sign_in: SignIn) -> None:
    case = make_complaint(organ_id=organs["market"].id)
    client = sign_in(Role.SUPERVISOR)
    for words in ("%", "_", "'" * 50, "长" * 5000, "\u202e"):
        assert client.get(f"/staff/complaints/{case.id}/routing", query_string={"q": words}).status_code == 200
    data = {"code": "x" * 9999, "street": "y" * 9999}
    assert client.post(f"/staff/complaints/{case.id}/routing/power", data=data).status_code == 422


def test_the_same_sender_is_pointed_out_to_staff_alone(
    organs: dict[str, Organ], sign_in: SignIn, client: FlaskClient
) -> None:
    market, phone = organs["market"].id, "+8613911112222"
    with time_machine.travel(NOW, tick=False) as moving:
        old = make_complaint(organ_id=market, phone=phone)
        moving.shift(31 * 86400)
        first = make_complaint(organ_id=market, phone=phone)
        elsewhere = make_complaint(organ_id=organs["city"].id, phone=phone)
        hidden = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=market, phone=phone)
        others = [make_complaint(organ_id=market, phone="+8613911113333"), make_complaint(organ_id=market)]
        again = make_complaint(organ_id=market, phone=phone)
        clerk = sign_in(Role.CLERK, organ_id=market)
        page = clerk.get(f"/staff/complaints/{again.id}").text
        assert first.number in page
        for case in (old, elsewhere, hidden, *others):
            assert case.number not in page
        assert hidden.number in sign_in(Role.SUPERVISOR).get(f"/staff/complaints/{again.id}").text
        # Whoever left no number is tied to nobody.
        assert again.number not in clerk.get(f"/staff/complaints/{others[1].id}").text
        client.post("/complaints/track", data={"number": again.number, "code": code_of(again)})
        assert first.number not in client.get("/complaints/case").text
