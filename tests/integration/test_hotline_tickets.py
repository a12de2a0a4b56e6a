"""Tickets of the hotline become complaints: with their own day and clock, once, and hidden where they must be."""

from collections.abc import Callable, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.complaints.models import Channel, Complaint, ComplaintKind
from portal.db import db
from portal.hotline_imports.importer import TICKETS
from portal.i18n import speaking
from portal.imports.importer import commit_draft
from portal.messages.models import Message
from portal.sealed_files import is_sealed
from portal.settings import Settings
from tests.factories.organs import make_organ
from tests.factories.spreadsheets import write_xlsx

SignIn = Callable[..., FlaskClient]
TICKET = {
    "工单编号*": "12345-虚构-0001",
    "受理时间": "2026-11-20 09:31:05",
    "诉求类型": "举报",
    "标题": "夜间烧烤油烟",
    "诉求内容（必填）": "虚构：楼下烧烤店夜里油烟很大。",
    "被反映单位": "虚构市城市管理局",
    "事发地址": "虚构路 8 号",
    "来电人": "王虚构",
    "联系电话": "13800138000",
    "是否保密": "否",
}


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel("2026-11-23T10:00:00+08:00", tick=False):
        yield


def sheet(folder: Path, *changes: Mapping[str, str]) -> Path:
    """Write a spreadsheet of tickets that differ so from the usual one."""
    rows = [TICKET | dict(change) for change in changes]
    return write_xlsx(folder / "tickets.xlsx", [list(TICKET), *(list(row.values()) for row in rows)])


def bring_in(folder: Path, *changes: Mapping[str, str]) -> tuple[dict[str, int], list[str]]:
    """Import tickets as a person does who agrees to the preview; return figures and what was left out or told."""
    path = sheet(folder, *changes)
    known = TICKETS.load_known(None)
    draft = TICKETS.read_file(path, known)
    counts, _refused = commit_draft(TICKETS, draft, known)
    db.session.commit()
    with speaking("en"):
        told = [f"{item.row} {item.field} {item.reasons[0]}" for item in (*draft.rejected, *draft.remarks)]
    return counts, told


def only() -> Complaint:
    """Return the one complaint there is."""
    return db.session.scalars(sa.select(Complaint)).one()


def test_a_ticket_is_a_complaint_with_its_own_day_and_clock(app: object, tmp_path: Path) -> None:
    organ = make_organ(name="虚构市城市管理局")
    counts, told = bring_in(tmp_path, {})
    found = only()
    assert counts == {"imported": 1, "changed": 0, "unchanged": 0, "rejected": 0}
    assert told == []
    assert (found.channel, found.kind) == (Channel.HOTLINE, ComplaintKind.REPORT)
    assert found.external_number == "12345-虚构-0001"
    assert (found.organ_id, found.handler_organ_id) == (organ.id, organ.id)
    assert found.facts == "夜间烧烤油烟\n虚构：楼下烧烤店夜里油烟很大。"
    assert (found.sender_name, found.contact and found.contact.phone) == ("王虚构", "+8613800138000")
    # The day on which it was received counts, not the day of the import: five working days after Friday the 20th.
    assert (found.clock_from_on, found.accept_due_on) == (date(2026, 11, 20), date(2026, 11, 27))


def test_nobody_gets_a_text_or_a_code(app: object, tmp_path: Path) -> None:
    bring_in(tmp_path, {})
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Message)) == 0
    assert only().code_sealed is None


