"""What can be taken home: feeds, exports in the dual-publication columns, sitemaps."""

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from portal import clock, limits
from portal.db import db
from portal.decision_imports.cli import import_decisions
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.discretion.models import DiscretionStandard
from portal.open_data import public, queries
from portal.organs.models import Recognition
from portal.parties.models import PartyKind
from portal.sitemaps import rules as sitemap_rules
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

ATOM = "{http://www.w3.org/2005/Atom}"
CODE = "91000000MA0000001R"


def read_csv(client: FlaskClient, query: str = "") -> list[dict[str, str]]:
    """Return the rows of the export by heading."""
    answer = client.get(f"/exports/decisions.csv{query}", buffered=True)
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def read_json(client: FlaskClient, query: str = "") -> dict[str, Any]:
    """Return the export in JSON."""
    return dict(json.loads(client.get(f"/exports/decisions.json{query}", buffered=True).text))


def titles(client: FlaskClient, query: str) -> list[str]:
    """Return the titles that a feed names."""
    feed = ElementTree.fromstring(client.get(f"/feeds/decisions.atom{query}").data)
    return [entry.findtext(f"{ATOM}title") or "" for entry in feed.iter(f"{ATOM}entry")]


def test_penalties_come_in_the_columns_of_dual_publication(client: FlaskClient) -> None:
    organ = make_organ(name="虚构市监局", credit_code="11000000TEST00001X")
    make_decision(
        organ=organ,
        party=make_party(name="虚构食品有限公司", credit_code=CODE),
        document_number="虚监罚〔2026〕1号",
        violation="未公示许可证",
        fine=Decimal("1234.50"),
        confiscated=Decimal(20000),
        measures=["罚款", "没收违法所得"],
        legal_representative="虚某",
        decided_on=date(2026, 11, 5),
        publish_until=date(2099, 1, 2),
    )
    [row] = read_csv(client, "?kind=penalty")
    assert (
        row
        | {
            "行政相对人名称": "虚构食品有限公司",
            "行政相对人类别": "法人及非法人组织",
            "法定代表人": "虚某",
            "处罚类别": "罚款;没收违法所得",
            "罚款金额（万元）": "0.12345",
            "没收违法所得、没收非法财物的金额（万元）": "2",
            "处罚决定日期": "2026/11/05",
            "处罚有效期": "2099/12/31",
            "公示截止期": "2099/01/02",
            "处罚机关统一社会信用代码": "11000000TEST00001X",
        }
        == row
    )
    [coded] = read_json(client, "?kind=penalty")["rows"]
    assert coded["CF_WSH"] == "虚监罚〔2026〕1号"
    assert coded["CF_NR_FK"] == "0.12345"


def test_permits_have_their_own_columns_and_a_mixed_list_common_ones(client: FlaskClient) -> None:
    make_decision(kind=DecisionKind.PERMIT, measures=[], permit_number="虚许1", permit_category="普通")
    make_decision()
    [permit] = read_csv(client, "?kind=permit")
    assert (permit["许可编号"], permit["许可类别"]) == ("虚许1", "普通")
    assert {row["决定种类"] for row in read_csv(client)} == {"行政处罚", "行政许可"}


def test_natural_persons_are_masked_and_certificates_left_out(client: FlaskClient) -> None:
    person = make_party(kind=PartyKind.PERSON, name="欧阳虚构", credit_code="11010519491231002X")
    make_decision(party=person, legal_representative="欧阳虚构")
    for form in ("csv", "xlsx", "json"):
        content = client.get(f"/exports/decisions.{form}?kind=penalty", buffered=True).data
        text = " ".join(map(str, sheet(content))) if form == "xlsx" else content.decode()
        assert "欧阳某某" in text
        for hidden in ("欧阳虚构", "11010519491231002X", "证件", "ZJHM"):
            assert hidden not in text, (form, hidden)


def sheet(content: bytes) -> list[list[Any]]:
    """Return the rows of a workbook's only sheet."""
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "＝1+1", "\t=1", "|calc"])
def test_no_cell_runs_as_a_formula(client: FlaskClient, text: str) -> None:
    make_decision(title=text, content=text)
    [row] = read_csv(client)
    assert row["标题"] == row["决定内容"] == f"'{text}"
    rows = sheet(client.get("/exports/decisions.xlsx", buffered=True).data)
    # The reader trims what stands at the end of a cell, never its first letter.
    assert str(rows[1][1]).startswith("'")
    [plain] = read_json(client)["rows"]
    assert plain["TITLE"] == text


