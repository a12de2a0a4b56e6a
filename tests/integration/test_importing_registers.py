"""Officers, organs and power lists come in from spreadsheets: row-wise errors, and a second time changes nothing."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal import registers
from portal.accounts.models import Role
from portal.db import db
from portal.organs.models import Officer, Organ
from portal.powers.models import PowerGround, PowerItem
from tests.factories.bases import make_basis
from tests.factories.organs import make_officer, make_organ
from tests.factories.spreadsheets import as_table, write_csv, write_xlsx

NOON = "2026-11-22T04:00:00Z"
ORGAN = "虚构市甲局"
SignIn = Callable[..., FlaskClient]


def run(app: Flask, what: str, path: Path) -> dict[str, Any]:
    """Run `flask import` on a file and return what it printed."""
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["import", what, str(path), "--json"])
    assert result.exit_code == 0, result.output
    db.session.expire_all()
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def officer(**changes: Any) -> dict[str, Any]:
    """Return a good row of an officer by heading."""
    row = {"姓名": "李虚构", "所属单位": ORGAN, "执法证号": "16080000007", "执法类别": "行政执法"}
    return row | {"身份证号": "110101199003070134", "发证日期": date(2025, 1, 1), "有效期至": "2028年1月1日"} | changes


def power(**changes: Any) -> dict[str, Any]:
    """Return a good row of a power by heading."""
    row = {"职权编码": "cf-0001", "事项名称": "对虚构行为的处罚", "职权类别": "行政处罚", "实施机关": ORGAN}
    return (
        row | {"责任科室": "法制股", "实施依据": "《虚构市测试条例》第三条、第三条之一；《别处的法》第九条"} | changes
    )


def sheet(folder: Path, rows: Sequence[dict[str, Any]], name: str = "sheet.xlsx") -> Path:
    """Write rows as a spreadsheet."""
    return write_xlsx(folder / name, as_table(list(rows)))


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return the four figures."""
    return found["imported"], found["changed"], found["unchanged"], len(found["rejected"])


def test_officers_come_in_once_and_change_when_the_file_does(app: Flask, tmp_path: Path) -> None:
    make_organ(name=ORGAN, short_name="甲局")
    path = sheet(tmp_path, [officer(), officer(执法证号="1608 0000008", 所属单位="甲局")])
    assert counts(run(app, "officers", path)) == (2, 0, 0, 0)
    assert counts(run(app, "officers", path)) == (0, 0, 2, 0)
    later = sheet(tmp_path, [officer(有效期至="2030-01-01")], "later.xlsx")
    assert counts(run(app, "officers", later)) == (0, 1, 0, 0)
    found = db.session.scalars(sa.select(Officer).order_by(Officer.id)).all()
    assert [(one.card_number, one.valid_to) for one in found] == [
        ("16080000007", date(2030, 1, 1)),
        ("16080000008", date(2028, 1, 1)),
    ]


def test_bad_rows_of_officers_are_named_and_the_rest_comes_in(app: Flask, tmp_path: Path) -> None:
    with time_machine.travel(NOON, tick=False):
        make_organ(name=ORGAN)
        make_organ(name="虚构市旧局", valid_to=date(2020, 1, 1))
        rows = [
            officer(执法证号="A-0001", 姓名=""),
            officer(执法证号="A-0002", 所属单位="没有的局"),
            officer(执法证号="A-0003", 有效期至="2026-13-01"),
            officer(执法证号="A-0004", 有效期至="2020-01-01"),
            officer(执法证号="110101199003070134"),
            officer(执法证号="A-0005"),
            officer(执法证号="a 0005"),
            officer(执法证号="A-0006", 所属单位="虚构市旧局"),
            officer(执法证号="A-0007", 姓名="长" * 101),
        ]
        found = run(app, "officers", sheet(tmp_path, rows))
    assert counts(found) == (1, 0, 0, 8)
    assert [(item["row"], item["field"]) for item in found["rejected"]] == [
        (2, "姓名"),
        (3, "执法机关"),
        (4, "有效期至"),
        (5, "有效期至"),
        (6, "执法证号"),
        (8, "执法证号"),
        (9, "执法机关"),
        (10, "姓名"),
    ]
    assert found["rejected"][4]["reason"].startswith("This is the number of an identity card.")
    assert db.session.scalars(sa.select(Officer.card_number)).all() == ["A0005"]


def test_import_leaves_a_suspension(app: Flask, tmp_path: Path) -> None:
    make_officer(make_organ(name=ORGAN), "16080000007").suspended_on = date(2026, 1, 1)
    assert counts(run(app, "officers", sheet(tmp_path, [officer()]))) == (0, 1, 0, 0)
    assert db.session.scalars(sa.select(Officer.suspended_on)).one() == date(2026, 1, 1)


def test_organs_come_in_and_confirm_what_an_import_had_named(app: Flask, tmp_path: Path) -> None:
    make_organ(name=ORGAN, confirmed=False, slug="imported-1", phone="0391-1")
    rows = [
        {"执法主体名称": ORGAN, "主体类别": "法定行政机关", "办公地址": "虚构路1号", "联系电话": ""},
        {"执法主体名称": "虚构市乙大队", "主体类别": "法律、法规授权的组织", "办公地址": "", "联系电话": "0391-2"},
        {"执法主体名称": "虚构市丙队", "主体类别": "听说的", "办公地址": "", "联系电话": ""},
    ]
    path = sheet(tmp_path, rows)
    found = run(app, "organs", path)
    assert counts(found) == (1, 1, 0, 1)
    assert (found["rejected"][0]["row"], found["rejected"][0]["field"]) == (4, "主体类别")
    assert counts(run(app, "organs", path)) == (0, 0, 2, 1)
    organ = db.session.scalars(sa.select(Organ).where(Organ.name == ORGAN)).one()
    assert (organ.confirmed, organ.slug, organ.phone, organ.address) == (True, "imported-1", "0391-1", "虚构路1号")


