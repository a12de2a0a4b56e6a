"""The legal office orders a report on a case, and decides whether the reply is enough."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState
from portal.db import db
from portal.organs.models import Organ
from portal.supervisions.models import Supervision, SupervisionState
from portal.supervisions.queries import list_of
from tests.factories.complaints import code_of, errors, make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)  # A Friday, 10 in the morning.
ORDER = {"reason": "请说明为何久拖不决", "within": "5"}


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def organ(app: object) -> Organ:
    make_organ(supervises=True)
    return make_organ()


@pytest.fixture
def case(organ: Organ) -> Complaint:
    complaint = make_complaint(organ_id=organ.id, state=ComplaintState.ACCEPTED)
    db.session.commit()
    return complaint


@pytest.fixture
def office(case: Complaint, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.SUPERVISOR)


@pytest.fixture
def clerk(organ: Organ, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CLERK, organ_id=organ.id)


def address(case: Complaint, step: str = "") -> str:
    return f"/staff/supervisions/{case.id}" + (f"/{step}" if step else "")


def latest(case: Complaint) -> Supervision:
    db.session.expire_all()
    return list_of(case)[0]


def numbers(client: FlaskClient, view: str = "") -> list[str]:
    page = BeautifulSoup(client.get(f"/staff/supervisions/?view={view}").text, "html.parser")
    return [link.text for link in page.select("table.stack td:first-child a")]


def test_ordered_replied_asked_again_accepted(
    case: Complaint, office: FlaskClient, clerk: FlaskClient, organ: Organ
) -> None:
    assert office.post(address(case, "order"), data=ORDER).status_code == 303
    assert (latest(case).due_on, latest(case).organ_id) == (date(2026, 11, 27), organ.id)
    assert office.post(address(case, "order"), data=ORDER).status_code == 409
    assert "请说明为何久拖不决" in clerk.get(address(case)).text
    assert numbers(clerk) == [case.number]
    assert office.post(address(case, "reply"), data={"reply": "自己回复"}).status_code == 403
    assert clerk.post(address(case, "reply"), data={"reply": ""}).status_code == 422
    assert clerk.post(address(case, "reply"), data={"reply": "正在核查"}).status_code == 303
    late = clerk.post(address(case, "reply"), data={"reply": "又写一遍"})
    assert (late.status_code, "又写一遍" in late.text) == (409, True)
    again = {"words": "请写明期限", "more": "2", "verdict": "again"}
    assert office.post(address(case, "decide"), data=again | {"verdict": "x"}).status_code == 422
    assert office.post(address(case, "decide"), data=again).status_code == 303
    assert (latest(case).rounds, latest(case).due_on) == (2, date(2026, 11, 24))
    clerk.post(address(case, "reply"), data={"reply": "11月25日前办结"})
    assert office.post(address(case, "decide"), data=again | {"words": "可以", "verdict": "accept"}).status_code == 303
    assert latest(case).state is SupervisionState.ACCEPTED
    assert numbers(office, "accepted") == [case.number]
    actions = [event.action for event in case.events if event.action.startswith("supervise")]
    assert actions == ["supervise", "supervise-reply", "supervise-again", "supervise-reply", "supervise-accept"]
    assert office.post(address(case, "order"), data=ORDER).status_code == 303


def test_only_the_office_orders_and_decides(case: Complaint, office: FlaskClient, clerk: FlaskClient) -> None:
    assert clerk.post(address(case, "order"), data=ORDER).status_code == 403
    office.post(address(case, "order"), data=ORDER)
    clerk.post(address(case, "reply"), data={"reply": "已办"})
    decided = clerk.post(address(case, "decide"), data={"words": "可以", "more": "1", "verdict": "accept"})
    assert decided.status_code == 403
    assert latest(case).state is SupervisionState.REPLIED


def test_whoever_replied_does_not_decide(case: Complaint, office: FlaskClient, sign_in: SignIn) -> None:
    office.post(address(case, "order"), data=ORDER)
    other = sign_in(Role.SUPERVISOR)
    assert other.post(address(case, "reply"), data={"reply": "已办"}).status_code == 303
    refused = other.post(address(case, "decide"), data={"words": "可以", "more": "1", "verdict": "accept"})
    assert (refused.status_code, bool(errors(refused.text))) == (403, True)


@pytest.mark.parametrize("within", ["0", "61", "x", "", "-3"])
def test_deadline_is_a_number_of_days(case: Complaint, office: FlaskClient, within: str) -> None:
    answer = office.post(address(case, "order"), data=ORDER | {"within": within})
    assert answer.status_code == 422
    assert "请说明为何久拖不决" in answer.text
    assert list_of(case) == []


def test_late_ones_are_listed_and_counted(
    case: Complaint, office: FlaskClient, frozen: time_machine.Traveller, sign_in: SignIn
) -> None:
    office.post(address(case, "order"), data=ORDER)
    assert numbers(office, "late") == []
    frozen.move_to(NOW + timedelta(days=8))
    office = sign_in(Role.SUPERVISOR)
    assert numbers(office, "late") == [case.number]
    home = BeautifulSoup(office.get("/staff/").text, "html.parser")
    link = home.select_one("a[href='/staff/supervisions/?view=late']")
    assert link is not None
    assert "1" in link.text


def test_sender_reads_that_it_is_followed_and_nothing_else(
    case: Complaint, office: FlaskClient, client: FlaskClient
) -> None:
    client.post("/complaints/track", data={"number": case.number, "code": code_of(case)})
    words = "follows how this is dealt with"
    assert words not in client.get("/complaints/case?lang=en").text
    office.post(address(case, "order"), data=ORDER)
    page = client.get("/complaints/case?lang=en").text
    assert words in page
    assert "请说明为何久拖不决" not in page


def test_hidden_from_whom_it_concerns(organ: Organ, clerk: FlaskClient, sign_in: SignIn) -> None:
    case = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organ.id, state=ComplaintState.ACCEPTED)
    db.session.commit()
    assert sign_in(Role.SUPERVISOR).post(address(case, "order"), data=ORDER).status_code == 303
    for reader in (clerk, sign_in(Role.SUPERVISOR, organ_id=organ.id)):
        assert numbers(reader) == []
        assert reader.get(address(case)).status_code == 404
        assert reader.post(address(case, "reply"), data={"reply": "x"}).status_code == 404


def test_nothing_is_ordered_about_a_withdrawn_case(case: Complaint, office: FlaskClient) -> None:
    case.state = ComplaintState.WITHDRAWN
    db.session.commit()
    assert office.post(address(case, "order"), data=ORDER).status_code == 409
