"""What rows in the dual-publication columns say: sums and their units, numbers, measures, parties, titles."""

import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.decision_imports import importer, rules
from portal.decision_imports.queries import Known
from portal.decision_imports.rules import Problem, Remark, read_amount
from portal.decisions.rules import number_key
from portal.imports.rules import Row
from tests.factories.dual_publication import make_penalty
from tests.factories.spreadsheets import as_table, make_code, write_csv

TODAY = date(2026, 11, 23)
WORDS = importer.read_words()
GOOD = {
    "name": "虚构商贸有限公司",
    "kind": "法人及非法人组织",
    "credit_code": make_code(1, "91"),
    "document_number": "虚市监处罚〔2026〕1号",
    "violation": "无照经营",
    "facts": "事实",
    "basis_text": "依据",
    "measures": "警告",
    "content": "警告",
    "decided_on": "2026-03-01",
    "organ": "虚构局",
}


def read(of: str = "penalty", **cells: Any) -> Row:
    """Read a good row with other cells; those that are None are empty."""
    wanted = {name: cell for name, cell in (GOOD | cells).items() if cell is not None}
    return rules.read_row(2, wanted, of, WORDS, TODAY)


@pytest.mark.parametrize(
    ("written", "unit", "yuan"),
    [
        ("0.5", 10_000, "5000"),
        ("0.5", 1, "0.5"),
        ("1,234.56", 1, "1234.56"),
        ("１２．５", 10_000, "125000"),
        ("5000元", 10_000, "5000"),
        ("5万元", 1, "50000"),
        ("人民币3000元整", 10_000, "3000"),
        ("￥200", 1, "200"),
        ("￥3000", 10_000, "3000"),
        ("¥ 3,000.50", 10_000, "3000.50"),
        ("人民币￥3000", 10_000, "3000"),
        ("共计￥3000元", 10_000, "3000"),
        ("￥0.3万元", 10_000, "3000"),
        ("3000元", 10_000, "3000"),
        ("人民币0.3", 10_000, "3000"),
        ("0.30000000000000004", 10_000, "3000"),
        ("1e-05", 10_000, "0.1"),
        ("0", 10_000, "0"),
    ],
)
def test_a_sum_is_read_by_its_unit(written: str, unit: int, yuan: str) -> None:
    assert read_amount(written, Decimal(unit), WORDS) == Decimal(yuan)


@pytest.mark.parametrize("written", ["伍仟", "-5", "5千克", "一些", "5-6", "99999999999", "9" * 30, "1e999", "1e9999"])
def test_what_is_no_sum_is_refused(written: str) -> None:
    assert read_amount(written, Decimal(10_000), WORDS) is None
    assert ("fine", Problem.BAD_AMOUNT) in read(fine=written).problems


@pytest.mark.parametrize(
    ("cells", "yuan", "remarks"),
    [
        ({"fine": "0.5", "content": "罚款5000元"}, 5000, []),
        ({"fine": "0.5", "content": "处以人民币5,000元的罚款"}, 5000, []),
        ({"fine": "5000", "content": "罚款5000元"}, 50_000_000, [("fine", Remark.OTHER_AMOUNT)]),
        ({"fine": "5000"}, 50_000_000, [("fine", Remark.LARGE_AMOUNT)]),
        ({"fine_yuan": "0.5"}, Decimal("0.5"), [("fine_yuan", Remark.SMALL_AMOUNT)]),
        ({"fine_yuan": "5000"}, 5000, []),
        ({"fine_bare": "0.5"}, 5000, [("fine_bare", Remark.NO_UNIT)]),
        ({"fine_bare": "0.5", "content": "罚款0.5万元"}, 5000, []),
        ({"fine_yuan": "5000", "fine": "5000"}, 5000, [("fine_yuan", Remark.TWO_AMOUNTS)]),
        ({"fine": "0", "measures": "罚款"}, None, [("fine", Remark.NO_AMOUNT)]),
    ],
)
def test_a_suspicious_sum_is_pointed_out(cells: dict[str, str], yuan: Any, remarks: list[object]) -> None:
    row = read(**cells)
    assert (row.values["fine"], row.remarks, row.problems) == (yuan, remarks, [])


@pytest.mark.parametrize(
    ("written", "measures"),
    [
        ("罚款;没收非法财物", ["罚款", "没收非法财物"]),
        ("罚款；没收违法所得、没收非法财务", ["罚款", "没收违法所得", "没收非法财物"]),
        ("警告，罚款, 罚款", ["警告", "罚款"]),
        ("吊销营业执照", ["吊销许可证件"]),
        ("其他-责令改正", ["其他-责令改正"]),
    ],
)
def test_measures_are_told_apart_and_named_alike(written: str, measures: list[str]) -> None:
    row = read(measures=written, fine="1")
    assert (row.values["measures"], row.remarks) == (measures, [])


def test_an_unknown_measure_is_kept_and_pointed_out() -> None:
    row = read(measures="打板子")
    assert (row.values["measures"], row.remarks) == (["打板子"], [("measures", Remark.UNKNOWN_MEASURE)])