def test_power_list_comes_in_with_the_articles_it_cites(app: Flask, tmp_path: Path) -> None:
    make_organ(name=ORGAN)
    make_basis(tmp_path, title="虚构市测试条例")
    path = sheet(tmp_path, [power(), power(职权编码="XK-2", 职权类别="许可", 实施依据="")])
    assert counts(run(app, "powers", path)) == (2, 0, 0, 0)
    assert counts(run(app, "powers", path)) == (0, 0, 2, 0)
    found = db.session.scalars(sa.select(PowerItem).where(PowerItem.code == "CF-0001")).one()
    assert [(ground.article.number, ground.article.suffix) for ground in found.grounds] == [(3, 0), (3, 1)]
    assert found.basis_text.endswith("《别处的法》第九条")
    more = sheet(tmp_path, [power(实施依据="《虚构市测试条例》第四条")], "more.xlsx")
    assert counts(run(app, "powers", more)) == (0, 1, 0, 0)
    assert db.session.scalar(sa.select(sa.func.count(PowerGround.id))) == 3


def test_list_that_comes_again_finds_the_law_that_has_come_meanwhile(app: Flask, tmp_path: Path) -> None:
    make_organ(name=ORGAN)
    path = sheet(tmp_path, [power()])
    assert counts(run(app, "powers", path)) == (1, 0, 0, 0)
    assert db.session.scalar(sa.select(sa.func.count(PowerGround.id))) == 0
    make_basis(tmp_path, title="虚构市测试条例")
    assert counts(run(app, "powers", path)) == (0, 1, 0, 0)
    assert db.session.scalar(sa.select(sa.func.count(PowerGround.id))) == 2


def test_bad_rows_of_powers_write_nothing(app: Flask, tmp_path: Path) -> None:
    make_organ(name=ORGAN)
    make_basis(tmp_path, title="虚构市测试条例")
    rows = [
        power(职权编码="a/b"),
        power(职权编码="A1", 职权类别="随便"),
        power(职权编码="A2", 实施机关="没有的局"),
        power(职权编码="A3", 实施依据="《虚构市测试条例》第九十九条"),
        power(职权编码="A4", 事项名称="长" * 201),
    ]
    found = run(app, "powers", sheet(tmp_path, rows))
    assert counts(found) == (0, 0, 0, 5)
    assert [item["field"] for item in found["rejected"]] == ["职权编码", "职权类别", "实施机关", "实施依据", "职权名称"]
    assert "has no article 99 in the version in force" in found["rejected"][3]["reason"]
    assert db.session.scalar(sa.select(sa.func.count(PowerItem.id))) == 0


@pytest.mark.parametrize("what", ["officers", "organs", "powers"])
def test_file_that_is_no_register_ends_with_a_reason(app: Flask, tmp_path: Path, what: str) -> None:
    path = write_csv(tmp_path / "other.csv", [["甲", "乙"], ["1", "2"]])
    result = app.test_cli_runner().invoke(args=["import", what, str(path)])
    assert result.exit_code == 1
    assert "No row of headings was found." in result.stderr
    assert app.test_cli_runner().invoke(args=["import", what, str(tmp_path / "none.csv")]).exit_code == 1


def test_missing_column_is_named(app: Flask, tmp_path: Path) -> None:
    rows = [{name: value for name, value in officer().items() if name != "执法证号"}]
    result = app.test_cli_runner().invoke(args=["import", "officers", str(sheet(tmp_path, rows))])
    assert result.exit_code == 1
    assert "These columns are missing: 执法证号." in result.stderr


def test_upload_tells_what_became_of_the_rows_and_keeps_no_file(sign_in: SignIn, app: Flask, tmp_path: Path) -> None:
    make_organ(name=ORGAN)
    path = sheet(tmp_path, [officer(), officer(执法证号="A-0001", 有效期至="")])
    keeper = sign_in(Role.SUPERVISOR)
    sent = {"file": (BytesIO(path.read_bytes()), "officers.xlsx")}
    page = keeper.post("/staff/officers/import?lang=en", data=sent).text
    assert "New: 1" in page
    assert "Left out: 1" in page
    assert "Nothing is entered here." in page
    assert list((app.config["SETTINGS"].data_dir / "imports").iterdir()) == []
    assert db.session.scalar(sa.select(sa.func.count(Officer.id))) == 1


@pytest.mark.parametrize("what", ["officers", "powers"])
def test_bad_upload_is_refused_on_the_page(sign_in: SignIn, what: str) -> None:
    keeper = sign_in(Role.SUPERVISOR)
    answer = keeper.post(f"/staff/{what}/import?lang=en", data={"file": (BytesIO(b"a,b\n1,2\n"), "x.csv")})
    assert answer.status_code == 422
    assert "No row of headings was found." in answer.text
    assert "Choose a file" in keeper.post(f"/staff/{what}/import?lang=en").text


def test_too_many_rows_are_refused(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "MOST_ROWS", 1)
    path = sheet(tmp_path, [officer(), officer(执法证号="A-0001")])
    result = app.test_cli_runner().invoke(args=["import", "officers", str(path)])
    assert result.exit_code == 1
    assert "The file has too many rows." in result.stderr
