"""Staff import a spreadsheet in the browser, find permits, confirm renewals and make calls."""

import os
import re
import time
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.calls.models import Call
from portal.db import db
from portal.imports.models import SpreadsheetImport
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.permits import service
from portal.permits.models import Permit, PermitStatus
from portal.settings import Settings
from tests.factories.organs import make_organ
from tests.factories.parties import make_party
from tests.factories.permits import make_permit
from tests.factories.spreadsheets import ORGAN, as_table, make_row, write_xlsx

SignIn = Callable[..., FlaskClient]
TODAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def frozen_day() -> object:
    with time_machine.travel("2026-11-23T10:00:00+08:00", tick=False):
        yield


def upload(client: FlaskClient, path: Path, name: str = "permits.xlsx") -> str:
    """Upload a file; return the address of its preview."""
    answer = client.post("/staff/permits/import", data={"file": (BytesIO(path.read_bytes()), name)})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def count_permits() -> int:
    return db.session.scalar(sa.select(sa.func.count(Permit.id))) or 0


def test_preview_then_commit(sign_in: SignIn, settings: Settings, tmp_path: Path) -> None:
    client = sign_in(Role.SUPERVISOR)
    rows = [make_row(1), make_row(2), make_row(3, 联系电话="0391-1234567")]
    path = write_xlsx(tmp_path / "permits.xlsx", as_table(rows))
    preview = upload(client, path)
    page = client.get(f"{preview}?lang=en")
    assert page.status_code == 200
    assert "Import 2 rows" in page.text
    assert "This is a landline" in page.text
    assert re.search(r">\s*4\s*</td>", page.text)
    assert "13800130001" not in page.text
    assert count_permits() == 0
    assert len(os.listdir(settings.data_dir / "imports")) == 1
    answer = client.post(preview)
    assert answer.status_code == 303
    assert count_permits() == 2
    result = client.get(f"{preview}?lang=en").text
    assert "Import finished" in result
    report = client.get(f"{preview}/errors.csv")
    assert report.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert report.data.startswith(b"\xef\xbb\xbf")
    assert "4,联系电话" in report.get_data(as_text=True)
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "permits.import")).one()
    assert entry.details == {"imported": 2, "changed": 0, "unchanged": 0, "rejected": 1}


def test_second_commit_and_second_upload_change_nothing(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(Role.SUPERVISOR)
    path = write_xlsx(tmp_path / "permits.xlsx", as_table([make_row(1)]))
    preview = upload(client, path)
    assert client.post(preview).status_code == 303
    assert client.post(preview).status_code == 303
    assert count_permits() == 1
    again = client.get(f"{upload(client, path)}?lang=en").text
    assert "no row is new or changed" in again


def test_a_clerk_imports_only_for_the_own_organ(sign_in: SignIn, tmp_path: Path) -> None:
    organ = make_organ(name=ORGAN)
    client = sign_in(Role.CLERK, organ_id=organ.id)
    rows = [make_row(1), make_row(2, 许可机关="虚构市农业农村局")]
    preview = upload(client, write_xlsx(tmp_path / "permits.xlsx", as_table(rows)))
    assert "belongs to another organ" in client.get(f"{preview}?lang=en").text
    client.post(preview)
    assert db.session.scalars(sa.select(Permit.organ_id)).all() == [organ.id]


def test_an_import_is_seen_only_by_whoever_uploaded_it(sign_in: SignIn, tmp_path: Path) -> None:
    preview = upload(sign_in(Role.SUPERVISOR), write_xlsx(tmp_path / "permits.xlsx", as_table([make_row(1)])))
    stranger = sign_in(Role.SUPERVISOR)
    assert stranger.get(preview).status_code == 404
    assert stranger.post(preview).status_code == 404
    assert count_permits() == 0


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "The file is empty."),
        (b"<html><table></table></html>", 422, "web page"),
        (b"PK\x03\x04 torn", 422, "broken"),
        (b"a,b\n1,2\n", 422, "No row of headings"),
        (b"x" * (33 * 1024 * 1024), 413, "larger than 32 MB"),
    ],
    ids=["empty", "html", "torn", "no headings", "too large"],
)
def test_bad_files_are_refused_on_the_form(
    sign_in: SignIn, settings: Settings, content: bytes, status: int, words: str
) -> None:
    client = sign_in(Role.SUPERVISOR)
    answer = client.post("/staff/permits/import?lang=en", data={"file": (BytesIO(content), "permits.xlsx")})
    assert answer.status_code == status
    assert words in answer.text
    assert os.listdir(settings.data_dir / "imports") == []
    assert db.session.scalar(sa.select(sa.func.count(SpreadsheetImport.id))) == 0


