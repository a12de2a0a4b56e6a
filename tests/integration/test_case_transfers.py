"""Cases are passed on, given back and handled together; never by an organ that a delicate one is about."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.case_transfers import queries, service
from portal.complaints.models import Complaint, ComplaintKind, ComplaintOrgan, OrganPart
from portal.db import db
from portal.errors import Refusal
from portal.messages.models import Message
from portal.organs.models import Organ
from tests.factories.accounts import make_staff
from tests.factories.casework import Bench, last_staff
from tests.factories.complaints import make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def organs(app: object) -> tuple[Organ, Organ]:
    """Two organs, and one that supervises."""
    make_organ(supervises=True, name="虚构市司法局")
    pair = make_organ(name="虚构市甲局"), make_organ(name="虚构市乙局")
    db.session.commit()
    return pair


@pytest.fixture
def case(organs: tuple[Organ, Organ]) -> Complaint:
    """A report that the first organ handles."""
    return make_complaint(organ_id=organs[0].id, phone="+8613800138000")


def test_passed_on_and_given_back(case: Complaint, organs: tuple[Organ, Organ], sign_in: SignIn) -> None:
    first = Bench(sign_in(Role.CLERK, organ_id=organs[0].id), case)
    assert first.take("assign", handler=last_staff().id) == 302
    due = case.next_due_on
    answer = first.send("transfer", transfer_organ=organs[1].id, transfer_why="归乙局管")
    assert answer.location == "/staff/complaints/"
    assert first.client.get(first.address).status_code == 404
    db.session.refresh(case)
    assert (case.handler_organ_id, case.handler_id, case.next_due_on) == (organs[1].id, None, due)
    second = Bench(sign_in(Role.CLERK, organ_id=organs[1].id), case)
    assert second.take("give-back", return_why="不归我们管") == 302
    db.session.refresh(case)
    assert case.handler_organ_id == organs[0].id
    assert not first.offers("give-back")
    assert first.take("give-back", return_why="再退") == 409
    told = [(event.action, event.public, event.text) for event in case.events[2:]]
    assert told == [
        ("transfer", True, "虚构市乙局"), ("transfer-why", False, "归乙局管"),
        ("give-back", True, "虚构市甲局"), ("transfer-why", False, "不归我们管"),
    ]  # fmt: skip
    assert db.session.query(Message).order_by(Message.id.desc()).first().template == "complaint_transferred"  # type: ignore[union-attr]
    actions = [row.action for row in db.session.query(AuditEntry).filter(AuditEntry.subject == f"complaint:{case.id}")]
    assert actions == ["complaint.assign", "complaint.transfer", "complaint.give-back"]


def test_the_sender_hears_of_each_passing_on_once(case: Complaint, organs: tuple[Organ, Organ]) -> None:
    staff, other = make_staff(role=Role.SUPERVISOR), make_complaint(organ_id=organs[0].id)
    service.transfer(complaint=other, staff=staff, organ_id=organs[1].id, reason="归乙局管")
    service.transfer(complaint=case, staff=staff, organ_id=organs[1].id, reason="归乙局管")
    service.give_back(complaint=case, staff=staff, reason="不归我们管")
    service.transfer(complaint=case, staff=staff, organ_id=organs[1].id, reason="还是归乙局管")
    told = db.session.query(Message).filter(Message.template == "complaint_transferred")
    key = f"complaint-transferred:{case.id}"
    assert [row.key for row in told.order_by(Message.id)] == [key, f"{key}:2", f"{key}:3"]


@pytest.mark.parametrize("organ", ["0", "999999", "x"])
def test_no_organ_no_transfer(case: Complaint, sign_in: SignIn, organ: str) -> None:
    bench = Bench(sign_in(Role.SUPERVISOR), case)
    assert bench.take("transfer", transfer_organ=organ, transfer_why="试试") == 422
    assert [event.action for event in case.events] == ["submit"]


def test_an_organ_complained_about_gets_no_delicate_case(organs: tuple[Organ, Organ], sign_in: SignIn) -> None:
    accused, also = organs
    case = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=accused.id)
    case.organs.append(ComplaintOrgan(organ=also, part=OrganPart.SUBJECT))
    bench = Bench(sign_in(Role.SUPERVISOR), case)
    third = make_organ(name="虚构市丙局")
    for organ in organs:
        assert bench.take("transfer", transfer_organ=organ.id, transfer_why="试试") == 422
        assert bench.take("join", joint_organs=[third.id, organ.id]) == 422
    assert "虚构市丙局" in bench.page()
    db.session.refresh(case)
    assert case.handler_organ_id not in (accused.id, also.id)
    assert queries.list_joint(case) == []


def test_nothing_delicate_goes_back_to_whom_it_is_about(case: Complaint, organs: tuple[Organ, Organ]) -> None:
    staff = make_staff(role=Role.SUPERVISOR)
    service.transfer(complaint=case, staff=staff, organ_id=organs[1].id, reason="归乙局管")
    case.delicate = True
    db.session.flush()
    with pytest.raises(Refusal):
        service.give_back(complaint=case, staff=staff, reason="退回")
    assert case.handler_organ_id == organs[1].id


def test_handled_together_under_a_lead(case: Complaint, organs: tuple[Organ, Organ], sign_in: SignIn) -> None:
    lead = Bench(sign_in(Role.CLERK, organ_id=organs[0].id), case)
    joint = Bench(sign_in(Role.CLERK, organ_id=organs[1].id), case)
    assert joint.client.get(joint.address).status_code == 404
    assert lead.take("join", joint_organs=[organs[0].id]) == 422
    assert lead.take("join", joint_organs=[organs[1].id]) == 302
    assert lead.take("join", joint_organs=[organs[1].id]) == 409
    assert joint.client.get(joint.address).status_code == 200
    # The one that joins takes the lead, and is then no longer one that joins.
    assert lead.take("transfer", transfer_organ=organs[1].id, transfer_why="乙局牵头") == 302
    db.session.refresh(case)
    assert (case.handler_organ_id, queries.list_joint(case)) == (organs[1].id, [])
    assert joint.take("join", joint_organs=[organs[0].id]) == 302
    assert joint.take("join") == 302
    assert lead.client.get(lead.address).status_code == 404