def test_a_second_import_changes_nothing(app: object, tmp_path: Path) -> None:
    bring_in(tmp_path, {})
    counts, _told = bring_in(tmp_path, {"诉求内容（必填）": "别的内容"}, {"工单编号*": "12345-虚构-0002"})
    assert (counts["imported"], counts["unchanged"]) == (1, 1)
    first = db.session.scalars(sa.select(Complaint).order_by(Complaint.id)).first()
    assert first is not None
    assert first.facts.endswith("油烟很大。")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"工单编号*": ""}, "工单编号 Nothing is entered here."),
        ({"诉求内容（必填）": "无"}, "诉求内容 Nothing is entered here."),
        ({"诉求内容（必填）": "长" * 10_001}, "诉求内容 The text is too long."),
        ({"受理时间": "昨天"}, "受理时间 This is not a day."),
        ({"受理时间": "2026-11-24"}, "受理时间 This day is ahead of today."),
    ],
)
def test_rows_with_a_fault_are_left_out_with_the_reason(
    app: object, tmp_path: Path, change: Mapping[str, str], told: str
) -> None:
    counts, reasons = bring_in(tmp_path, change, {"工单编号*": "good"})
    assert (counts["imported"], counts["rejected"]) == (1, 1)
    assert reasons[0].startswith(f"2 {told}")


def test_the_same_ticket_twice_in_a_file_is_taken_once(app: object, tmp_path: Path) -> None:
    counts, reasons = bring_in(tmp_path, {}, {})
    assert (counts["imported"], counts["rejected"]) == (1, 1)
    assert "further up" in reasons[0]


def test_what_cannot_be_read_never_keeps_a_ticket_out(app: object, tmp_path: Path) -> None:
    make_organ(supervises=True)
    change = {"诉求类型": "其他", "被反映单位": "不存在局", "联系电话": "0391-1234567", "是否保密": "看情况"}
    counts, reasons = bring_in(tmp_path, change)
    found = only()
    assert counts["imported"] == 1
    assert {reason.split(" ")[1] for reason in reasons} == {"诉求类型", "被反映单位", "是否保密"}
    # What it is about is not known, so that only supervisors see it; and the caller, who may want it, stays anonymous.
    assert (found.kind, found.delicate, found.anonymous, found.sender_name) == (ComplaintKind.CONDUCT, True, True, "")
    assert found.identity_sealed is None


def test_a_landline_is_kept_to_be_called(app: object, tmp_path: Path) -> None:
    bring_in(tmp_path, {"联系电话": "0391-1234567"})
    assert (only().contact_id, only().sender_address) == (None, "0391-1234567")


def test_a_file_that_waits_is_sealed(sign_in: SignIn, tmp_path: Path, settings: Settings) -> None:
    book = sheet(tmp_path, {})
    plain = tmp_path / "plain.csv"
    plain.write_text("工单编号,诉求内容,来电人\n1,虚构的事,王虚构\n", encoding="utf-8")
    supervisor = sign_in(Role.SUPERVISOR)
    for content in (book, plain):
        data = {"file": (BytesIO(content.read_bytes()), content.name)}
        answer = supervisor.post("/staff/complaints/import", data=data, content_type="multipart/form-data")
        assert "虚构" in supervisor.get(answer.location).text
    kept = [path for path in (settings.data_dir / "imports").iterdir() if path.is_file()]
    assert len(kept) == 2
    assert all("王虚构".encode() not in path.read_bytes() and is_sealed(path) for path in kept)


def test_in_the_browser_only_supervisors_bring_them_in(sign_in: SignIn, tmp_path: Path) -> None:
    organ = make_organ(name="虚构市城市管理局")
    assert sign_in(Role.CLERK, organ_id=organ.id).get("/staff/complaints/import").status_code == 403
    supervisor = sign_in(Role.SUPERVISOR)
    assert "/staff/complaints/import" in supervisor.get("/staff/complaints/").text
    upload = {"file": (BytesIO(sheet(tmp_path, {}, {"工单编号*": ""}).read_bytes()), "tickets.xlsx")}
    preview = supervisor.post("/staff/complaints/import", data=upload, content_type="multipart/form-data")
    assert preview.status_code == 303
    page = supervisor.get(preview.location).text
    assert "12345-虚构-0001" in page
    assert "13800138000" not in page
    done = supervisor.post(preview.location)
    assert done.status_code in (302, 303)
    assert only().registered_by_id is not None
    assert "王虚构" not in supervisor.get("/staff/complaints/").text
