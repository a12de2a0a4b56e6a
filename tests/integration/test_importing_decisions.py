"""Decisions in the columns of dual publication come in from the shell: as drafts, masked, and safe to run again."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.db import db
from portal.decisions.models import Decision, DecisionKind, DecisionOriginal, DecisionState
from portal.decisions.queries import is_public
from portal.organs.models import Organ
from portal.parties.models import Party, PartyKind
from tests.factories.dual_publication import PERSON, make_penalty, make_permit_row
from tests.factories.organs import make_organ
from tests.factories.spreadsheets import ORGAN, as_table, make_code, write_csv, write_xls, write_xlsx

Run = Callable[..., dict[str, Any]]
REAL = Path("/work/shared/data/decisions/penalties.csv")


@pytest.fixture
def run(app: Flask) -> Run:
    """Import a file, or rows as one, as the shell does; return the result and what was said beside it."""

    def importing(path: Path, *rows: dict[str, Any]) -> dict[str, Any]:
        if rows:
            path = write_xlsx(path / "decisions.xlsx", as_table(rows))
        db.session.commit()
        result = app.test_cli_runner().invoke(args=["import", "decisions", str(path), "--json"])
        db.session.expire_all()
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found | {"said": result.stderr}

    return importing


def figures(result: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return how many rows are new, changed, unchanged and left out."""
    return result["imported"], result["changed"], result["unchanged"], len(result["rejected"])


def only() -> Decision:
    """Return the one decision there is."""
    return db.session.scalars(sa.select(Decision)).one()


def test_a_penalty_becomes_a_draft_whose_words_are_kept_apart(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, make_penalty(1, 违法事实="现场店员赵四海电话13800138000。"))
    assert result | {"said": ""} == {"imported": 1, "changed": 0, "unchanged": 0, "rejected": [], "said": ""}
    decision = only()
    assert (decision.kind, decision.state, decision.masked_at) == (DecisionKind.PENALTY, DecisionState.DRAFT, None)
    assert (decision.fine, decision.confiscated) == (Decimal(5000), Decimal(100))
    assert (decision.measures, decision.decided_on) == (["罚款", "没收非法财物"], date(2026, 3, 1))
    assert (decision.valid_to, decision.note, decision.created_by_id) == (None, "", None)
    assert decision.title == "经营超过保质期的食品：罚款、没收非法财物"
    assert decision.original is not None
    assert decision.original.texts["facts"] == "现场店员赵四海电话13800138000。"
    assert decision.original.texts["legal_representative"] == "李测试"
    assert "13800138000" not in decision.facts
    assert (decision.party.name, decision.party.kind) == ("虚构商贸有限公司1号", PartyKind.ORGANISATION)
    assert (decision.organ.name, decision.organ.confirmed) == (ORGAN, False)
    assert db.session.scalars(sa.select(Decision.id).where(is_public(clock.today()))).all() == []


def test_a_permit_is_told_from_a_penalty_by_its_headings(run: Run, tmp_path: Path) -> None:
    assert figures(run(tmp_path, make_permit_row(1))) == (1, 0, 0, 0)
    decision = only()
    assert (decision.kind, decision.permit_category, decision.permit_number) == ("permit", "普通", "JY000001")
    assert (decision.valid_from, decision.valid_to) == (date(2026, 3, 1), date(2031, 2, 28))
    assert (decision.document_name, decision.content) == ("准予行政许可决定书", "热食类食品制售")
    assert decision.party.kind is PartyKind.SOLE_TRADER
    no_number = make_permit_row(2, XK_WSH="null")
    assert figures(run(tmp_path, no_number)) == (1, 0, 0, 0)
    assert (
        db.session.scalar(sa.select(Decision.document_number).where(Decision.permit_number == "JY000002")) == "JY000002"
    )


