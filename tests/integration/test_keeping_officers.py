"""The legal office keeps officers and prints their cards."""

from collections.abc import Callable
from datetime import date

import pytest
import segno
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.officers import service
from portal.officers.staff import draw_code
from portal.organs.models import Officer
from portal.organs.rules import normalise_card_number
from tests.factories.organs import make_officer, make_organ

NOON = "2026-11-22T04:00:00Z"
SignIn = Callable[..., FlaskClient]


def typed(organ_id: int, **changes: str) -> dict[str, str]:
    """Return what is typed of an officer."""
    values = {"name": "李虚构", "card_number": "1608 0000-002", "category": "行政执法"}
    return {"organ": str(organ_id), "valid_from": "2026-01-01", "valid_to": "2028-12-31"} | values | changes


def test_officer_is_entered_extended_suspended_and_resumed(sign_in: SignIn, client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        organ = make_organ()
        keeper = sign_in(Role.SUPERVISOR)
        assert keeper.post("/staff/officers/new", data=typed(organ.id, valid_to="2026-11-01")).status_code == 302
        officer = db.session.scalars(sa.select(Officer)).one()
        page, check = f"/staff/officers/{officer.id}", "/officers/check?number=16080000002&lang=en"
        assert "No longer valid" in client.get(check).text
        keeper.post(page, data=typed(organ.id))
        assert "Card valid" in client.get(check).text
        keeper.post(f"{page}/suspend", data={"since": "2026-11-22"})
        assert "Card suspended" in client.get(check).text
        again = keeper.post(f"{page}/suspend?lang=en", data={"since": "2026-11-22"})
        assert "This card is suspended already." in again.text
        keeper.post(f"{page}/resume")
        assert "Card valid" in client.get(check).text
    entries = db.session.execute(sa.select(AuditEntry.action, AuditEntry.details).order_by(AuditEntry.id)).all()
    assert [row.action for row in entries][-4:] == [
        "officer.create",
        "officer.edit",
        "officer.suspend",
        "officer.resume",
    ]
    assert not any("虚构" in str(row.details) or "1608" in str(row.details) for row in entries)


def test_bad_entries_are_refused(sign_in: SignIn) -> None:
    organ = make_organ()
    make_officer(organ)
    keeper = sign_in(Role.SUPERVISOR)
    for changes, words in (
        ({"name": " "}, "Enter a name"),
        ({"card_number": "16080000001"}, "There is a card with this number."),
        ({"card_number": "110101199003070134"}, "This is the number of an identity card."),
        ({"card_number": "1!"}, "A card number has 4 to 40 letters and digits."),
        ({"valid_to": "2025-12-31"}, "The last day of validity is before the first."),
        ({"valid_to": ""}, "Enter a day"),
        ({"organ": "99999"}, "Not a valid choice"),
    ):
        answer = keeper.post("/staff/officers/new?lang=en", data=typed(organ.id, **changes))
        assert answer.status_code == 422, words
        assert words in answer.text
    assert db.session.scalar(sa.select(sa.func.count(Officer.id))) == 1


def test_number_that_somebody_enters_in_the_same_moment_is_refused(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    organ = make_organ()
    make_officer(organ, "16080000002")
    monkeypatch.setattr(service, "check_number", normalise_card_number)
    answer = sign_in(Role.SUPERVISOR).post("/staff/officers/new?lang=en", data=typed(organ.id))
    assert answer.status_code == 422
    assert "Somebody else has just entered the same." in answer.text
    assert db.session.scalar(sa.select(sa.func.count(Officer.id))) == 1


def test_suspension_after_the_last_day_is_refused(sign_in: SignIn) -> None:
    officer = make_officer(make_organ())
    page = f"/staff/officers/{officer.id}/suspend?lang=en"
    answer = sign_in(Role.SUPERVISOR).post(page, data={"since": "2027-01-02"})
    assert answer.status_code == 422
    assert "The card is over by then." in answer.text


def test_list_is_narrowed_by_organ_word_and_state(sign_in: SignIn) -> None:
    with time_machine.travel(NOON, tick=False):
        organ, ended = make_organ(), make_organ(valid_to=date(2026, 1, 1))
        make_officer(organ, "1608-0001", name="甲虚构")
        make_officer(organ, "1608-0002", name="乙虚构").suspended_on = date(2026, 1, 1)
        make_officer(ended, "1608-0003", name="丙虚构")
        keeper = sign_in(Role.SUPERVISOR)
        for query, shown in (
            ("", "甲乙丙"),
            (f"organ={organ.id}", "甲乙"),
            ("q=1608 0003", "丙"),
            ("q=乙虚", "乙"),
            ("state=valid", "甲"),
            ("state=suspended", "乙"),
            ("state=ended", "丙"),
            ("q=%25&state=x&organ=x", ""),
        ):
            page = keeper.get(f"/staff/officers/?{query}").text
            assert "".join(name for name in "甲乙丙" if f"{name}虚构" in page) == shown, query


def test_card_sheet_holds_a_code_for_each_valid_card_only(sign_in: SignIn) -> None:
    with time_machine.travel(NOON, tick=False):
        organ = make_organ()
        officer = make_officer(organ, "16080000001")
        make_officer(organ, "16080000002", valid_to=date(2026, 1, 1))
        make_officer(make_organ(), "16080000003")
        keeper = sign_in(Role.SUPERVISOR)
        sheet = BeautifulSoup(keeper.get(f"/staff/officers/cards?organ={organ.id}").text, "html.parser")
        (card,) = sheet.select(".sheet > li")
        assert "http://portal.test/officers/check?number=16080000001" in card.text
        picture = card.select_one("img")
        assert picture is not None
        assert str(picture["src"]).startswith("data:image/svg+xml")
        assert len(BeautifulSoup(keeper.get("/staff/officers/cards").text, "html.parser").select(".sheet > li")) == 2
        one = keeper.get(f"/staff/officers/cards?officer={officer.id}").text
        assert "16080000003" not in one


def test_code_leads_to_the_check_of_its_card(app: Flask) -> None:
    with app.test_request_context():
        address, picture = draw_code("豫A 1")
    assert address == "http://portal.test/officers/check?number=%E8%B1%ABA%201"
    assert picture == segno.make(address, error="m", micro=False).svg_data_uri(scale=3, light="#fff", border=4)