@pytest.mark.parametrize(
    "written",
    ["虚〔2026〕12号", "虚[2026]12号", "虚（2026）12号", "虚【2026】 12 号", "虚〔２０２６〕１２号", "虚［2026］12号"],
)
def test_numbers_are_compared_alike_and_kept_as_written(written: str) -> None:
    assert number_key(written) == "虚〔2026〕12号"
    row = read(document_number=written)
    assert (row.values["document_number"], row.values["number_key"]) == (written, "虚〔2026〕12号")


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("虚构局行政处罚决定书 虚〔2020〕27号", "虚〔2020〕27号"),
        ("虚构局行政处罚决定书（虚[2016] 4号）", "虚[2016] 4号"),
        ("虚构局行政处罚决定书[2011]1号", "[2011]1号"),
    ],
)
def test_a_number_is_read_from_the_title(title: str, number: str) -> None:
    row = read(document_number=None, title=title)
    assert (row.values["document_number"], row.problems) == (number, [])
    assert ("document_number", Remark.NUMBER_FROM_TITLE) in row.remarks


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        (
            f"当事人：虚构（集团）公司（以下简称虚构），统一社会信用代码：{make_code(1, '91')}。",
            "虚构（集团）公司",
            True,
        ),
        ("处罚决定书 当事人:虚构会所（特殊普通合伙，以下简称虚构），住所：", "虚构会所（特殊普通合伙）", False),
        ("当事人：虚构公司，统一社会信用代码：910000000000000000", "虚构公司", False),
    ],
)
def test_a_party_is_read_from_the_text(text: str, name: str, code: bool) -> None:
    row = read(name=None, credit_code=None, kind=None, facts=None, text=text)
    assert (row.values["name"], "credit_code" in row.values, row.values["facts"]) == (name, code, text)
    assert ("name", Remark.PARTY_FROM_TEXT) in row.remarks
    assert row.problems == []


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ({"kind": "自然人", "name": "张测试"}, "person"),
        ({"kind": None, "name": "张测试", "credit_code": None}, "person"),
        ({"kind": None, "name": "虚构公司", "credit_code": None}, "organisation"),
        ({"kind": None, "credit_code": make_code(1)}, "sole_trader"),
        ({"kind": "个体户"}, "sole_trader"),
        ({"kind": None, "name": "虚构公司", "credit_code": None, "person_id": "1"}, "person"),
    ],
)
def test_kinds_of_parties(cells: dict[str, Any], kind: str) -> None:
    assert read(**cells).values["kind"] == kind


def test_identity_numbers_are_not_taken_over() -> None:
    number = "110101199003078515"
    row = read(kind="自然人", name="张测试", credit_code=number, person_id=number)
    assert number not in str(row)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"name": None}, ("name", Problem.EMPTY)),
        ({"document_number": None}, ("document_number", Problem.EMPTY)),
        ({"decided_on": None}, ("decided_on", Problem.EMPTY)),
        ({"decided_on": "2026-13-01"}, ("decided_on", Problem.BAD_DAY)),
        ({"decided_on": "2026-11-24"}, ("decided_on", Problem.FUTURE_DAY)),
        ({"decided_on": "2099/12/31"}, ("decided_on", Problem.FUTURE_DAY)),
        ({"credit_code": "92000000MA0000001P"}, ("credit_code", Problem.BAD_CREDIT_CODE)),
        ({"facts": "长" * 5001}, ("facts", Problem.TOO_LONG)),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-01"}, ("valid_to", Problem.ENDS_BEFORE_START)),
        ({"status": "2"}, ("status", Problem.INVALID)),
        ({"status": "好"}, ("status", Problem.UNKNOWN_STATUS)),
    ],
)
def test_each_fault_is_found(cells: dict[str, Any], problem: tuple[str, str]) -> None:
    assert read(**cells).problems == [problem]


@pytest.mark.parametrize("written", ["2099/12/31", "长期", "2099年12月31日"])
def test_a_day_that_means_no_end(written: str) -> None:
    assert read(valid_to=written).values["valid_to"] is None


@pytest.mark.parametrize(
    ("cells", "remark"),
    [
        ({"ends_on": "2026-01-01"}, ("ends_on", Remark.PERIOD_OVER)),
        ({"violation": None}, ("violation", Remark.TO_FILL)),
        ({"credit_code": None}, ("credit_code", Remark.NO_CODE)),
        ({"kind": "个体工商户", "name": "王大力"}, ("name", Remark.PERSONS_NAME)),
    ],
)
def test_what_should_be_looked_at(cells: dict[str, Any], remark: tuple[str, str]) -> None:
    row = read(**cells)
    assert (row.remarks, row.problems) == ([remark], [])


def test_titles_say_act_and_result() -> None:
    assert rules.make_title(read(measures="罚款;警告"), "penalty") == "无照经营：罚款、警告"
    assert rules.make_title(read(violation=None, measures=None), "penalty") == "虚市监处罚〔2026〕1号"
    assert rules.make_title(read("permit", document_name="准予许可决定书"), "permit") == "准予许可决定书"
    long = rules.make_title(read(violation="长" * 300), "penalty")
    assert (len(long), long[-1]) == (200, "…")


def test_memory_follows_the_piece_not_the_file(tmp_path: Path) -> None:
    """Six times the rows, with 2 MB more of text, take a fifth of that in addition."""
    known = Known({}, {}, None, TODAY)
    peaks = []
    for count in (40, 240):
        rows = [make_penalty(number, 违法事实="事实。" * 1600) for number in range(count)]
        path = write_csv(tmp_path / "a.csv", as_table(rows))
        del rows
        tracemalloc.start()
        draft = importer.DECISIONS.read_file(path, known)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (len(draft.rows), draft.rejected) == (count, [])
    assert peaks[1] - peaks[0] < 400_000, peaks
