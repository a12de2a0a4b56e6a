"""The legal office follows revisits: figures, calls, answers given on the telephone, follow-ups and their closing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.db import db
from portal.messages.models import Message
from portal.revisits.models import Revisit, RevisitState
from portal.revisits.service import record_answer
from tests.factories.parties import make_party
from tests.factories.revisits import make_revisit

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)  # A Friday, 10 in the morning.

SignIn = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def office(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.SUPERVISOR)


def answered(grade: int, *, channel: str = "link") -> Revisit:
    revisit = make_revisit()
    assert record_answer(revisit_id=revisit.id, grade=grade, channel=channel, comment="说了很多")
    return revisit


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def rows_of(answer: TestResponse) -> list[str]:
    page = BeautifulSoup(answer.text, "html.parser")
    return [cell.text for cell in page.select("table.stack tbody tr td:first-child")]


def test_clerks_and_reviewers_have_no_way_in(sign_in: SignIn) -> None:
    revisit = answered(1)
    organ_id = revisit.decision.organ_id
    for role in (Role.CLERK, Role.REVIEWER):
        client = sign_in(role, organ_id=organ_id)
        assert client.get("/staff/revisits/").status_code == 403
        assert client.get(f"/staff/revisits/{revisit.id}").status_code == 403
        for step in ("phone", "answer", "contacted", "close"):
            assert client.post(f"/staff/revisits/{revisit.id}/{step}").status_code == 403
        assert "/staff/revisits/" not in client.get("/staff/").text


def test_figures_and_filters(office: FlaskClient, sign_in: SignIn, frozen: time_machine.Traveller) -> None:
    waiting, good, bad = make_revisit(), answered(5), answered(1)
    unreachable = make_revisit(party=make_party(phone=None))
    numbers = {item.id: item.decision.document_number for item in (waiting, good, bad, unreachable)}
    shown = office.get("/staff/revisits/?lang=en")
    assert "50% have answered: 2 of 4" in shown.text
    assert rows_of(shown)[0] == numbers[bad.id]
    chart = BeautifulSoup(shown.text, "html.parser").select_one("svg[role=img]")
    assert chart is not None
    assert [bar["width"] for bar in chart.select("rect")] == ["320.0", "0.0", "0.0", "0.0", "320.0"]
    expected = {"waiting": [waiting], "answered": [bad, good], "person": [unreachable], "due": [bad], "late": []}
    for view, found in expected.items():
        assert rows_of(office.get(f"/staff/revisits/?view={view}")) == [numbers[item.id] for item in found], view
    frozen.move_to(NOW + timedelta(days=4))
    office = sign_in(Role.SUPERVISOR)
    assert rows_of(office.get("/staff/revisits/?view=late")) == [numbers[bad.id]]
    assert office.get("/staff/revisits/?view=nonsense&page=x").status_code == 200


def test_empty_list_says_when_it_fills(office: FlaskClient) -> None:
    assert "Nobody has been asked yet" in office.get("/staff/revisits/?lang=en").text
    assert "No results for these filters" in office.get("/staff/revisits/?view=late").text


def test_number_is_masked_until_somebody_asks_for_it(office: FlaskClient) -> None:
    revisit = make_revisit()
    assert revisit.contact is not None
    number = revisit.contact.phone
    assert number not in office.get(f"/staff/revisits/{revisit.id}").text
    assert number in office.post(f"/staff/revisits/{revisit.id}/phone").text
    assert actions()[-1] == "revisit.phone_shown"


def test_answer_given_on_the_telephone(office: FlaskClient) -> None:
    revisit = make_revisit(party=make_party(phone=None))
    assert revisit.state is RevisitState.PERSON
    path = f"/staff/revisits/{revisit.id}"
    wrong = office.post(f"{path}/answer", data={"phone-comment": "没说清"})
    assert wrong.status_code == 422
    assert "没说清" in wrong.text
    assert office.post(f"{path}/answer", data={"phone-grade": "2", "phone-comment": "嫌慢"}).status_code == 302
    assert (revisit.grade, revisit.channel, revisit.comment) == (2, "phone", "嫌慢")
    assert revisit.follow_up is not None
    assert db.session.scalars(sa.select(Message).where(Message.template == "low_grade")).all() == []
    assert "revisit.answered" in actions()


def test_answer_that_came_meanwhile_stays(office: FlaskClient) -> None:
    revisit = answered(5)
    late = office.post(f"/staff/revisits/{revisit.id}/answer", data={"phone-grade": "1"})
    assert (late.status_code, revisit.grade) == (422, 5)


def test_follow_up_is_contacted_then_closed_with_an_answer(office: FlaskClient) -> None:
    revisit = answered(1)
    path = f"/staff/revisits/{revisit.id}"
    early = office.post(f"{path}/close", data={"close-answer": "已整改"})
    assert early.status_code == 422
    assert "已整改" in early.text
    assert office.post(f"{path}/contacted").status_code == 302
    assert office.post(f"{path}/contacted").status_code == 409
    assert office.post(f"{path}/close", data={"close-answer": "  "}).status_code == 422
    assert office.post(f"{path}/close", data={"close-answer": "已整改并答复"}).status_code == 302
    assert revisit.state is RevisitState.CLOSED
    assert revisit.follow_up is not None
    assert (revisit.follow_up.answer, revisit.follow_up.closed_at) == ("已整改并答复", NOW)
    assert office.post(f"{path}/close", data={"close-answer": "再来"}).status_code == 422
    assert actions()[-2:] == ["follow_up.contacted", "follow_up.closed"]
    assert "已整改并答复" in office.get(path).text


def test_unknown_revisit_is_not_found(office: FlaskClient) -> None:
    assert office.get("/staff/revisits/999999").status_code == 404
    assert office.post("/staff/revisits/999999/answer", data={"phone-grade": "1"}).status_code == 404
