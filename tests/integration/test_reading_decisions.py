"""Everybody reads what is public; what is withdrawn or over is gone everywhere at once."""

import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from portal import clock
from portal.accounts.models import Role
from portal.db import db
from portal.decision_endings import service
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.parties.models import PartyKind
from tests.counting import counted_queries
from tests.factories.accounts import make_staff
from tests.factories.bases import article_of, make_basis
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.factories.parties import make_party


def titles(client: FlaskClient, path: str) -> list[str]:
    """Return the titles of the decisions that a list shows."""
    page = BeautifulSoup(client.get(path).text, "html.parser")
    return [link.text for link in page.select("tbody a")]


def test_list_is_newest_first_and_filtered(client: FlaskClient) -> None:
    organ, today = make_organ(), clock.today()
    make_decision(
        title="甲案",
        published_at=clock.now() - timedelta(days=2),
        decided_on=today - timedelta(days=40),
        industry="餐饮业",
        place="会昌街道",
    )
    make_decision(
        title="乙案",
        organ=organ,
        kind=DecisionKind.PERMIT,
        document_number="虚许〔2026〕7号",
        measures=[],
        permit_category="普通",
        party=make_party(name="虚构丙公司", credit_code="91000000TEST00002X"),
    )
    for query, shown in [
        ("", ["乙案", "甲案"]),
        (f"?organ={organ.id}", ["乙案"]),
        ("?kind=penalty", ["甲案"]),
        ("?q=虚许〔2026〕7号", ["乙案"]),
        ("?q=虚许[2026] 7号", ["乙案"]),
        (f"?since={today - timedelta(days=10)}", ["乙案"]),
        (f"?until={today - timedelta(days=10)}", ["甲案"]),
        ("?measure=罚款", ["甲案"]),
        ("?measure=警告", []),
        ("?permit_category=普通", ["乙案"]),
        ("?industry=餐饮", ["甲案"]),
        ("?place=会昌", ["甲案"]),
        ("?party=丙", ["乙案"]),
        ("?party=91000000TEST00002X", ["乙案"]),
        ("?organ=x&kind=y&since=z&page=q&measure=w&permit_category=v", ["乙案", "甲案"]),
        ("?q=没有", []),
    ]:
        assert titles(client, f"/decisions{query}") == shown


def test_drafts_are_not_found(client: FlaskClient) -> None:
    for state in (DecisionState.DRAFT, DecisionState.REVIEW, DecisionState.SENT_BACK):
        assert client.get(f"/decisions/{make_decision(state=state).id}").status_code == 404
    assert titles(client, "/decisions") == []


