"""The shipped permit types and renewal windows, checked against what was read in the laws."""

import csv
import re
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "portal" / "permits" / "data"
SOURCE = Path(__file__).parents[3] / "shared" / "data" / "renewal_windows.csv"
NUMERALS = {"三十": 30, "六十": 60, "九十": 90, "三": 3, "五": 5, "六": 6}
UNITS = {"日": "day", "天": "day", "个工作日": "working_day", "个月": "month"}


def read(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_enough_types_each_with_a_window_and_short_names() -> None:
    types, windows = read("permit_types"), read("renewal_windows")
    assert len(types) >= 25
    assert {kind["code"] for kind in types} == {window["permit_type"] for window in windows}
    for kind in types:
        assert 0 < len(kind["short_name"]) <= 6, kind
        assert 0 < len(kind["short_name_en"]) <= 6, kind
        assert kind["name"]
        assert kind["name_en"]
    assert len({kind["short_name"] for kind in types}) == len(types)


@pytest.mark.parametrize(
    ("code", "window", "law"),
    [
        ("food-operation", ("90", "working_day", "15", "working_day"), "食品经营许可和备案管理办法"),
        ("pesticide-operation", ("", "", "90", "day"), "农药管理条例"),
        ("pollutant-discharge", ("", "", "60", "day"), "排污许可管理条例"),
        ("hazardous-chemicals", ("", "", "3", "month"), "危险化学品经营许可证管理办法"),
        ("hazardous-waste", ("", "", "30", "working_day"), "危险废物经营许可证管理办法"),
        ("public-place-hygiene", ("", "", "30", "day"), "公共场所卫生管理条例实施细则"),
        ("transport-personnel", ("", "", "30", "day"), "道路运输从业人员管理规定"),
        ("crop-seed", ("", "", "6", "month"), "农作物种子生产经营许可管理办法"),
        ("medical-device-operation", ("90", "working_day", "30", "working_day"), "医疗器械经营监督管理办法"),
        ("veterinary-drug-operation", ("", "", "6", "month"), "兽药管理条例"),
        ("water-intake", ("", "", "45", "day"), "取水许可和水资源费征收管理条例"),
        ("other", ("", "", "30", "day"), "中华人民共和国行政许可法"),
    ],
)
def test_essential_windows(code: str, window: tuple[str, ...], law: str) -> None:
    (found,) = (item for item in read("renewal_windows") if item["permit_type"] == code)
    assert tuple(found[name] for name in ("opens", "opens_unit", "closes", "closes_unit")) == window
    assert found["law"] == law


def source_rules() -> dict[tuple[str, str], tuple[int, str]]:
    """Return the count and unit of every rule that was extracted from laws, by law and article."""
    found = {}
    with SOURCE.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            match = re.fullmatch(r"(\d+|[三五六九]十?|二)(日|天|个工作日|个月)前", line["提前期"])
            if match:
                count = int(match[1]) if match[1].isdigit() else NUMERALS.get(match[1], 0)
                found[line["法规"].removeprefix("中华人民共和国"), line["条款"]] = (count, UNITS[match[2]])
    return found


def test_windows_agree_with_the_extracted_rules() -> None:
    """Runs against the workshop's source where it lies beside the project; the literal test above always runs."""
    rules = source_rules() if SOURCE.exists() else {}
    compared = 0
    for window in read("renewal_windows"):
        law = window["law"].removeprefix("中华人民共和国").replace("《中华人民共和国城乡规划法》", "《城乡规划法》")
        rule = rules.get((law, window["article"]))
        if rule is not None:
            compared += 1
            assert (int(window["closes"]), window["closes_unit"]) == rule, window
    assert compared >= 20 or not rules
