"""Staff write down what comes by telephone, on paper and at the window: one register, the same clocks and codes."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.complaints.models import Channel, Complaint, ComplaintState
from portal.db import db
from tests.factories.casework import last_staff
from tests.factories.complaints import errors, picture
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
MONDAY = datetime(2026, 11, 23, 4, tzinfo=UTC)
PAGE = "/staff/intakes/new"


@pytest.fixture
def desk(app: object, sign_in: SignIn) -> Any:
    """A clerk at the window on Monday 23 November 2026."""
    organ = make_organ(name="虚构市甲局")
    make_organ(supervises=True)
    with time_machine.travel(MONDAY, tick=False):
        yield sign_in(Role.CLERK, organ_id=organ.id)


def typed(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    """Return what a clerk types for somebody who stands at the window."""
    page = BeautifulSoup(client.get(PAGE).text, "html.parser")
    key = page.select_one("[name=key]")
    assert key is not None
    values = {
        "key": key["value"], "channel": "window", "received_on": "2026-11-23", "kind": "report", "category": "fee",
        "organ": "0", "facts": "来人反映收费不开票", "how": "named", "name": "王虚构", "phone": "13800138000",
        "address": "虚构市会昌街道1号", "consent": "y", "code_told": "y",
    }  # fmt: skip
    return {name: value for name, value in (values | changes).items() if value is not None}


def test_at_the_window(desk: FlaskClient, client: FlaskClient) -> None:
    data = typed(desk) | {"files": [(BytesIO(picture()), "letter.jpg")]}
    assert desk.post(PAGE, data=data, content_type="multipart/form-data").location == "/staff/intakes/receipt"
    case = db.session.query(Complaint).one()
    assert (case.channel, case.registered_by_id, case.state) == (
        Channel.WINDOW,
        last_staff().id,
        ComplaintState.SUBMITTED,
    )
    assert (case.sender_name, case.sender_address, len(case.files)) == ("王虚构", "虚构市会昌街道1号", 1)
    page = BeautifulSoup(desk.get("/staff/intakes/receipt").text, "html.parser")
    code = page.select_one("#code")
    assert code is not None
    assert "王虚构" not in page.text
    # The code on the receipt opens the case, and is gone once the sender has it.
    assert (
        client.post("/complaints/track", data={"number": case.number, "code": code.text}).location == "/complaints/case"
    )
    assert desk.post("/staff/intakes/receipt", data={"go": "list"}).location == "/staff/complaints/"
    db.session.refresh(case)
    assert case.code_sealed is None
    assert desk.get("/staff/intakes/receipt").location == PAGE
    entry = db.session.query(AuditEntry).filter_by(action="complaint.register").one()
    assert entry.details == {"channel": "window", "named": True, "consent": True, "code_told": True}
    # The same form once more is the same case.
    assert desk.post(PAGE, data=data | {"files": []}).status_code == 302
    assert db.session.query(Complaint).count() == 1


def test_periods_run_from_the_day_on_which_it_came(desk: FlaskClient) -> None:
    desk.post(PAGE, data=typed(desk, channel="paper", received_on="2026-11-18"))
    case = db.session.query(Complaint).one()
    assert (case.clock_from_on, case.accept_due_on) == (date(2026, 11, 18), date(2026, 11, 25))
    assert case.number.startswith("TS20261123")


def test_by_telephone_without_a_code(desk: FlaskClient) -> None:
    desk.post(PAGE, data=typed(desk, channel="phone", code_told=None))
    case = db.session.query(Complaint).one()
    assert (case.channel, case.code_sealed) == (Channel.PHONE, None)
    assert BeautifulSoup(desk.get("/staff/intakes/receipt").text, "html.parser").select_one("#code") is None


def test_a_petition_has_its_own_periods_and_a_name(desk: FlaskClient) -> None:
    refused = desk.post(PAGE, data=typed(desk, kind="conduct", case_type="petition", how="anonymous"))
    assert refused.status_code == 422
    assert desk.post(PAGE, data=typed(desk, kind="report", case_type="petition")).status_code == 422
    assert desk.post(PAGE, data=typed(desk, kind="conduct", case_type="petition")).status_code == 302
    case = db.session.query(Complaint).one()
    assert (case.case_type_key, case.delicate) == ("petition", True)


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "pigeon"}, {"received_on": "2026-11-24"}, {"received_on": "2024-01-01"}, {"received_on": "soon"},
        {"kind": "x"}, {"case_type": "x"}, {"organ": "999"}, {"facts": " "}, {"consent": None}, {"name": ""},
        {"phone": "123"}, {"key": "../x"}, {"street": "x"}, {"how": ""},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_and_nothing_lost(desk: FlaskClient, change: dict[str, Any]) -> None:
    answer = desk.post(PAGE, data=typed(desk, **change))
    assert answer.status_code == 422
    assert errors(answer.text)
    assert db.session.query(Complaint).count() == 0
    if change != {"facts": " "}:
        assert "来人反映收费不开票" in answer.text


def test_nobody_else_sees_the_receipt(desk: FlaskClient, sign_in: SignIn) -> None:
    desk.post(PAGE, data=typed(desk))
    assert sign_in(Role.SUPERVISOR).get("/staff/intakes/receipt").location == PAGE
