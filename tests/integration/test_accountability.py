"""A founded case about conduct opens an accountability record, which nobody sees whom it is about."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal.accountability import rules
from portal.accountability.models import Accountability
from portal.accountability.queries import load_grounds, load_measures
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.complaints.models import Complaint, ComplaintKind, ComplaintNamed, Finding
from portal.db import db
from portal.organs.models import Organ
from tests.factories.casework import last_staff
from tests.factories.graded import make_answered
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
OPEN = {"ground": "officer-manner", "facts": "视频证实言语不文明"}
CLOSE = {"measure": "officer-training", "outcome": "11月25日由本机关决定离岗培训5天"}


@pytest.fixture
def organ(app: object) -> Organ:
    make_organ(supervises=True)
    return make_organ()


@pytest.fixture
def case(organ: Organ) -> Complaint:
    """A complaint about conduct that was found to be true."""
    complaint = make_answered(kind=ComplaintKind.CONDUCT, organ_id=organ.id)
    complaint.finding = Finding.FOUNDED
    db.session.commit()
    return complaint


@pytest.fixture
def office(case: Complaint, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.SUPERVISOR)


def address(case: Complaint, step: str = "") -> str:
    return f"/staff/accountability/{case.id}" + (f"/{step}" if step else "")


def records() -> list[Accountability]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Accountability).order_by(Accountability.id)))


def test_opened_on_a_ground_and_closed_with_a_measure(case: Complaint, office: FlaskClient) -> None:
    assert case.number in office.get("/staff/accountability/").text
    for wrong in ({"ground": "nonsense"}, {"ground": ""}, {"facts": ""}):
        assert office.post(address(case, "open"), data=OPEN | wrong).status_code == 422
    assert office.post(address(case, "open"), data=OPEN).status_code == 303
    record = records()[0]
    page = office.get(address(case)).text
    assert "第四十五条第四项" in page
    offered = [str(row["value"]) for row in BeautifulSoup(page, "html.parser").select("#measure option")]
    assert "officer-card" in offered
    assert "organ-criticism" not in offered
    close = CLOSE | {"record": str(record.id)}
    assert office.post(address(case, "close"), data=close | {"measure": "organ-criticism"}).status_code == 422
    assert office.post(address(case, "close"), data=close | {"record": "999999"}).status_code == 404
    assert office.post(address(case, "close"), data=close).status_code == 303
    assert office.post(address(case, "close"), data=close).status_code == 409
    assert (records()[0].measure, records()[0].outcome) == ("officer-training", CLOSE["outcome"])
    assert "离岗培训5天" in office.get(address(case)).text
    actions = [row.action for row in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert actions[-2:] == ["complaint.account-open", "complaint.account-close"]
    # One case can show more than one breach.
    assert office.post(address(case, "open"), data=OPEN | {"ground": "organ-cards"}).status_code == 303


def test_only_a_founded_case_about_conduct(case: Complaint, office: FlaskClient) -> None:
    for finding, delicate in ((Finding.UNFOUNDED, True), (None, True), (Finding.PARTLY, False)):
        case.finding, case.delicate = finding, delicate
        db.session.commit()
        assert office.post(address(case, "open"), data=OPEN).status_code == 409
        assert case.number not in office.get("/staff/accountability/").text
    case.finding, case.delicate = Finding.PARTLY, True
    db.session.commit()
    assert office.post(address(case, "open"), data=OPEN).status_code == 303


def test_neither_the_organ_nor_whoever_is_named_sees_it(
    case: Complaint, office: FlaskClient, organ: Organ, sign_in: SignIn
) -> None:
    office.post(address(case, "open"), data=OPEN)
    named = sign_in(Role.SUPERVISOR)
    db.session.add(ComplaintNamed(complaint_id=case.id, staff_id=last_staff().id, words="staff"))
    db.session.commit()
    for reader in (named, sign_in(Role.SUPERVISOR, organ_id=organ.id)):
        assert case.number not in reader.get("/staff/accountability/").text
        assert reader.get(address(case)).status_code == 404
        assert reader.post(address(case, "open"), data=OPEN).status_code == 404
    clerk = sign_in(Role.CLERK, organ_id=organ.id)
    assert clerk.get("/staff/accountability/").status_code == 403
    assert clerk.get(address(case)).status_code == 403
    assert len(records()) == 1


def test_words_lie_sealed_in_the_database(case: Complaint, office: FlaskClient) -> None:
    office.post(address(case, "open"), data=OPEN)
    sealed = db.session.execute(sa.text("SELECT texts_sealed FROM accountability")).scalar_one()
    assert OPEN["facts"].encode() not in bytes(sealed)
    assert records()[0].facts == OPEN["facts"]


def test_every_ground_has_a_measure_and_an_article() -> None:
    for ground in load_grounds().values():
        assert "第四十四条" in ground.article if ground.subject == "organ" else "第四十五条" in ground.article
        fitting = [row for row in load_measures().values() if rules.fits(ground, row)]
        assert len(fitting) > 3
        assert all(row.decider and row.decider_en and row.name_en for row in fitting)
    assert {row.subject for row in load_measures().values()} == {"organ", "officer"}