def test_no_file_and_far_too_large(sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    assert client.post("/staff/permits/import", data={}).status_code == 422
    answer = client.post("/staff/permits/import", data={"file": (BytesIO(b"x" * (65 * 1024 * 1024)), "a.xlsx")})
    assert answer.status_code == 413


def test_uploads_are_forgotten_after_a_day(sign_in: SignIn, settings: Settings, tmp_path: Path) -> None:
    client = sign_in(Role.SUPERVISOR)
    path = write_xlsx(tmp_path / "permits.xlsx", as_table([make_row(1)]))
    first = upload(client, path)
    for kept in (settings.data_dir / "imports").iterdir():
        os.utime(kept, (time.time() - 90_000, time.time() - 90_000))
    upload(client, path)
    assert len(os.listdir(settings.data_dir / "imports")) == 1
    assert client.get(first).status_code == 404


def test_list_filters(sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    make_permit(valid_to=TODAY + timedelta(days=45), party=make_party(name="虚构快到期店"))
    make_permit(valid_to=TODAY + timedelta(days=400), party=make_party(name="虚构还早店"))
    make_permit(valid_to=TODAY + timedelta(days=10), party=make_party(name="虚构已误店"))
    late = client.get("/staff/permits/?window=late&lang=en").text
    assert "虚构已误店" in late
    assert "虚构快到期店" not in late
    soon = client.get("/staff/permits/?window=soon").text
    assert "虚构快到期店" in soon
    assert "虚构还早店" not in soon
    assert "虚构还早店" in client.get("/staff/permits/?q=还早").text
    assert "虚构还早店" not in client.get("/staff/permits/?q=%25&lang=en").text
    assert client.get("/staff/permits/?type=x&organ=y&window=z&page=0").status_code == 200


def test_a_clerk_sees_only_permits_of_the_own_organ(sign_in: SignIn) -> None:
    mine, other = make_permit(valid_to=date(2027, 6, 1)), make_permit(valid_to=date(2027, 6, 1))
    client = sign_in(Role.CLERK, organ_id=mine.organ_id)
    page = client.get(f"/staff/permits/?organ={other.organ_id}").text
    assert mine.party.name in page
    assert other.party.name not in page
    assert client.get(f"/staff/permits/{mine.id}").status_code == 200
    assert client.get(f"/staff/permits/{other.id}").status_code == 404
    assert client.post(f"/staff/permits/{other.id}/revoke").status_code == 404
    assert other.status is PermitStatus.VALID


def test_page_says_when_by_which_law_and_what_was_sent(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2026, 12, 31))
    outbox.enqueue(
        key="k", template="permit_renewal", subject=f"permit:{permit.id}", contact_id=permit.contact_id, values={}
    )
    page = sign_in(Role.SUPERVISOR).get(f"/staff/permits/{permit.id}?lang=en").text
    assert "Last day to apply: 1 December 2026" in page
    assert "虚构条例 第一条" in page
    assert "30 days before" in page
    assert "Queued" in page
    assert permit.contact is not None
    assert permit.contact.phone.removeprefix("+86") not in page


def test_page_names_no_next_reminder_for_a_reader_who_stopped_them(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2026, 12, 31))
    permit.next_reminder_on = TODAY + timedelta(days=5)
    client, address = sign_in(Role.SUPERVISOR), f"/staff/permits/{permit.id}?lang=en"
    assert "Next reminder: 28 November 2026" in client.get(address).text
    assert permit.contact is not None
    permit.contact.opted_out_at = clock.now()
    page = client.get(address).text
    assert "Stopped by reader" in page
    assert "Next reminder" not in page


def test_reported_renewal_is_confirmed_by_staff(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2026, 12, 31))
    outbox.enqueue(key="k", template="permit_renewal", subject=f"permit:{permit.id}", contact_id=None, values={})
    service.report_renewal(permit.id, None)
    assert permit.next_reminder_on is None
    assert db.session.scalars(sa.select(Message.state)).all() == [MessageState.VOID]
    client = sign_in(Role.CLERK, organ_id=permit.organ_id)
    assert "The holder says the renewal is done" in client.get(f"/staff/permits/{permit.id}?lang=en").text
    assert client.post(f"/staff/permits/{permit.id}/renewed").status_code == 302
    db.session.refresh(permit)
    assert permit.status is PermitStatus.RENEWED
    assert client.post(f"/staff/permits/{permit.id}/revoke").status_code == 302
    db.session.refresh(permit)
    assert permit.status is PermitStatus.RENEWED
    assert "closed already" in client.get(f"/staff/permits/{permit.id}?lang=en").text


def test_denied_report_goes_on_reminding(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2026, 12, 31))
    service.report_renewal(permit.id, None)
    sign_in(Role.SUPERVISOR).post(f"/staff/permits/{permit.id}/not-renewed")
    db.session.refresh(permit)
    assert (permit.renewal_reported_at, permit.next_reminder_on) == (None, date(2026, 11, 24))


def test_a_permit_shows_its_calls_and_old_links_find_the_list(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2026, 12, 31))
    service.ask_for_call(permit.id, None, "asked")
    call = db.session.scalars(sa.select(Call)).one()
    client = sign_in(Role.CLERK, organ_id=permit.organ_id)
    page = client.get(f"/staff/permits/{permit.id}?lang=en").text
    assert "Asked for a call" in page
    done = client.post(f"/staff/calls/{call.id}?back=record", data={"result": "会去办理"})
    assert done.headers["Location"] == f"/staff/permits/{permit.id}"
    assert "会去办理" in client.get(f"/staff/permits/{permit.id}").text
    moved = client.get("/staff/permits/calls?view=done")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/staff/calls/?view=done")


def test_a_reviewer_may_look_but_not_act(sign_in: SignIn) -> None:
    permit = make_permit(valid_to=date(2026, 12, 31))
    client = sign_in(Role.REVIEWER, organ_id=permit.organ_id)
    assert client.get(f"/staff/permits/{permit.id}").status_code == 200
    for path in (f"/staff/permits/{permit.id}/revoke", "/staff/permits/import"):
        assert client.post(path).status_code == 403


def test_expired_and_closed_permits_are_out_of_the_way_but_found(sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    make_permit(valid_to=TODAY - timedelta(days=1), party=make_party(name="虚构已到期店"))
    closed = make_permit(valid_to=date(2027, 6, 1), party=make_party(name="虚构已延续店"))
    closed.status = PermitStatus.RENEWED
    front = client.get("/staff/permits/").text
    assert "虚构已到期店" not in front
    assert "虚构已延续店" not in front
    for name in ("已到期", "已延续店"):
        assert f"虚构{name}" in client.get(f"/staff/permits/?q={name}").text
        assert f"虚构{name}" in client.get("/staff/permits/?window=closed").text