DIRTY = {
    "处罚金额（万元） ": "0.5",
    "没收违法所得、没收非法财务的金额(万元)": "0.01",
    "ＣＦ＿ＷＦＸＷ": "无照经营",
    " 行政相对人代码_1(统一社会信用代码)": make_code(1, "91"),
    "*行政相对人名称（必填）": "虚构公司",
    "处罚事由": "事实",
    "CF_JDRQ": 46082,
    "CF_CFJG": ORGAN,
    "处罚种类": "警告；罚款",
    "文号": "虚（2026）1号",
    "【处罚依据】": "依据",
    "处罚结果": "警告，罚款5000元",
}


@pytest.mark.parametrize("write", [write_xlsx, write_xls], ids=["xlsx", "xls"])
def test_dirty_headings_in_any_order(run: Run, tmp_path: Path, write: Callable[..., Path]) -> None:
    table = [["行政处罚公示信息"], [], *as_table([DIRTY])]
    assert figures(run(write(tmp_path / "dirty.bin", table))) == (1, 0, 0, 0)
    decision = only()
    assert (decision.fine, decision.confiscated, decision.violation) == (Decimal(5000), Decimal(100), "无照经营")
    assert (decision.decided_on, decision.measures) == (date(2026, 3, 1), ["警告", "罚款"])
    assert decision.document_number == "虚（2026）1号"
    assert decision.number_key == "虚〔2026〕1号"


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [("|", "utf-8"), (",", "utf-8-sig"), ("\t", "gb18030"), ("|", "gb18030")]
)
def test_text_files(run: Run, tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [make_penalty(number, 违法事实=f"第{number}案,甲,乙,丙,丁" * number) for number in range(1, 4)]
    path = write_csv(tmp_path / "a.csv", as_table(rows), delimiter=delimiter, encoding=encoding)
    assert figures(run(path)) == (3, 0, 0, 0)


def test_units_follow_the_heading_and_doubts_are_said(run: Run, tmp_path: Path) -> None:
    row = make_penalty(1, **{"罚款金额（万元）": "5000"})
    result = run(tmp_path, row)
    assert only().fine == 50_000_000
    assert "row 2, 罚款金额（万元）: The decision's own words name another sum" in result["said"]
    yuan = {("罚款金额（元）" if name == "罚款金额（万元）" else name): cell for name, cell in row.items()}
    assert figures(run(tmp_path, yuan)) == (0, 1, 0, 0)
    assert only().fine == 5000


def test_the_same_file_again_changes_nothing(run: Run, tmp_path: Path) -> None:
    rows = [make_penalty(1), make_penalty(2, **PERSON), make_penalty(3, **PERSON), make_penalty(4, 统一社会信用代码="")]
    assert figures(run(tmp_path, *rows)) == (4, 0, 0, 0)
    tables = (Decision.__table__, DecisionOriginal.__table__, Party.__table__, Organ.__table__)
    before = [db.session.execute(sa.select(table)).all() for table in tables]
    assert figures(run(tmp_path, *rows)) == (0, 0, 4, 0)
    assert [db.session.execute(sa.select(table)).all() for table in tables] == before
    run(tmp_path, make_penalty(5, **PERSON), make_penalty(4, 行政处罚决定书文号="虚〔2026〕6号", 统一社会信用代码=""))
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 5, "people of one name are parties each, firms one"


def test_other_brackets_are_the_same_number_and_stay_as_written(run: Run, tmp_path: Path) -> None:
    run(tmp_path, make_penalty(1))
    result = run(tmp_path, make_penalty(1, 行政处罚决定书文号="虚市监处罚［２０２６］1号"))
    assert figures(result) == (0, 0, 1, 0)
    assert only().document_number == "虚市监处罚〔2026〕1号"


def test_a_changed_row_changes_the_draft_and_undoes_its_confirmed_masking(run: Run, tmp_path: Path) -> None:
    run(tmp_path, make_penalty(1))
    decision = only()
    decision.masked_at, decision.state = clock.now(), DecisionState.SENT_BACK
    result = run(tmp_path, make_penalty(1, 违法事实="另有事实，电话13900139000。", 处罚决定日期="2026-03-02"))
    assert figures(result) == (0, 1, 0, 0)
    decision = only()
    assert (decision.masked_at, decision.decided_on, decision.state) == (None, date(2026, 3, 2), "sent_back")
    assert decision.original is not None
    assert decision.original.texts["facts"] == "另有事实，电话13900139000。"
    assert decision.original.texts["violation"] == "经营超过保质期的食品"
    assert "13900139000" not in decision.facts


def test_columns_that_are_missing_or_empty_erase_nothing(run: Run, tmp_path: Path) -> None:
    run(tmp_path, make_penalty(1))
    short = {name: cell for name, cell in make_penalty(1).items() if name not in ("违法事实", "罚款金额（万元）")}
    assert figures(run(tmp_path, short | {"处罚依据": "null"})) == (0, 0, 1, 0)
    assert (only().fine, only().facts) == (Decimal(5000), "检查时货架上有超过保质期的食品。")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (DecisionState.PUBLISHED, "is published. What the file says otherwise needs a correction: 违法事实"),
        (DecisionState.REVIEW, "is being reviewed"),
        (DecisionState.WITHDRAWN, "no longer published"),
        (DecisionState.EXPIRED, "no longer published"),
    ],
)
def test_what_is_beyond_a_draft_is_left_and_named(run: Run, tmp_path: Path, state: DecisionState, reason: str) -> None:
    run(tmp_path, make_penalty(1))
    only().state = state
    assert figures(run(tmp_path, make_penalty(1))) == (0, 0, 1, 0)
    result = run(tmp_path, make_penalty(1, 违法事实="别的"), make_penalty(2))
    assert figures(result) == (1, 0, 0, 1)
    assert (result["rejected"][0]["row"], result["rejected"][0]["field"]) == (2, "行政处罚决定书文号")
    assert reason in result["rejected"][0]["reason"]
    facts = db.session.scalars(sa.select(Decision.facts).where(Decision.state == state)).one()
    assert facts == "检查时货架上有超过保质期的食品。"


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ({"行政相对人名称": ""}, "行政相对人名称", "Nothing is entered"),
        ({"行政处罚决定书文号": "null"}, "行政处罚决定书文号", "Nothing is entered"),
        ({"处罚决定日期": "2026-13-01"}, "处罚决定日期", "not a day"),
        ({"处罚决定日期": "2126-01-01"}, "处罚决定日期", "future"),
        ({"统一社会信用代码": "91000000MA000000XX"}, "统一社会信用代码", "check character"),
        ({"罚款金额（万元）": "伍仟"}, "罚款金额（万元）", "not a sum"),
        ({"处罚机关": ""}, "处罚机关", "Nothing is entered"),
    ],
)
def test_each_fault_is_said_by_row_column_and_reason(
    run: Run, tmp_path: Path, cells: dict[str, Any], field: str, reason: str
) -> None:
    result = run(tmp_path, make_penalty(1), make_penalty(2, **cells))
    assert figures(result) == (1, 0, 0, 1)
    rejected = result["rejected"][0]
    assert (rejected["row"], rejected["field"]) == (3, field)
    assert reason in rejected["reason"]


