"""Discretion standards come in whole or not at all, and a business finds out what a violation costs."""

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.db import db
from portal.discretion.models import DiscretionStandard
from portal.organs.models import Organ
from tests.counting import counted_queries
from tests.factories.bases import make_basis
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
HEAD = [
    "基准编码",
    "违法行为",
    "行业",
    "实施机关",
    "法律依据",
    "裁量等次",
    "适用条件",
    "裁量标准",
    "罚款下限",
    "罚款上限",
    "失效日期",
]
ROWS = [
    ["CL-1", "未测试", "食品", "虚构市测试局", "《虚构市测试条例》第三条", "不予处罚", "首次", "不予处罚", "", "", ""],
    ["", "", "", "", "", "从轻", "三日内改正", "处五百元以上一千元以下罚款", "", "", ""],
    ["", "", "", "", "", "从重", "拒不改正", "处1000元以上2万元以下罚款", "", "", ""],
    ["CL-2", "乱测试", "", "虚构市测试局", "没有写明", "一般", "", "处货值十倍罚款", "800", "0.1万", ""],
]


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return path


def run(app: Flask, path: Path) -> dict[str, object]:
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["import", "discretion", str(path), "--json"])
    db.session.expire_all()
    found: dict[str, object] = json.loads(result.stdout.strip().splitlines()[-1])
    return found


@pytest.fixture
def organ(app: Flask) -> Organ:
    return make_organ(name="虚构市测试局")


@pytest.fixture
def sheet(organ: Organ, tmp_path: Path) -> Path:
    make_basis(tmp_path, title="虚构市测试条例")
    return write(tmp_path / "standards.csv", ROWS)


def standard(code: str) -> DiscretionStandard:
    return db.session.scalars(sa.select(DiscretionStandard).where(DiscretionStandard.code == code)).one()


def test_rows_of_a_code_are_the_tiers_of_one_standard(app: Flask, sheet: Path) -> None:
    assert run(app, sheet) == {"imported": 2, "changed": 0, "unchanged": 0, "rejected": []}
    first = standard("CL-1")
    assert [(tier.tier.value, tier.fine_from, tier.fine_to) for tier in first.tiers] == [
        ("none", None, None),
        ("light", 500, 1000),
        ("heavy", 1000, 20000),
    ]
    assert first.article is not None
    assert (first.article.number, first.article.basis.title) == (3, "虚构市测试条例")
    # Cells say more than words; 0.1 wan is a thousand.
    assert [str(tier.fine_to) for tier in standard("CL-2").tiers] == ["1000.00"]
    assert standard("CL-2").article is None


def test_same_file_again_changes_nothing_and_a_changed_one_only_what_differs(app: Flask, sheet: Path) -> None:
    run(app, sheet)
    number = standard("CL-1").id
    assert run(app, sheet) == {"imported": 0, "changed": 0, "unchanged": 2, "rejected": []}
    rows = [list(row) for row in ROWS]
    rows[2][7] = "处1000元以上3万元以下罚款"
    assert run(app, write(sheet, rows)) == {"imported": 0, "changed": 1, "unchanged": 1, "rejected": []}
    assert standard("CL-1").id == number
    assert standard("CL-1").tiers[2].fine_to == 30000


@pytest.mark.parametrize(
    ("row", "column", "text", "reason"),
    [
        (1, 5, "随便", "This tier is not known"),
        (1, 7, "", "Nothing is entered here"),
        (0, 3, "没有的局", "There is no organ of this name"),
        (2, 8, "很多", "This is not an amount in yuan"),
        (2, 1, "别的违法行为", "Another row of the same code says something else here"),
        (0, 10, "2026-13-45", "This is not a day"),
    ],
)
def test_one_bad_row_leaves_its_whole_standard_out(
    app: Flask, sheet: Path, row: int, column: int, text: str, reason: str
) -> None:
    rows = [list(line) for line in ROWS]
    rows[row][column] = text
    outcome = run(app, write(sheet, rows))
    assert outcome["imported"] == 1
    rejected = outcome["rejected"]
    assert isinstance(rejected, list)
    assert [item["row"] for item in rejected] == [row + 2]
    assert reason in rejected[0]["reason"]
    assert db.session.scalars(sa.select(DiscretionStandard.code)).all() == ["CL-2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2), ("q=未测试", 1), ("q=拒不改正", 1), ("q=测试局", 2), ("q=未测试+改正", 1), ("q=没有这个", 0),
        ("trade=食品", 1), ("organ=999999999999999", 2), ("organ=x", 2), ("article=x", 2), ("page=-3&q=%00", 2),
        ("ended=1", 0),
    ],
)  # fmt: skip
def test_look_up_filters(app: Flask, client: FlaskClient, sheet: Path, query: str, found: int) -> None:
    run(app, sheet)
    page = BeautifulSoup(client.get(f"/discretion?{query}").text, "html.parser")
    assert len(page.select("ul.list > li")) == found


