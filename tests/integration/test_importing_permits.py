"""A spreadsheet of permits is brought in from the shell: good rows are kept, bad ones named, nothing twice."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.contacts.models import Contact
from portal.db import db
from portal.messages import outbox
from portal.messages.models import Message, MessageState
from portal.organs.models import Organ
from portal.parties.models import Party, PartyKind
from portal.permits.models import Permit, PermitStatus, PermitType
from portal.permits.service import load_facts, revoke
from tests.factories.spreadsheets import (
    ORGAN,
    as_table,
    make_code,
    make_row,
    write_csv,
    write_xls,
    write_xlsx,
)

Run = Callable[..., dict[str, Any]]
Table = Sequence[Sequence[Any]]


@pytest.fixture
def run(app: Flask) -> Run:
    """Import a file as the shell does; return the result."""

    def importing(path: Path, *, exit_code: int = 0) -> dict[str, Any]:
        db.session.commit()
        result = app.test_cli_runner().invoke(args=["import", "permits", str(path), "--json"])
        db.session.expire_all()
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout) if exit_code == 0 else {"error": result.stderr}

    return importing


def import_rows(run: Run, folder: Path, *rows: dict[str, Any]) -> dict[str, Any]:
    return run(write_xlsx(folder / "permits.xlsx", as_table(rows)))


def only_permit() -> Permit:
    return db.session.scalars(sa.select(Permit)).one()


def test_result_has_exactly_the_promised_form(run: Run, tmp_path: Path) -> None:
    result = import_rows(run, tmp_path, make_row(1), make_row(2, 联系电话=""))
    assert result == {
        "imported": 1,
        "changed": 0,
        "unchanged": 0,
        "rejected": [{"row": 3, "field": "联系电话", "reason": "There is no phone number."}],
    }


def test_a_row_becomes_permit_party_contact_and_organ(run: Run, tmp_path: Path) -> None:
    import_rows(run, tmp_path, make_row(1))
    permit = only_permit()
    assert (permit.number, permit.valid_from, permit.valid_to) == ("JY000001", date(2023, 1, 5), date(2026, 12, 31))
    assert permit.permit_type.code == "public-place-hygiene"
    assert permit.window is not None
    assert permit.window.article == "第二十七条"
    assert permit.last_apply_on == date(2026, 12, 1)
    assert permit.next_reminder_on == date(2026, 11, 1)
    assert permit.contact is not None
    assert permit.contact.phone == "+8613800130001"
    assert (permit.party.name, permit.party.kind) == ("虚构食品店1", PartyKind.SOLE_TRADER)
    assert (permit.party.credit_code, permit.party.industry, permit.party.street) == (make_code(1), "住宿", "大定街道")
    assert (permit.organ.name, permit.organ.confirmed) == (ORGAN, False)


def write_excel_text(path: Path, table: Table) -> Path:
    return write_csv(path, table, encoding="utf-16", delimiter="\t")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("permits.xlsx", write_xlsx),
        ("permits.xls", write_xls),
        ("named-xls.xls", write_xlsx),
        ("named-xlsx.xlsx", write_xls),
        ("csv-named.xlsx", write_csv),
        ("plain.csv", write_csv),
        ("mark.csv", lambda path, table: write_csv(path, table, encoding="utf-8-sig")),
        ("office.csv", lambda path, table: write_csv(path, table, encoding="gb18030")),
        ("semicolons.csv", lambda path, table: write_csv(path, table, delimiter=";")),
        ("tabs.txt", lambda path, table: write_csv(path, table, delimiter="\t")),
        ("bars.csv", lambda path, table: write_csv(path, table, delimiter="|", encoding="gb18030")),
        ("unicode.txt", write_excel_text),
    ],
)
def test_every_form_of_file_is_read(run: Run, tmp_path: Path, name: str, write: Callable[[Path, Table], Path]) -> None:
    rows = [make_row(1), make_row(2, 联系电话="0391-1234567"), make_row(3, 有效期至=date(2027, 6, 30))]
    result = run(write(tmp_path / name, as_table(rows)))
    assert (result["imported"], [item["row"] for item in result["rejected"]]) == (2, [3])
    assert db.session.scalar(sa.select(sa.func.max(Permit.valid_to))) == date(2027, 6, 30)


def test_the_same_file_again_changes_nothing(run: Run, tmp_path: Path) -> None:
    rows = [make_row(number) for number in range(1, 6)] + [make_row(6, 行政相对人类别="自然人", 统一社会信用代码="")]
    import_rows(run, tmp_path, *rows)
    before = db.session.execute(sa.select(Permit.__table__).order_by(Permit.id)).all()
    result = import_rows(run, tmp_path, *rows)
    assert (result["imported"], result["changed"], result["unchanged"]) == (0, 0, 6)
    assert db.session.execute(sa.select(Permit.__table__).order_by(Permit.id)).all() == before
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 6


def test_new_expiry_moves_the_last_day_and_voids_what_is_unsent(run: Run, tmp_path: Path) -> None:
    import_rows(run, tmp_path, make_row(1))
    permit = only_permit()
    permit.next_reminder_on, permit.renewal_reported_at = None, clock.now()
    outbox.enqueue(key="a", template="permit_renewal", subject=f"permit:{permit.id}", contact_id=None, values={})
    result = import_rows(run, tmp_path, make_row(1, 有效期至="2030-12-31"))
    assert (result["imported"], result["changed"], result["unchanged"]) == (0, 1, 0)
    permit = only_permit()
    assert (permit.last_apply_on, permit.next_reminder_on) == (date(2030, 11, 29), date(2030, 10, 30))
    assert permit.renewal_reported_at is None
    assert db.session.scalars(sa.select(Message.state)).all() == [MessageState.VOID]


def test_new_phone_and_name_are_changes_that_keep_the_reminders(run: Run, tmp_path: Path) -> None:
    import_rows(run, tmp_path, make_row(1))
    permit = only_permit()
    permit.next_reminder_on = date(2026, 11, 24)
    result = import_rows(run, tmp_path, make_row(1, 联系电话="13900139000", 行政相对人名称="虚构新名店"))
    assert result["changed"] == 1
    permit = only_permit()
    assert permit.contact is not None
    assert (permit.contact.phone, permit.party.name) == ("+8613900139000", "虚构新名店")
    assert permit.next_reminder_on == date(2026, 11, 24)
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 1


def test_a_missing_column_erases_nothing(run: Run, tmp_path: Path) -> None:
    import_rows(run, tmp_path, make_row(1))
    short = {name: cell for name, cell in make_row(1).items() if name not in ("行业", "许可证类型", "有效期自")}
    assert import_rows(run, tmp_path, short)["unchanged"] == 1
    permit = only_permit()
    assert (permit.party.industry, permit.permit_type.code) == ("住宿", "public-place-hygiene")


def test_rows_without_a_required_column_are_rejected_one_by_one(run: Run, tmp_path: Path) -> None:
    rows = [{name: cell for name, cell in make_row(number).items() if name != "联系电话"} for number in (1, 2)]
    result = import_rows(run, tmp_path, *rows)
    assert [(entry["row"], entry["field"]) for entry in result["rejected"]] == [(2, "联系电话"), (3, "联系电话")]
    assert (result["imported"], db.session.scalar(sa.select(sa.func.count(Permit.id)))) == (0, 0)


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ({"行政相对人名称": ""}, "行政相对人名称", "Nothing is entered"),
        ({"许可机关": "无"}, "许可机关", "Nothing is entered"),
        ({"许可编号": "-"}, "许可编号", "Nothing is entered"),
        ({"有效期至": "NULL"}, "有效期至", "Nothing is entered"),
        ({"统一社会信用代码": "92000000MA0000001P"}, "统一社会信用代码", "check character"),
        ({"统一社会信用代码": "9200"}, "统一社会信用代码", "check character"),
        ({"有效期至": "2026-13-01"}, "有效期至", "not a day"),
        ({"有效期至": "2026-02-30"}, "有效期至", "not a day"),
        ({"有效期自": "去年"}, "有效期自", "not a day"),
        ({"有效期自": "2027-01-01"}, "有效期至", "before the first"),
        ({"许可证类型": "火星许可证"}, "许可证类型", "not known"),
        ({"联系电话": ""}, "联系电话", "no phone number"),
        ({"联系电话": "0391-8191234"}, "联系电话", "landline"),
        ({"联系电话": "+85261234567"}, "联系电话", "mainland"),
        ({"联系电话": "1.38E+10"}, "联系电话", "has cut this number"),
        ({"联系电话": "12345678901"}, "联系电话", "not a mobile number"),
        ({"行政相对人名称": "虚" * 201}, "行政相对人名称", "too long"),
        ({"当前状态": "不明"}, "当前状态", "state is not known"),
    ],
)
def test_each_fault_has_its_reason(run: Run, tmp_path: Path, cells: dict[str, Any], field: str, reason: str) -> None:
    result = import_rows(run, tmp_path, make_row(1, **cells))
    assert result["imported"] == 0
    assert [(item["row"], item["field"]) for item in result["rejected"]] == [(2, field)]
    assert reason in result["rejected"][0]["reason"]
    assert db.session.scalar(sa.select(sa.func.count(Permit.id))) == 0


def test_titles_blank_rows_and_dirty_headings_keep_the_row_numbers(run: Run, tmp_path: Path) -> None:
    names = [
        "*行政相对人名称（必填）",
        " 统一社会\n信用代码 ",
        "ｘｋ＿ＸＫＢＨ",
        "有 效 期 至：",
        "【许可机关】",
        "联系电话",
    ]
    codes = ["XK_XDR_MC", "XK_XDR_SHXYM", "XK_XKBH", "XK_YXQZI", "XK_XKJG", ""]
    good = ["虚构店", make_code(1).lower(), "A1", "2026年12月31日", ORGAN, "１３８ ００１３ ８０００"]
    bad = ["虚构店", "", "A2", "2026-12-31", ORGAN, "无"]
    table = [["行政许可公示信息"], [], names, codes, [], good, [], bad]
    result = run(write_xlsx(tmp_path / "dirty.xlsx", table))
    assert result["imported"] == 1
    assert [(item["row"], item["field"]) for item in result["rejected"]] == [(8, "联系电话")]
    permit = only_permit()
    assert (permit.valid_to, permit.permit_type.code) == (date(2026, 12, 31), "other")
    assert permit.party.credit_code == make_code(1)
    assert permit.party.kind is PartyKind.SOLE_TRADER


def test_the_official_heading_counts_where_another_says_the_same(run: Run, tmp_path: Path) -> None:
    table = as_table([make_row(1)])
    wide = [["电话", *table[0], "手机"], *(["0391-8190000", *row, ""] for row in table[1:])]
    assert run(write_xlsx(tmp_path / "wide.xlsx", wide))["imported"] == 1


def test_codes_as_headings_in_another_order(run: Run, tmp_path: Path) -> None:
    row = {
        "联系电话": 13800138000,
        "xk_xkjg": ORGAN,
        "XK_YXQZI": 46387,
        "XK_WSH": "虚市监许〔2026〕1号",
        "XK_XKZS": "食品经营许可证（餐饮）",
        "XK_XDR_MC": "虚构饭店",
        "XK_XDR_ZJHM": "",
    }
    assert import_rows(run, tmp_path, row)["imported"] == 1
    permit = only_permit()
    assert (permit.number, permit.valid_to) == (
        "虚市监许[2026]1号".replace("[", "〔").replace("]", "〕"),
        date(2026, 12, 31),
    )
    assert permit.permit_type.code == "food-operation"
    assert permit.last_apply_on == date(2026, 12, 10)


@pytest.mark.parametrize(
    "written", ["2026-12-31", "2026/12/31", "2026.12.31", "20261231", "2026年12月31日", "46387", "2026-12-31 23:59:59"]
)
def test_days_as_people_write_them(run: Run, tmp_path: Path, written: str) -> None:
    assert import_rows(run, tmp_path, make_row(1, 有效期至=written))["imported"] == 1
    assert only_permit().valid_to == date(2026, 12, 31)


@pytest.mark.parametrize("written", ["长期", "2099-12-31", "2099/12/31", date(2099, 12, 31)])
def test_a_permit_without_end_is_kept_and_never_reminded_of(run: Run, tmp_path: Path, written: object) -> None:
    assert import_rows(run, tmp_path, make_row(1, 有效期至=written))["imported"] == 1
    assert (only_permit().valid_to, only_permit().next_reminder_on) == (date(2099, 12, 31), None)


def test_identity_numbers_of_persons_are_never_stored(run: Run, tmp_path: Path) -> None:
    number = "110101199003078515"
    person = make_row(
        1, 行政相对人类别="自然人", 统一社会信用代码=number, 自然人证件类型="身份证", 自然人证件号码=number
    )
    assert import_rows(run, tmp_path, person)["imported"] == 1
    party = db.session.scalars(sa.select(Party)).one()
    assert (party.kind, party.credit_code) == (PartyKind.PERSON, None)
    for table in (Party, Permit, Contact):
        rows = db.session.execute(sa.select(table.__table__)).all()
        assert number not in str(rows)


def test_namesakes_with_other_phones_are_other_people(run: Run, tmp_path: Path) -> None:
    person = {"行政相对人名称": "王测试", "行政相对人类别": "自然人", "统一社会信用代码": ""}
    rows = [make_row(1, **person), make_row(2, **person), make_row(3, **person | {"联系电话": "13800130001"})]
    import_rows(run, tmp_path, *rows)
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 2
    assert import_rows(run, tmp_path, *rows)["unchanged"] == 3


def test_a_permit_named_twice_is_taken_once(run: Run, tmp_path: Path) -> None:
    result = import_rows(
        run, tmp_path, make_row(1), make_row(1), make_row(2, 许可编号="JY000001", 许可机关="虚构市别局")
    )
    assert result["imported"] == 2
    assert [(item["row"], item["field"]) for item in result["rejected"]] == [(3, "许可编号")]


def test_invalid_permits_are_closed(run: Run, tmp_path: Path) -> None:
    import_rows(run, tmp_path, make_row(1, 当前状态="1"), make_row(2, 当前状态="无效"))
    states = db.session.execute(sa.select(Permit.status, Permit.next_reminder_on).order_by(Permit.number)).all()
    assert states[1] == (PermitStatus.REVOKED, None)
    assert import_rows(run, tmp_path, make_row(1, 当前状态="2"))["changed"] == 1
    assert set(db.session.scalars(sa.select(Permit.status))) == {PermitStatus.REVOKED}


def test_a_permit_closed_by_staff_stays_closed_until_its_days_change(run: Run, tmp_path: Path) -> None:
    import_rows(run, tmp_path, make_row(1))
    revoke(only_permit().id)
    assert import_rows(run, tmp_path, make_row(1))["unchanged"] == 1
    assert only_permit().status is PermitStatus.REVOKED
    import_rows(run, tmp_path, make_row(1, 有效期至="2031-12-31"))
    assert (only_permit().status, only_permit().next_reminder_on is not None) == (PermitStatus.VALID, True)


def test_short_names_of_organs_are_understood(run: Run, tmp_path: Path) -> None:
    db.session.add(Organ(slug="market", name=ORGAN, short_name="市监局"))
    import_rows(run, tmp_path, make_row(1, 许可机关="市监局"), make_row(2))
    assert db.session.scalar(sa.select(sa.func.count(Organ.id))) == 1


def test_facts_can_be_loaded_again(app: Flask) -> None:
    before = db.session.scalar(sa.select(sa.func.count(PermitType.id)))
    load_facts()
    assert before == db.session.scalar(sa.select(sa.func.count(PermitType.id)))
    assert before is not None
    assert before >= 25


def test_thousands_of_rows_in_one_go(run: Run, tmp_path: Path) -> None:
    rows = [make_row(number) for number in range(1, 3001)]
    started = datetime.now(UTC)
    assert import_rows(run, tmp_path, *rows)["imported"] == 3000
    assert import_rows(run, tmp_path, *rows)["unchanged"] == 3000
    assert (datetime.now(UTC) - started).total_seconds() < 20
