"""Nobody handles a complaint about their own organ: for its clerks such a complaint is not there at all."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.complaints import queries
from portal.complaints.models import Complaint, ComplaintFile, ComplaintKind
from portal.db import db
from tests.factories.accounts import make_staff
from tests.factories.complaints import make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def accused(app: Flask) -> Complaint:
    """A complaint about conduct in an organ, with a file."""
    organ = make_organ()
    make_organ(supervises=True)
    complaint = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=organ.id)
    file = ComplaintFile(
        complaint=complaint, token="0" * 32, name="a.pdf", media_type="application/pdf", size=1, sha256="0" * 64
    )
    db.session.add(file)
    db.session.commit()
    return complaint


def routes(app: Flask) -> list[tuple[str, str]]:
    """Return every route of the staff side that takes a complaint: method and rule."""
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("staff.complaints.") and "<int:complaint_id>" in rule.rule
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


@pytest.mark.parametrize("role", [Role.CLERK, Role.SUPERVISOR])
def test_every_route_is_shut_to_the_organ_complained_about(
    app: Flask, accused: Complaint, sign_in: SignIn, role: Role
) -> None:
    staff = sign_in(role, organ_id=accused.organ_id)
    found = routes(app)
    assert len(found) >= 8
    for method, rule in found:
        address = rule.replace("<int:complaint_id>", str(accused.id)).replace("<int:file_id>", str(accused.files[0].id))
        for data in ({}, {"go": "send", "answer": "x", "reason": "x", "note": "x", "why": "x", "handler": "1"}):
            answer = staff.open(address, method=method, data=data if method == "POST" else None)
            assert answer.status_code == 404, (method, address)
    for query in ("", f"?q={accused.number}", "?view=unassigned"):
        assert f"/staff/complaints/{accused.id}" not in staff.get(f"/staff/complaints/{query}").text


def test_supervisors_see_and_handle_it(accused: Complaint, sign_in: SignIn) -> None:
    supervisor = sign_in(Role.SUPERVISOR, organ_id=accused.handler_organ_id)
    assert accused.number in supervisor.get("/staff/complaints/").text
    assert supervisor.get(f"/staff/complaints/{accused.id}").status_code == 200


def test_clerks_of_the_supervising_organ_do_not(accused: Complaint, sign_in: SignIn) -> None:
    clerk = sign_in(Role.CLERK, organ_id=accused.handler_organ_id)
    assert clerk.get(f"/staff/complaints/{accused.id}").status_code == 404


def test_reviewers_have_no_business_here(accused: Complaint, sign_in: SignIn) -> None:
    assert sign_in(Role.REVIEWER, organ_id=accused.organ_id).get("/staff/complaints/").status_code == 403


def test_where_a_complaint_goes(app: Flask) -> None:
    organ, supervisor = make_organ(), make_organ(supervises=True)
    clerk = make_staff(role=Role.CLERK, organ_id=organ.id)
    for kind, officer, to_organ in (
        (ComplaintKind.CONDUCT, "", False),
        (ComplaintKind.REPORT, "", True),
        (ComplaintKind.REPORT, "张某", False),
        (ComplaintKind.QUESTION, "", True),
        (ComplaintKind.SUGGESTION, "", True),
    ):
        complaint = make_complaint(kind=kind, organ_id=organ.id, officer=officer)
        assert complaint.handler_organ_id == (organ.id if to_organ else supervisor.id)
        mine = sa.select(Complaint.id).where(queries.visible_to(clerk), Complaint.id == complaint.id)
        assert (db.session.scalar(mine) is not None) is to_organ


def test_unknown_organ_goes_to_the_supervisors(app: Flask) -> None:
    supervisor = make_organ(supervises=True)
    assert make_complaint(kind=ComplaintKind.REPORT).handler_organ_id == supervisor.id


def test_a_complaint_about_the_supervising_organ_is_for_others(app: Flask) -> None:
    supervisor = make_organ(supervises=True)
    complaint = make_complaint(kind=ComplaintKind.CONDUCT, organ_id=supervisor.id)
    inside = make_staff(role=Role.SUPERVISOR, organ_id=supervisor.id)
    admin = make_staff(role=Role.ADMIN)
    assert complaint.handler_organ_id is None
    assert [row.id for row in queries.list_assignable(complaint)] == [admin.id]
    assert not db.session.query(Complaint).filter(queries.visible_to(inside)).all()