def test_page_shows_tiers_ranges_and_the_article(app: Flask, client: FlaskClient, sheet: Path) -> None:
    run(app, sheet)
    answer = client.get(f"/discretion/{standard('CL-1').id}?lang=en")
    page = BeautifulSoup(answer.text, "html.parser")
    assert [cell.text for cell in page.select("tbody th")] == ["No penalty", "Light", "Heavy"]
    assert "CNY 500 to CNY 1,000" in page.select("tbody tr")[1].text
    bars = [(float(str(bar["x"])), float(str(bar["width"]))) for bar in page.select("rect.bar")]
    assert bars == [(8.0, 8.0), (16.0, 304.0)]
    link = page.select_one('dd a[href$="/articles/3"]')
    assert link is not None
    assert "未测试" in client.get(str(link["href"])).text
    assert client.get("/discretion/999").status_code == 404


def test_ended_standard_keeps_its_page_and_leaves_list_and_search(app: Flask, client: FlaskClient, sheet: Path) -> None:
    run(app, sheet)
    number = standard("CL-1").id
    assert f"/discretion/{number}" in client.get("/search?q=未测试").text
    rows = [list(row) for row in ROWS]
    rows[0][10] = (clock.today() - timedelta(days=1)).isoformat()
    run(app, write(sheet, rows))
    assert "No longer applied; kept for reference" in client.get(f"/discretion/{number}?lang=en").text
    assert f"/discretion/{number}" not in client.get("/discretion").text
    assert f"/discretion/{number}" in client.get("/discretion?ended=1").text
    assert f"/discretion/{number}" not in client.get("/search?q=未测试").text


def test_page_of_an_organ_leads_to_its_standards_alone(
    app: Flask, client: FlaskClient, sheet: Path, organ: Organ
) -> None:
    run(app, sheet)
    other, address = make_organ(), f"/discretion?organ={organ.id}"
    standard("CL-2").organ = other
    page = BeautifulSoup(client.get(f"/organs/{organ.slug}?lang=en").text, "html.parser")
    link = page.select_one(f'a[href="{address}"]')
    assert link is not None and link.text == "What violations cost: 1 standard"
    found = BeautifulSoup(client.get(address).text, "html.parser")
    assert [str(item["href"]) for item in found.select(".list__title")] == [f"/discretion/{standard('CL-1').id}"]
    standard("CL-1").valid_to = clock.today() - timedelta(days=1)
    assert address not in client.get(f"/organs/{organ.slug}").text


def test_list_asks_the_database_a_fixed_number_of_times(app: Flask, client: FlaskClient, sheet: Path) -> None:
    run(app, sheet)
    with counted_queries() as seen:
        client.get("/discretion")
    assert len(seen) <= 7


def test_staff_keep_a_standard_and_its_tiers(app: Flask, sheet: Path, sign_in: SignIn, organ: Organ) -> None:
    run(app, sheet)
    client = sign_in(Role.CLERK, organ_id=organ.id)
    form = {"code": "CL-3", "violation": "瞎测试", "organ": organ.id, "basis_text": "《虚构市测试条例》第三条之一"}
    where = client.post("/staff/discretion/new", data=form).location
    assert client.post("/staff/discretion/new", data=form).status_code == 422
    number = standard("CL-3").id
    for tier, consequence in (("heavy", "罚"), ("none", "不罚")):
        data = {"tier": tier, "consequence": consequence, "fine_from": "", "fine_to": ""}
        assert client.post(f"{where}/tiers/new", data=data).status_code == 303
    wrong = {"tier": "heavy", "consequence": "罚", "fine_from": "200", "fine_to": "100"}
    assert client.post(f"{where}/tiers/new", data=wrong).status_code == 422
    last = standard("CL-3").tiers[1].id
    client.post(f"{where}/tiers/{last}/up")
    db.session.expire_all()
    assert [tier.tier.value for tier in standard("CL-3").tiers] == ["none", "heavy"]
    article = standard("CL-3").article
    assert article is not None
    assert article.suffix == 1
    client.post(f"{where}/tiers/{standard('CL-3').tiers[1].id}/remove")
    db.session.expire_all()
    assert len(standard("CL-3").tiers) == 1
    stranger = sign_in(Role.CLERK, organ_id=make_organ(name="虚构市别的局").id)
    assert stranger.get(f"/staff/discretion/{number}").status_code == 404
    assert stranger.post(f"/staff/discretion/{number}/edit", data=form).status_code == 404
    assert sign_in(Role.REVIEWER, organ_id=organ.id).get("/staff/discretion/").status_code == 403


def test_staff_import_only_what_is_their_own(app: Flask, sheet: Path, sign_in: SignIn) -> None:
    client = sign_in(Role.CLERK, organ_id=make_organ(name="虚构市别的局").id)
    with sheet.open("rb") as file:
        page = client.post("/staff/discretion/import?lang=en", data={"file": (file, "standards.csv")}).text
    assert "This standard belongs to another organ" in page
    assert db.session.scalars(sa.select(DiscretionStandard)).all() == []
    with sheet.open("rb") as file:
        page = (
            sign_in(Role.SUPERVISOR)
            .post("/staff/discretion/import?lang=en", data={"file": (file, "standards.csv")})
            .text
        )
    assert "New: 2" in page