def test_page_shows_summary_basis_and_remedy(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    decision = make_decision(
        article=article_of(basis, 3),
        basis_text="《测试条例》第三条",
        fine=Decimal(1000),
        party=make_party(name="虚构食品有限公司", credit_code="91000000TEST00001X", contact_name="李四"),
    )
    text = client.get(f"/decisions/{decision.id}?lang=en").text
    page = BeautifulSoup(text, "html.parser")
    assert page.h1 is not None
    assert page.h1.text == decision.title
    links = [str(link["href"]) for link in page.find_all("a", string="《测试条例》第三条")]
    assert [link.rsplit("/", 1)[1] for link in links] == ["3"]
    for words in ("虚构食品有限公司", "91000000TEST00001X", "CNY 1,000", "within 60 days", "within 6 months"):
        assert words in text
    assert "李四" not in text
    assert "+86138" not in text


def test_penalty_on_the_spot_goes_to_reconsideration_first(client: FlaskClient) -> None:
    text = client.get(f"/decisions/{make_decision(on_the_spot=True).id}?lang=en").text
    assert "First apply" in text
    assert "within 15 days" in text
    assert "within 6 months" not in text


def test_natural_person_is_only_a_surname(client: FlaskClient) -> None:
    person = make_party(kind=PartyKind.PERSON, name="欧阳虚构", credit_code="11010519491231002X")
    decision = make_decision(party=person)
    for path in ("/decisions", f"/decisions/{decision.id}", "/", "/search?q=许可证"):
        text = client.get(path).text
        assert "欧阳虚构" not in text
        assert "11010519491231002X" not in text
    assert "欧阳某某" in client.get("/decisions").text
    assert titles(client, "/decisions?q=欧阳虚构") == []
    assert f"/decisions/{decision.id}" not in client.get("/search?q=欧阳虚构").text


# Wherever a public decision stands.
LISTS = (
    "/", "/decisions", "/feeds/decisions.atom", "/feeds/decisions.atom?kind=penalty", "/exports/decisions.csv",
    "/exports/decisions.xlsx", "/exports/decisions.json", "/api/v1/decisions", "/sitemaps/decisions-0.xml",
)  # fmt: skip


def read(client: FlaskClient, path: str) -> str:
    """Return the text of an answer, of a workbook too."""
    answer = client.get(path, buffered=True)
    assert answer.status_code == 200, path
    if path.endswith(".xlsx"):
        return " ".join(str(cell) for row in load_workbook(answer.data) for cell in row)
    return answer.text


def load_workbook(content: bytes) -> list[list[Any]]:
    """Return the rows of a workbook's only sheet."""
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def assert_gone_everywhere(client: FlaskClient, decision: Decision) -> str:
    """Check that nothing leads to a decision any longer, and return its page."""
    for path in (*LISTS, "/search?q=砍树罚款案"):
        text = read(client, path)
        assert f"/decisions/{decision.id}" not in text, path
        assert "砍树罚款案" not in text.replace("“砍树罚款案”", "").replace('value="砍树罚款案"', ""), path
    assert "There are no figures" in client.get("/decisions/figures?lang=en").text
    assert client.get("/decisions/figures/kinds.csv?lang=en").text.splitlines()[1:] == [
        "Penalty,0", "Permit decision,0", "Inspection,0", "Coercive measure,0",
    ]  # fmt: skip
    assert client.get("/sitemap.xml").text.count("<loc>") == 2
    assert "Nothing found" in client.get("/search?q=砍树罚款案&lang=en").text
    home = BeautifulSoup(client.get("/?lang=en").text, "html.parser")
    assert home.find("a", href="/decisions", string=lambda text: "decisions 0" in (text or ""))
    answer = client.get(f"/decisions/{decision.id}?lang=en")
    assert answer.status_code == 410
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert decision.party.name not in answer.text
    assert decision.title not in answer.text
    assert "1000" not in answer.text
    return answer.text


def test_withdrawn_decision_is_gone_with_its_reason(client: FlaskClient) -> None:
    decision = make_decision(title="砍树罚款案", document_number="虚罚〔2026〕99号")
    assert f"/decisions/{decision.id}" in client.get("/search?q=砍树罚款案").text
    for path in LISTS:
        assert f"/decisions/{decision.id}" in read(client, path) or decision.title in read(client, path), path
    decision.withdrawal_ordered_on = clock.today()
    service.withdraw(decision=decision, staff=make_staff(role=Role.SUPERVISOR), reason="经行政复议撤销。")
    page = assert_gone_everywhere(client, decision)
    assert "经行政复议撤销。" in page
    assert "虚罚〔2026〕99号" in page
    answer = client.get(f"/api/v1/decisions/{decision.id}")
    assert answer.status_code == 410
    assert answer.get_json()["withdrawn"]["reason"] == "经行政复议撤销。"
    assert decision.party.name not in answer.text


def test_decision_whose_period_is_over_is_gone_without_number(client: FlaskClient) -> None:
    with time_machine.travel("2026-11-22T04:00:00Z", tick=False) as traveller:
        decision = make_decision(title="砍树罚款案", publish_until=clock.today(), document_number="虚罚〔2026〕99号")
        assert client.get(f"/decisions/{decision.id}").status_code == 200
        traveller.move_to("2026-11-22T16:00:00Z")
        page = assert_gone_everywhere(client, decision)
        answer = client.get(f"/api/v1/decisions/{decision.id}?lang=en")
    assert "虚罚〔2026〕99号" not in page
    assert "The publication period has ended." in page
    assert answer.status_code == 410
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.get_json() == {"type": "about:blank", "status": 410, "title": "The publication period has ended."}


def test_withdrawn_decision_ends_like_any_other(client: FlaskClient) -> None:
    decision = make_decision(state=DecisionState.WITHDRAWN, publish_until=clock.today() - timedelta(days=1))
    page = client.get(f"/decisions/{decision.id}")
    assert page.status_code == 410
    assert decision.withdrawal_reason not in page.text
    assert decision.document_number not in page.text


@pytest.mark.parametrize("path", ["/decisions/0", "/decisions/999999", "/decisions/99999999999999", "/decisions/x"])
def test_unknown_decisions_are_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_list_costs_the_same_for_two_rows_and_for_twenty(client: FlaskClient) -> None:
    organ = make_organ()
    costs = []
    for rows in (2, 18):
        for _ in range(rows):
            make_decision(organ=organ)
        db.session.commit()
        with counted_queries() as seen:
            answer = client.get("/decisions")
        costs.append(len(seen))
    assert costs == [2, 2]
    assert "Set-Cookie" not in answer.headers
    assert len(BeautifulSoup(answer.text, "html.parser").select("tbody tr")) == 20


def test_long_list_is_paged_and_keeps_its_filters(client: FlaskClient) -> None:
    organ = make_organ()
    for _ in range(21):
        make_decision(organ=organ)
    page = BeautifulSoup(client.get(f"/decisions?organ={organ.id}&kind=penalty").text, "html.parser")
    target = page.select_one("a[rel=next]")
    assert target is not None
    assert titles(client, str(target["href"])) != []
    assert f"organ={organ.id}" in str(target["href"])


def test_sole_traders_are_found_by_their_shop_alone(client: FlaskClient) -> None:
    make_decision(title="甲案", party=make_party(kind=PartyKind.SOLE_TRADER, name="欧阳虚构"))
    make_decision(title="乙案", party=make_party(kind=PartyKind.SOLE_TRADER, name="虚构市欧阳小吃店"))
    for name in ("party", "q"):
        assert titles(client, f"/decisions?{name}=欧阳") == ["乙案"]


@pytest.mark.parametrize(("day", "words"), [("2026-11-10", "Published in time"), ("2026-11-11", "1 working day late")])
def test_page_says_whether_it_was_published_in_time(client: FlaskClient, day: str, words: str) -> None:
    with time_machine.travel(f"{day}T04:00:00Z", tick=False):
        decision = make_decision(decided_on=date(2026, 10, 30))
        text = client.get(f"/decisions/{decision.id}?lang=en").text
    assert words in text
    assert "the limit is working day 7" in text


def test_page_says_when_credit_repair_can_be_applied_for(client: FlaskClient) -> None:
    with time_machine.travel("2026-11-22T04:00:00Z", tick=False):
        early = make_decision(decided_on=date(2026, 11, 1), measures=["罚款"])
        never = make_decision(decided_on=date(2026, 11, 1), measures=["吊销许可证件"])
        permit = make_decision(kind=DecisionKind.PERMIT, measures=[])
        assert "from 1 February 2027 on" in client.get(f"/decisions/{early.id}?lang=en").text
        assert "stay public to the end" in client.get(f"/decisions/{never.id}?lang=en").text
        assert "Credit repair" not in client.get(f"/decisions/{permit.id}?lang=en").text


def test_error_is_reported_about_this_decision(client: FlaskClient) -> None:
    decision = make_decision()
    page = BeautifulSoup(client.get(f"/decisions/{decision.id}?lang=en").text, "html.parser")
    link = page.find("a", string="Is something wrong here? Tell us")
    assert link is not None
    assert link["href"] == f"/complaints/new?organ={decision.organ_id}&decision={decision.id}"
    form = BeautifulSoup(
        client.get(f"/complaints/new?organ={decision.organ_id}&decision={decision.id}").text, "html.parser"
    )
    data = {field["name"]: field["value"] for field in form.select("form input[type=hidden][name=draft]")}
    step = {"kind": "report", "category": "other"}
    second = client.post("/complaints/new", data=data | step | {"page": "1", "go": "next"})
    hidden = BeautifulSoup(second.text, "html.parser").select_one("input[name=draft]")
    assert hidden is not None
    answers = {"draft": hidden["value"], "page": "2", "go": "next", "organ": str(decision.organ_id)}
    third = client.post("/complaints/new", data=answers)
    assert f"/decisions/{decision.id}" in third.text


def test_page_costs_a_fixed_number_of_queries(client: FlaskClient) -> None:
    made = make_decision(), make_decision(), make_decision(measures=["罚款", "没收违法所得"], industry="餐饮业")
    numbers = [decision.id for decision in made]
    db.session.commit()
    costs = []
    # The first page also reads what is kept from then on.
    for number in numbers:
        with counted_queries() as seen:
            assert client.get(f"/decisions/{number}").status_code == 200
        costs.append(len(seen))
    assert costs == [2, 1, 1]


def test_page_carries_the_tags_of_government_sites(client: FlaskClient) -> None:
    decision = make_decision(title="甲案")
    head = BeautifulSoup(client.get(f"/decisions/{decision.id}?lang=en&mode=elder").text, "html.parser")
    tags = {tag["name"]: tag["content"] for tag in head.select("head meta[name]")}
    assert tags["ArticleTitle"] == "甲案"
    assert tags["ContentSource"] == decision.organ.name
    assert tags["SiteDomain"] == "portal.test"
    assert decision.published_at is not None
    assert tags["PubDate"] == f"{clock.local(decision.published_at):%Y-%m-%d %H:%M}"
    canonical = head.select_one("link[rel=canonical]")
    assert canonical is not None
    assert canonical["href"] == f"http://portal.test/decisions/{decision.id}"
    column = BeautifulSoup(client.get("/decisions?lang=en").text, "html.parser").select_one("meta[name=ColumnName]")
    assert column is not None
    assert column["content"] == "Enforcement decisions"
    item = head.select_one("[itemtype='https://schema.org/Report'] [itemprop=reportNumber]")
    assert item is not None
    assert item.text == decision.document_number
