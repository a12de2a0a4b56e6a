"""Closed cases that were kept long enough: nothing personal is left in the database or on disk, figures stay."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from notifiers.expire import expire
from portal import clock, uploads
from portal.accountability.models import Accountability
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.audit.service import first_broken
from portal.calendar.rules import months_before
from portal.case_steps.service import add_note
from portal.case_types.models import AtEnd
from portal.case_types.queries import get_case_type
from portal.complaint_named.service import add_named
from portal.complaint_publication.service import Words
from portal.complaint_retention import queries, service
from portal.complaint_tracking.service import add_supplement
from portal.complaint_words.queries import may_hold
from portal.complaint_words.service import enter_missing
from portal.complaint_worklists.queries import find_cases
from portal.complaint_worklists.rules import Filters
from portal.complaints.models import Complaint, ComplaintState, Finding
from portal.db import db
from portal.messages.models import Message
from portal.reply_drafts import service as drafts
from portal.settings import Settings
from tests.factories.accounts import make_staff
from tests.factories.complaints import make_complaint
from tests.factories.everything import stage_picture
from tests.factories.organs import make_organ
from tests.factories.published_answers import make_published

SignIn = Callable[..., FlaskClient]
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon() -> Any:
    """Stand still, so that months end where the test says."""
    with time_machine.travel(NOW, tick=False):
        yield


def make_closed(months: int = 60, *, days: int = 1, **values: Any) -> Complaint:
    """Return a case that was closed some months and days ago, with all that a case can hold."""
    staged = stage_picture()
    case = make_complaint(
        organ_id=make_organ().id, phone="+8613800138000", facts="城东市场的摊位", files=[staged], **values
    )
    add_supplement(complaint_id=case.id, text="补充说明")
    staff = make_staff(role=Role.SUPERVISOR)
    case.state = ComplaintState.ACCEPTED
    drafts.save_draft(complaint=case, staff=staff, reply=drafts.Reply(text="草稿"))
    add_note(complaint=case, staff=staff, note="备注")
    add_named(complaint=case, account_id=make_staff().id, card="", reason="是他", staff=staff)
    db.session.add(
        Accountability(complaint=case, ground="x", facts="事实", opened_by_id=staff.id, closed_at=clock.now())
    )
    case.state, case.next_due_on, case.finding, case.grade = ComplaintState.CLOSED, None, Finding.FOUNDED, 2
    case.answer = "答复正文"
    case.closed_at = clock.start_of(months_before(clock.today(), months)) - timedelta(days=days)
    db.session.flush()
    enter_missing()
    return case


def rows_of(case_id: int) -> dict[str, list[Any]]:
    """Return every row that belongs to a case, by table."""
    found = {}
    for table, key in queries.list_dependents():
        if rows := db.session.execute(sa.select(table).where(key == case_id)).mappings().all():
            found[table.name] = list(rows)
    return found


def test_a_case_leaves_nothing_but_what_is_counted(app: Flask, settings: Settings) -> None:
    case, kept = make_closed(), make_closed(days=-1)
    token, key = case.files[0].token, case.data_key
    db.session.commit()
    assert {"complaint_event", "complaint_file", "complaint_named", "reply_draft", "accountability"} <= set(
        rows_of(case.id)
    )
    assert expire() == 1
    db.session.expire_all()
    assert case.erased_at == clock.now()
    counted = (case.kind, case.state, case.organ_id, case.category, case.finding, case.grade, case.channel)
    assert counted == (kept.kind, kept.state, case.organ_id, kept.category, kept.finding, kept.grade, kept.channel)
    assert (case.facts, case.answer, case.sender_name, case.contact_id, case.external_number) == (
        "",
        "",
        "",
        None,
        None,
    )
    assert case.data_key != key
    left = rows_of(case.id)
    assert set(left) & service.DROPPED == set()
    for name, rows in left.items():
        sealed = [value for row in rows for column, value in row.items() if column.endswith("_sealed")]
        assert sealed == [None] * len(sealed), name
    assert not any(token in path.name for path in Path(settings.data_dir).rglob("*"))
    assert kept.facts == "城东市场的摊位"
    assert uploads.read_kept(kept.files[0].token, kept.files[0].sha256)
    assert db.session.scalars(sa.select(Complaint.id).where(may_hold("城东市场"))).all() == [kept.id]
    assert find_ids("城东市场") == [kept.id]
    assert find_ids(case.number) == []


def find_ids(words: str) -> list[int]:
    """Return the cases in which a supervisor finds words."""
    found = find_cases(Filters(words=words), make_staff(role=Role.SUPERVISOR), clock.today(), 1)
    return [row[0].id for row in found.page.items]


def test_every_sealed_column_about_a_case_is_known(app: Flask) -> None:
    """Whoever adds a table that hangs on a case, or a column to it, has to seal what is personal under such a name."""
    for table, _key in queries.list_dependents():
        for column in table.columns:
            if isinstance(column.type, sa.LargeBinary) and table.name not in service.DROPPED:
                assert column.name.endswith("_sealed"), f"{table.name}.{column.name} would be left"
                assert column.nullable, f"{table.name}.{column.name} cannot be emptied"


def test_messages_lead_to_nobody(app: Flask) -> None:
    case, kept = make_closed(), make_closed(days=-1)
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Message))
    db.session.commit()
    expire()
    db.session.expire_all()
    messages = db.session.scalars(sa.select(Message)).all()
    assert len(messages) == before
    about = [row for row in messages if row.subject == f"complaint:{kept.id}"]
    assert about
    assert all(row.contact_id for row in about)
    others = [row for row in messages if row not in about]
    assert {(row.subject, row.contact_id, row.text) for row in others} == {(service.NO_CASE, None, "")}
    assert not any(str(case.id) in row.key.split(":")[1:] and "complaint" in row.key for row in others)


def test_a_kind_can_be_deleted_instead(app: Flask) -> None:
    get_case_type("report").at_end = AtEnd.DELETE
    case, other = make_closed(), make_closed(days=-1)
    other.merged_into_id = case.id
    case_id = case.id
    db.session.commit()
    assert expire() == 1
    db.session.expire_all()
    assert db.session.scalar(sa.select(sa.func.count()).where(Complaint.id == case_id)) == 0
    assert rows_of(case_id) == {}
    assert db.session.scalar(sa.select(sa.func.count(Complaint.merged_into_id))) == 0
    trace = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (trace.action, trace.subject, trace.staff_id) == ("complaint.delete", f"complaint:{case_id}", None)
    assert first_broken() is None


def test_months_are_those_of_the_kind_and_open_cases_stay(app: Flask) -> None:
    kind = get_case_type("report")
    early, late = make_closed(12), make_closed(24)
    open_case = make_closed(200)
    open_case.closed_at = None
    called = make_closed(200)
    db.session.execute(sa.update(Accountability).where(Accountability.complaint_id == called.id).values(closed_at=None))
    kind.keep_months = 24
    db.session.commit()
    assert service.retain_some(clock.today()) == 1
    db.session.commit()
    db.session.expire_all()
    erased = [row.erased_at is not None for row in (early, late, open_case, called)]
    assert erased == [False, True, False, False]


def test_whoever_is_cut_off_goes_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [make_closed() for _ in range(3)]
    db.session.commit()
    monkeypatch.setattr(service, "AT_ONCE", 2)
    with monkeypatch.context() as broken:
        broken.setattr("portal.audit.service.record", lambda *_args, **_rest: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            expire()
    db.session.rollback()
    db.session.expire_all()
    assert [case.erased_at for case in cases] == [None] * 3
    assert expire() == 3
    assert expire() == 0
    db.session.expire_all()
    assert all(case.erased_at for case in cases)
    assert db.session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "complaint.anonymise")) == 3


def test_command_counts_first_and_names_nobody(app: Flask) -> None:
    case = make_closed()
    db.session.commit()
    runner = app.test_cli_runner()
    told = runner.invoke(args=["complaints", "retain", "--dry-run", "--json"])
    assert json.loads(told.output) == {"would end": 1, "report (anonymise)": 1}
    db.session.expire_all()
    assert not case.erased_at
    assert json.loads(runner.invoke(args=["complaints", "retain", "--json"]).output) == {"ended": 1}
    assert db.session.scalar(sa.select(sa.func.count(Complaint.erased_at))) == 1


def test_what_is_published_of_it_can_still_be_taken_back(client: FlaskClient, sign_in: SignIn) -> None:
    case = make_closed(publish_consent=True)
    published = make_published(case, Words("标题", "问", "答"))
    db.session.commit()
    assert service.retain_some(clock.today()) == 1
    db.session.commit()
    assert client.get(f"/answers/{published.id}").status_code == 200
    office = sign_in(Role.SUPERVISOR)
    assert case.number in office.get("/staff/complaint-publication/?view=released").text
    address = f"/staff/complaint-publication/{case.id}"
    assert office.get(address).status_code == 200
    assert office.post(f"{address}/withdraw", data={"reason": "误发"}).status_code == 303
    assert client.get(f"/answers/{published.id}").status_code == 410


def test_what_is_published_of_a_case_goes_when_all_of_it_does(client: FlaskClient) -> None:
    case = make_closed(publish_consent=True)
    get_case_type("report").at_end = AtEnd.DELETE
    published = make_published(case, Words("标题", "问", "答"))
    db.session.commit()
    assert service.retain_some(clock.today()) == 1
    db.session.commit()
    assert db.session.query(Complaint).count() == 0
    assert client.get(f"/answers/{published.id}").status_code == 410