def test_a_number_twice_is_taken_once_and_one_of_another_organ_by_itself(run: Run, tmp_path: Path) -> None:
    rows = [make_penalty(1), make_penalty(1), make_penalty(1, 处罚机关="虚构市别局")]
    result = run(tmp_path, *rows)
    assert figures(result) == (2, 0, 0, 1)
    assert (result["rejected"][0]["row"], "further up" in result["rejected"][0]["reason"]) == (3, True)


def test_a_credit_code_is_one_partys_only(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, make_penalty(1), make_penalty(2, 统一社会信用代码=make_code(1, "91")))
    assert figures(result) == (1, 0, 0, 1)
    assert "somebody else" in result["rejected"][0]["reason"]
    result = run(tmp_path, make_penalty(3, 统一社会信用代码=make_code(1, "91")))
    assert "belongs to 虚构商贸有限公司1号" in result["rejected"][0]["reason"]
    wide = make_penalty(4, 行政相对人名称=" 虚构商贸有限公司１号", 统一社会信用代码=make_code(1, "91"))
    assert figures(run(tmp_path, wide)) == (1, 0, 0, 0)
    assert db.session.scalar(sa.select(sa.func.count(Party.id))) == 1


def test_identity_numbers_are_stored_nowhere(run: Run, app: Flask, tmp_path: Path) -> None:
    number = "110101199003078515"
    columns = {
        "自然人证件类型": "身份证",
        "自然人证件号码": number,
        "法定代表人证件号码": number,
        "统一社会信用代码": number,
    }
    run(tmp_path, make_penalty(1, **PERSON | columns))
    for table in (Decision, DecisionOriginal, Party):
        assert number not in str(db.session.execute(sa.select(table.__table__)).all())


