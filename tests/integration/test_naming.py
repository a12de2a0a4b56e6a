"""Whom a complaint names never sees it: found when it is written or when they come later; supervisors correct it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role, Staff
from portal.audit.models import AuditEntry
from portal.complaint_named import service
from portal.complaint_tracking.service import add_supplement
from portal.complaints import queries
from portal.complaints.models import Complaint, ComplaintNamed, ComplaintState
from portal.complaints.service import add_event
from portal.db import db
from tests.factories.accounts import make_staff
from tests.factories.complaints import make_complaint
from tests.factories.organs import make_officer, make_organ

SignIn = Callable[..., FlaskClient]
NAME, CARD = "赵虚构名", "16080007777"


def sees(staff: Staff, complaint: Complaint) -> bool:
    """Whether a member of staff sees a complaint."""
    db.session.flush()
    seen = sa.select(Complaint.id).where(queries.visible_to(staff), Complaint.id == complaint.id)
    return db.session.scalar(seen) is not None


@pytest.fixture
def boss(app: Flask) -> Staff:
    """A supervisor with a card."""
    staff = make_staff(role=Role.SUPERVISOR, name=NAME)
    staff.officer_id = make_officer(make_organ(supervises=True), CARD, name="赵证件名").id
    db.session.flush()
    return staff


@pytest.mark.parametrize("field", ["officer", "facts", "wants", "place"])
@pytest.mark.parametrize("words", [NAME, "赵 虚构名", "赵证件名", CARD, "1608 0007 777"])
def test_at_filing(boss: Staff, field: str, words: str) -> None:
    named_one: dict[str, Any] = {field: f"是{words}干的"}
    another: dict[str, Any] = {field: "是别人干的"}
    complaint = make_complaint(**named_one)
    assert not sees(boss, complaint)
    assert sees(boss, make_complaint(**another))
    named = db.session.query(ComplaintNamed).one()
    assert (named.staff_id, named.officer_id) == (boss.id, boss.officer_id)
    assert named.words == ("officer" if field == "officer" else "text")


def test_later_words_of_the_sender(boss: Staff) -> None:
    complaint = make_complaint()
    db.session.execute(sa.update(Complaint).values(handler_id=boss.id))
    db.session.refresh(complaint)
    add_event(complaint, "note", public=False, text=f"交{NAME}办", staff=make_staff())
    assert sees(boss, complaint)
    add_supplement(complaint_id=complaint.id, text=f"我想起来了，是{NAME}")
    assert not sees(boss, complaint)
    # It is nobody's again: who is named cannot go on handling it.
    assert complaint.handler_id is None
    db.session.refresh(complaint)
    assert complaint.handler_id is None


def test_an_edited_case(boss: Staff) -> None:
    complaint = make_complaint()
    complaint.facts = f"{NAME}不出示证件"
    assert not sees(boss, complaint)


@pytest.mark.parametrize("state", [ComplaintState.SUBMITTED, ComplaintState.CLOSED])
def test_who_comes_later(app: Flask, state: ComplaintState) -> None:
    complaint = make_complaint(facts="孙虚构甲和孙虚构乙，证号16080009999", state=state)
    add_event(complaint, "supplement", public=True, text="还有孙虚构丙")
    assert not sees(make_staff(role=Role.ADMIN, name="孙虚构甲"), complaint)
    renamed, with_card, third = (make_staff(role=Role.ADMIN, name=f"路人{letter}") for letter in "甲乙丙")
    assert all(sees(staff, complaint) for staff in (renamed, with_card, third))
    renamed.name = "孙虚构乙"
    with_card.officer_id = make_officer(make_organ(), "16080009999").id
    third.name = "孙虚构丙"
    db.session.flush()
    assert not any(sees(staff, complaint) for staff in (renamed, with_card, third))


def test_a_card_that_is_named_anew(app: Flask) -> None:
    complaint = make_complaint(facts="孙虚构丁不出示证件")
    officer = make_officer(make_organ())
    staff = make_staff(role=Role.ADMIN)
    staff.officer_id = officer.id
    assert sees(staff, complaint)
    officer.name = "孙虚构丁"
    assert not sees(staff, complaint)


def test_cards_without_an_account_wait_for_the_night(app: Flask) -> None:
    complaint = make_complaint(facts="孙虚构戊不出示证件")
    make_complaint(facts="孙虚构戊不出示证件", state=ComplaintState.CLOSED)
    officer = make_officer(make_organ(), name="孙虚构戊")
    assert service.match_again() == 1
    assert service.match_again() == 0
    named = db.session.query(ComplaintNamed).one()
    assert (named.complaint_id, named.officer_id) == (complaint.id, officer.id)


def test_a_namesake_is_cleared_and_stays_so(boss: Staff, sign_in: SignIn) -> None:
    complaint = make_complaint(facts=f"{NAME}大厦门口")
    named = db.session.query(ComplaintNamed).one()
    supervisor = sign_in(Role.SUPERVISOR)
    address = f"/staff/complaints/{complaint.id}/named"
    page = supervisor.get(address)
    assert NAME in page.text
    assert CARD in page.text
    empty = supervisor.post(f"{address}/{named.id}/clear", data={"why": " "})
    assert empty.status_code == 422
    assert 'href="#why"' in empty.text
    assert not sees(boss, complaint)
    assert supervisor.post(f"{address}/{named.id}/clear", data={"why": "是大厦的名字"}).status_code == 302
    assert supervisor.post(f"{address}/{named.id}/clear", data={"why": "again"}).status_code == 404
    assert sees(boss, complaint)
    assert service.match_again() == 0
    add_supplement(complaint_id=complaint.id, text=f"{NAME}大厦南门")
    assert sees(boss, complaint)
    entry = db.session.query(AuditEntry).filter_by(action="complaint.named.clear").one()
    assert entry.details == {"named_id": named.id}
    assert [event.text for event in complaint.events if event.action == "cleared"] == ["是大厦的名字"]


def test_somebody_is_added(boss: Staff, sign_in: SignIn) -> None:
    complaint = make_complaint()
    clerk = make_staff(role=Role.CLERK, organ_id=complaint.handler_organ_id, name="周虚构")
    supervisor = sign_in(Role.SUPERVISOR)
    address = f"/staff/complaints/{complaint.id}/named"
    for data, field in (
        ({"reason": "看照片认出"}, "account"),
        ({"card": "99999999", "reason": "看照片认出"}, "card"),
        ({"account": "²", "card": "x" * 41, "reason": "x"}, "card"),
        ({"account": clerk.id}, "reason"),
    ):
        answer = supervisor.post(address, data=data)
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
    assert supervisor.post(address, data={"account": clerk.id, "reason": "看照片认出"}).status_code == 302
    assert not sees(clerk, complaint)
    # The card alone keeps its account away as well.
    assert supervisor.post(address, data={"card": "1608-0007777", "reason": "看照片认出"}).status_code == 302
    assert not sees(boss, complaint)
    assert {row.staff_id for row in db.session.query(ComplaintNamed)} == {clerk.id, boss.id}
    assert db.session.query(AuditEntry).filter_by(action="complaint.named.add").count() == 2


def test_a_card_on_the_list_keeps_its_later_account_away(app: Flask) -> None:
    complaint = make_complaint()
    make_officer(make_organ(), "16080006666", name="虚构证件")
    by = make_staff(role=Role.SUPERVISOR)
    service.add_named(complaint=complaint, account_id=None, card="16080006666", reason="看照片认出", staff=by)
    named = db.session.query(ComplaintNamed).one()
    assert named.staff_id is None
    staff = make_staff(role=Role.ADMIN, name="后来账号")
    assert sees(staff, complaint)
    staff.officer_id = named.officer_id
    assert not sees(staff, complaint)
    assert staff.id not in {row.id for row in queries.list_assignable(complaint)}


def test_the_list_is_for_supervisors_who_are_not_on_it(boss: Staff, sign_in: SignIn) -> None:
    complaint = make_complaint()
    db.session.commit()
    address = f"/staff/complaints/{complaint.id}/named"
    assert sign_in(Role.CLERK, organ_id=complaint.handler_organ_id).get(address).status_code == 403
    supervisor = sign_in(Role.SUPERVISOR)
    me = db.session.query(Staff).order_by(Staff.id.desc()).first()
    assert me is not None
    answer = supervisor.post(address, data={"account": me.id, "reason": "我自己"})
    assert answer.location == "/staff/complaints/"
    assert supervisor.get(address).status_code == 404
    assert supervisor.post(address, data={"account": boss.id, "reason": "x"}).status_code == 404