def test_exports_follow_the_filters_of_the_list(client: FlaskClient) -> None:
    organ = make_organ()
    make_decision(title="甲案", organ=organ)
    make_decision(title="乙案", decided_on=clock.today() - timedelta(days=40))
    assert [row["标题"] for row in read_csv(client, f"?organ={organ.id}")] == ["甲案"]
    assert [row["标题"] for row in read_csv(client, f"?until={clock.today() - timedelta(days=10)}")] == ["乙案"]
    page = BeautifulSoup(client.get(f"/decisions?organ={organ.id}&kind=penalty&page=1").text, "html.parser")
    links = [str(link["href"]) for link in page.select("a[href^='/exports/']")]
    assert links == [f"/exports/decisions.{form}?organ={organ.id}&kind=penalty" for form in ("csv", "xlsx", "json")]


def test_export_reads_in_pieces_and_loses_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "CHUNK", 3)
    organ, moment = make_organ(), clock.now()
    made = [make_decision(organ=organ, published_at=moment - timedelta(days=number // 4)) for number in range(10)]
    expected = [row.title for row in sorted(made, key=lambda row: (row.published_at, row.id), reverse=True)]
    db.session.commit()
    with counted_queries() as seen:
        rows = read_csv(client)
    assert [row["标题"] for row in rows] == expected
    # One looks for more than the cap, five for the pieces, the last of them empty.
    assert len(seen) == 6


def test_export_that_was_cut_says_so(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public, "MOST", {"csv": 2, "json": 2, "xlsx": 2})
    for _ in range(2):
        make_decision()
    whole = client.get("/exports/decisions.json", buffered=True)
    assert json.loads(whole.text)["complete"] is True
    assert "first" not in whole.headers["Content-Disposition"]
    make_decision()
    for form in ("csv", "json", "xlsx"):
        cut = client.get(f"/exports/decisions.{form}", buffered=True)
        assert "-first-2." in cut.headers["Content-Disposition"]
        assert cut.headers["X-Complete"] == "no"
    assert len(read_json(client)["rows"]) == 2
    assert read_json(client)["complete"] is False


def test_exports_are_kept_by_nobody_and_found_by_no_engine(client: FlaskClient) -> None:
    make_decision()
    for form in ("csv", "json", "xlsx"):
        answer = client.get(f"/exports/decisions.{form}", buffered=True)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        head = client.head(f"/exports/decisions.{form}")
        assert (head.status_code, head.data, head.mimetype) == (200, b"", answer.mimetype)
    assert client.get("/exports/decisions.exe").status_code == 404


def test_exports_are_limited_by_network(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["RATELIMIT_ENABLED"] = True
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS | {"export": limits.Limit(((3, limits.DAY),))})
    limits.forget()
    codes = [client.get("/exports/decisions.csv", buffered=True).status_code for _ in range(4)]
    limits.forget()
    assert codes == [200] * 3 + [429]


def test_exported_penalties_can_be_imported_again(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    organ = make_organ(name="虚构市第一执法局")
    party = make_party(name="虚构食品有限公司", credit_code=CODE)
    made = make_decision(
        organ=organ, party=party, fine=Decimal(1000), violation="未公示许可证", basis_text="《测试条例》第三条"
    )
    path = tmp_path / "again.csv"
    path.write_bytes(client.get("/exports/decisions.csv?kind=penalty", buffered=True).data)
    db.session.delete(made)
    db.session.commit()
    result = app.test_cli_runner().invoke(import_decisions, [str(path), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1])["imported"] == 1, result.output
    again = db.session.query(Decision).one()
    assert again.state is DecisionState.DRAFT
    assert (again.document_number, again.fine) == (made.document_number, Decimal(1000))


def test_feeds_are_narrowed_by_organ_and_kind(client: FlaskClient) -> None:
    organ = make_organ()
    make_decision(title="甲案", organ=organ)
    make_decision(title="乙案", kind=DecisionKind.PERMIT, published_at=clock.now() - timedelta(days=1))
    assert titles(client, "") == ["甲案", "乙案"]
    assert titles(client, f"?organ={organ.id}") == ["甲案"]
    assert titles(client, "?kind=permit") == ["乙案"]
    assert titles(client, f"?organ={organ.id}&kind=permit") == []
    assert client.get("/feeds/decisions.atom?organ=999").status_code == 404


def test_every_feed_that_a_page_links_to_answers(client: FlaskClient) -> None:
    known, unknown = make_organ(), make_organ(confirmed=False)
    make_decision(organ=known)
    make_decision(organ=unknown)
    pages = ["/open-data", "/", f"/organs/{known.slug}"]
    pages += [f"/decisions?kind=penalty&organ={organ}" for organ in (known.id, unknown.id, 999, "x")]
    found = set()
    for path in pages:
        page = BeautifulSoup(client.get(path).text, "html.parser")
        found |= {str(link["href"]) for link in page.select("[href*='/feeds/']")}
    assert f"/feeds/decisions.atom?organ={known.id}&kind=penalty" in found
    assert {address: client.get(address).status_code for address in found} == dict.fromkeys(found, 200)


def test_feed_is_right_atom_and_found_from_the_list(client: FlaskClient) -> None:
    decision = make_decision(title="甲<案>\x0b", party=make_party(kind=PartyKind.PERSON, name="欧阳虚构"))
    page = BeautifulSoup(client.get("/decisions?kind=penalty").text, "html.parser")
    link = page.select_one("link[type='application/atom+xml']")
    assert link is not None
    answer = client.get(str(link["href"]))
    assert answer.mimetype == "application/atom+xml"
    feed = ElementTree.fromstring(answer.data)
    assert [child.tag.removeprefix(ATOM) for child in feed][:3] == ["id", "title", "updated"]
    entry = feed.find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}id") == f"http://portal.test/decisions/{decision.id}"
    assert entry.findtext(f"{ATOM}title") == "甲<案>"
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == decision.organ.name
    assert "欧阳某某" in (entry.findtext(f"{ATOM}summary") or "")
    assert "欧阳虚构" not in answer.text


def test_feed_holds_the_newest_alone(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "NEWEST", 2)
    for number in range(3):
        make_decision(title=f"第{number}案")
    assert titles(client, "") == ["第2案", "第1案"]


def test_sitemap_parts_keep_their_address(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap_rules, "MOST", 2)
    made = [make_decision(document_number=f"虚〔2026〕{number}号") for number in range(4)]
    hidden = make_decision(state=DecisionState.DRAFT)
    index = client.get("/sitemap.xml").text
    found: list[str] = []
    for part in sorted({row.id // 2 for row in made}):
        assert f"<loc>http://portal.test/sitemaps/decisions-{part}.xml</loc>" in index
        text = client.get(f"/sitemaps/decisions-{part}.xml", buffered=True).text
        locations = [loc.text or "" for loc in ElementTree.fromstring(text).iter() if loc.tag.endswith("}loc")]
        assert len(locations) <= 2
        found += locations
    assert found == [f"http://portal.test/decisions/{row.id}" for row in made]
    assert f"/decisions/{hidden.id}<" not in "".join(found)


@pytest.mark.parametrize("path", ["decisions", "organs", "powers", "discretion", "bases", "procedures", "open-data"])
def test_every_register_is_a_column_of_the_site(client: FlaskClient, path: str) -> None:
    page = BeautifulSoup(client.get(f"/{path}?lang=en").text, "html.parser")
    assert page.select_one("head meta[name=ColumnName]") is not None


def test_sitemap_says_the_day_of_the_city(client: FlaskClient) -> None:
    # Half past midnight in the city, the day before elsewhere.
    with time_machine.travel("2026-11-21T16:30:00Z", tick=False):
        made = make_decision()
        text = client.get(f"/sitemaps/decisions-{made.id // sitemap_rules.MOST}.xml", buffered=True).text
    assert f"/decisions/{made.id}</loc><lastmod>2026-11-22</lastmod>" in text


def test_sitemap_names_pages_and_registers(client: FlaskClient) -> None:
    organ = make_organ()
    standard = DiscretionStandard(code="虚裁1", violation="无照经营", organ=organ)
    db.session.add_all([standard, Recognition(year=2026, title="公告", announced_on=date(2026, 1, 5))])
    db.session.commit()
    pages, registers = (client.get(f"/sitemaps/{name}.xml").text for name in ("pages", "registers"))
    for path in ("open-data", "discretion", "organs/recognitions"):
        assert f"<loc>http://portal.test/{path}</loc>" in pages
    for path in (f"organs/{organ.slug}", "organs/recognitions/2026", f"discretion/{standard.id}"):
        assert f"<loc>http://portal.test/{path}</loc>" in registers
    assert "Sitemap: http://portal.test/sitemap.xml" in client.get("/robots.txt").text
    assert "Disallow: /staff\n" in client.get("/robots.txt").text


def test_robots_stay_out_of_a_demonstration() -> None:
    assert sitemap_rules.robots("http://portal.test", closed=True) == "User-agent: *\nDisallow: /\n"


def test_page_explains_what_there_is(client: FlaskClient) -> None:
    page = BeautifulSoup(client.get("/open-data?lang=en").text, "html.parser")
    targets = {str(link["href"]) for link in page.select("main a")}
    assert {"/exports/decisions.csv", "/feeds/decisions.atom", "/api/v1/openapi.json"} <= targets
    assert "CF_XDR_MC" in page.text


def test_unknown_days_travel_well(client: FlaskClient) -> None:
    with time_machine.travel("2026-11-22T15:59:59Z", tick=False):
        make_decision(published_at=clock.now())
        [row] = read_csv(client)
    assert row["公示日期"] == "2026/11/22"
