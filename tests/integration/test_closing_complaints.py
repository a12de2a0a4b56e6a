"""Answered cases are closed by themselves once nobody can reopen them any more."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from notifiers import expire
from portal.audit.models import AuditEntry
from portal.case_steps import service
from portal.complaints.models import Complaint, ComplaintState
from portal.db import db
from portal.rectifications.service import open_rectification
from tests.factories.complaints import make_complaint

# The answer came on 2 November at 23:30 in the city; a report can be reopened until 2 December.
ANSWERED_AT = datetime(2026, 11, 2, 15, 30, tzinfo=UTC)


@pytest.fixture
def answered(app: Flask) -> Complaint:
    """A report with an answer."""
    complaint = make_complaint(state=ComplaintState.ANSWERED)
    complaint.answered_at = ANSWERED_AT
    db.session.flush()
    return complaint


def test_closed_on_the_day_after_the_last_one_to_reopen(answered: Complaint) -> None:
    assert service.close_some(date(2026, 12, 2)) == 0
    assert answered.state is ComplaintState.ANSWERED
    assert service.close_some(date(2026, 12, 3)) == 1
    assert (answered.state, answered.closed_at is None) == (ComplaintState.CLOSED, False)
    assert [(event.action, event.public) for event in answered.events] == [("submit", True), ("close", True)]
    assert service.close_some(date(2026, 12, 4)) == 0


def test_not_while_a_bad_grade_is_being_put_right(answered: Complaint) -> None:
    answered.grade = 1
    opened = open_rectification(complaint=answered)
    assert service.close_some(date(2026, 12, 3)) == 0
    opened.closed_at = ANSWERED_AT
    assert service.close_some(date(2026, 12, 3)) == 1


def test_what_ended_otherwise_keeps_its_state(app: Flask) -> None:
    ended = [make_complaint(state=state) for state in service.ENDED]
    still = [make_complaint(state=state) for state in (ComplaintState.SUBMITTED, ComplaintState.ACCEPTED)]
    assert service.close_some(date(2026, 11, 23)) == len(ended)
    assert [complaint.state for complaint in ended] == list(service.ENDED)
    assert all(complaint.closed_at for complaint in ended)
    assert not any(complaint.closed_at for complaint in still)


def test_the_nightly_job_closes_batch_by_batch(answered: Complaint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 2)
    for _ in range(4):
        make_complaint(state=ComplaintState.ANSWERED).answered_at = datetime(2020, 1, 1, tzinfo=UTC)
    answered.answered_at = datetime(2020, 1, 1, tzinfo=UTC)
    # A kind of case from before there were any is of the kind that its sender chose.
    answered.case_type_key = None
    db.session.commit()
    assert expire.expire() == 5
    db.session.expire_all()
    assert {complaint.state for complaint in db.session.query(Complaint)} == {ComplaintState.CLOSED}
    assert db.session.query(AuditEntry).filter_by(action="complaint.close").count() == 5