def test_an_organ_is_known_by_short_name_or_code(run: Run, tmp_path: Path) -> None:
    organ_id = make_organ(name=ORGAN, short_name="市监局", credit_code=make_code(7, "11")).id
    run(
        tmp_path,
        make_penalty(1, 处罚机关="市监局"),
        make_penalty(2, 处罚机关="", 处罚机关统一社会信用代码=make_code(7, "11")),
        make_penalty(3, 处罚机关="旧名局", 处罚机关统一社会信用代码=make_code(7, "11").lower()),
    )
    assert set(db.session.scalars(sa.select(Decision.organ_id))) == {organ_id}


def test_what_cannot_be_read_ends_with_one(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c\n1,2,3\n")
    result = app.test_cli_runner().invoke(args=["import", "decisions", str(tmp_path / "a.csv"), "--json"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "No row of headings" in result.stderr


def test_rows_are_rejected_one_by_one_where_a_column_is_missing(run: Run, tmp_path: Path) -> None:
    rows = [{name: cell for name, cell in make_penalty(number).items() if name != "处罚决定日期"} for number in (1, 2)]
    result = run(tmp_path, *rows)
    assert [(item["row"], item["field"]) for item in result["rejected"]] == [(2, "处罚决定日期"), (3, "处罚决定日期")]


def test_whole_texts_give_party_and_number(run: Run, tmp_path: Path) -> None:
    code = make_code(5, "91")
    text = f"当事人：虚构资产管理（虚构）有限公司（以下简称虚构资管），统一社会信用代码：{code}，住所：虚构路1号。"
    table = [
        ["发文日期", "来源", "索引号", "分类", "名称", "文号", "内容"],
        [
            "2024-11-19",
            "虚构局",
            "x/1",
            "行政处罚决定",
            "虚构局行政处罚决定书 虚〔2024〕4号",
            "null",
            text + "甲,乙,丙,4,5,6,7,8",
        ],
        ["2024-11-20", "虚构局", "x/2", "行政处罚决定", "虚构局行政处罚决定书 虚〔2024〕5号", "虚〔2024〕5号", text],
    ]
    assert figures(run(write_csv(tmp_path / "a.csv", table, delimiter="|"))) == (2, 0, 0, 0)
    numbers = db.session.scalars(sa.select(Decision.document_number).order_by(Decision.id)).all()
    assert numbers == ["虚〔2024〕4号", "虚〔2024〕5号"]
    party = db.session.scalars(sa.select(Party)).one()
    assert (party.name, party.credit_code) == ("虚构资产管理（虚构）有限公司", code)


@pytest.mark.skipif(not REAL.exists(), reason="the real decisions are not here")
def test_real_decisions_come_in_whole(run: Run) -> None:
    assert figures(run(REAL)) == (58, 0, 0, 0)
    assert db.session.scalar(sa.select(sa.func.count(Party.id)).where(Party.credit_code.is_not(None))) == 43
    assert figures(run(REAL)) == (0, 0, 58, 0)
