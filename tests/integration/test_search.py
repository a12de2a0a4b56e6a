"""One box finds everything that is public, the same on both databases, and never breaks."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.db import db
from portal.search import queries, rules, service
from portal.search.models import EntryKind, SearchEntry
from portal.search.service import Entry
from tests.counting import counted_queries
from tests.factories.bases import make_basis
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ

pytestmark = pytest.mark.every_case_on_postgresql


def enter(number: int, title: str, passage: str = "", kind: EntryKind = EntryKind.DECISION, days_ago: int = 0) -> None:
    """Enter something into the index."""
    day = clock.today() - timedelta(days=days_ago)
    service.index(kind, Entry(record_id=number, url=f"/x/{number}", title=title, passage=passage, published_on=day))


@pytest.fixture
def empty(app: Flask) -> None:
    """Take out of the index what ships with the portal."""
    db.session.execute(sa.delete(SearchEntry))


def found(query: str, **asked: object) -> list[str]:
    """Return the titles a query finds, in order."""
    result = queries.list_found(queries.Asked(query=query, on=clock.today(), **asked))  # type: ignore[arg-type]
    return [row.title for row in result.page.items]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("砍树", ["砍树一棵", "未挂牌照"]),
        ("牌照 一百", ["未挂牌照"]),
        ("〔2026〕12号", ["未挂牌照"]),
        ("[2026] １２", ["未挂牌照"]),
        ("91110000600037341l", ["砍树一棵"]),
        ("树砍", []),
        ("号砍", []),
        ("§kdecision", []),
        ("砍 树", ["砍树一棵", "未挂牌照"]),
        ("砍树 棵", ["砍树一棵", "未挂牌照"]),
    ],
)
def test_words_numbers_and_codes_are_found(query: str, titles: list[str]) -> None:
    enter(1, "未挂牌照", "孟市监处罚〔2026〕12号，砍树一百棵")
    enter(2, "砍树一棵", "91110000600037341L 另案", days_ago=5)
    assert found(query) == titles


@pytest.mark.usefixtures("app")
def test_title_comes_first_or_the_newest() -> None:
    enter(1, "关于绿化", "砍树", days_ago=1)
    enter(2, "砍树", "别的", days_ago=9)
    assert found("砍树") == ["砍树", "关于绿化"]
    assert found("砍树", newest=True) == ["关于绿化", "砍树"]


@pytest.mark.usefixtures("app")
def test_change_and_removal_count_at_once() -> None:
    enter(1, "砍树")
    enter(1, "放火")
    assert (found("砍树"), found("放火")) == ([], ["放火"])
    service.remove(EntryKind.DECISION, 1)
    assert found("放火") == []


@pytest.mark.usefixtures("app")
def test_what_has_ended_is_not_found_even_without_removal() -> None:
    yesterday = clock.today() - timedelta(days=1)
    service.index(
        EntryKind.DECISION,
        Entry(record_id=1, url="/x", title="砍树", passage="", published_on=yesterday, published_until=yesterday),
    )
    result = queries.list_found(queries.Asked(query="砍树", on=clock.today()))
    assert (result.total, result.page.items) == (0, [])
    assert len(queries.list_found(queries.Asked(query="砍树", on=yesterday)).page.items) == 1


def test_page_counts_kinds_and_links_to_each(client: FlaskClient, tmp_path: Path) -> None:
    make_basis(tmp_path, title="虚构市砍树条例")
    make_decision(title="砍树罚款", facts="擅自砍树三棵。")
    page = BeautifulSoup(client.get("/search?q=砍树&lang=en").text, "html.parser")
    kinds = [item.text for item in page.select("nav[aria-label='Kinds of results'] li")]
    assert kinds == ["All 7", "Basis 1", "Article 5", "Decision 1"]
    only = BeautifulSoup(client.get("/search?q=砍树&kind=decision").text, "html.parser")
    assert [link.text for link in only.select(".list__title")] == ["砍树罚款"]
    assert page.select("mark")[0].text == "砍树"


def test_passages_are_escaped_before_they_are_marked(client: FlaskClient) -> None:
    enter(1, "<b>罚款</b>", "<script>alert('罚款')</script> & 罚款")
    page = client.get("/search?q=罚款").text
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(&#39;<mark>罚款</mark>" in page


@pytest.mark.parametrize(
    "query", ['"', "罚款 OR *", "NEAR(罚款 5)", "a' OR '1'='1", "罚款:* & !x", "\\", "%00罚款", "罚" * 5000]
)
def test_query_syntax_is_harmless(client: FlaskClient, query: str) -> None:
    enter(1, "罚款")
    assert client.get("/search", query_string={"q": query}).status_code == 200


def test_pages_filters_and_nonsense_never_break(client: FlaskClient) -> None:
    for number in range(25):
        enter(number, f"砍树{number}", days_ago=number)
    assert len(BeautifulSoup(client.get("/search?q=砍树&page=2").text, "html.parser").select(".list__title")) == 5
    for query in ("page=99", "page=-1", "page=x", "kind=nothing", "kind=organ", "sort=nothing"):
        assert client.get(f"/search?q=砍树&{query}").status_code == 200


def test_short_and_empty_say_what_to_do(client: FlaskClient) -> None:
    assert "Enter at least 2 characters" in client.get("/search?q=罚&lang=en").text
    nothing = client.get("/search?q=没有这个&lang=en").text
    assert "Nothing found for “没有这个”." in nothing
    assert 'href="/organs"' in nothing
    assert "0391-0000000" in nothing


def test_broken_index_falls_back_to_titles(client: FlaskClient) -> None:
    enter(1, "罚款一千元")
    enter(2, "别的", "罚款")
    if db.engine.dialect.name == "sqlite":
        for trigger in ("inserted", "deleted", "updated"):
            db.session.execute(sa.text(f"DROP TRIGGER search_entry_{trigger}"))
        db.session.execute(sa.text("DROP TABLE search_index"))
    else:
        db.session.execute(sa.text("ALTER TABLE search_entry DROP COLUMN search_text CASCADE"))
    page = client.get("/search?q=罚款&lang=en")
    assert page.status_code == 200
    assert "Titles only" in page.text
    assert "<mark>罚款</mark>一千元" in page.text
    assert "别的" not in page.text


@pytest.mark.parametrize("query", ["q=罚款", "q=罚款&sort=date", "q=罚款&kind=decision&organ=1&since=2020-01-01"])
def test_a_search_asks_a_fixed_number_of_queries(client: FlaskClient, query: str) -> None:
    make_organ()
    seen: list[list[str]] = []
    for number in (1, 30):
        for record in range(number):
            enter(record, "罚款" if record % 2 else "砍树", "罚款", days_ago=record)
        db.session.commit()
        with counted_queries() as statements:
            client.get(f"/search?{query}")
        seen.append(statements)
    # Counts, hits (PostgreSQL looks at the newest, then into the index; titles first, then the rest), entries, organs.
    assert max(map(len, seen)) <= (5 if db.engine.dialect.name == "sqlite" else 7)


def test_results_are_narrowed_by_organ_and_period(client: FlaskClient) -> None:
    organs = [make_organ(name=f"虚构{number}局") for number in range(2)]
    for number, days_ago in enumerate((0, 10, 400)):
        day = clock.today() - timedelta(days=days_ago)
        entry = Entry(
            record_id=number,
            url="/x",
            title=f"砍树{number}",
            passage="",
            published_on=day,
            organ_id=organs[number % 2].id,
        )
        service.index(EntryKind.DECISION, entry)
    assert found("砍树", organ_id=organs[0].id) == ["砍树0", "砍树2"]
    assert found("砍树", since=clock.today() - timedelta(days=10)) == ["砍树0", "砍树1"]
    assert found("砍树", until=clock.today() - timedelta(days=10)) == ["砍树1", "砍树2"]
    assert found("砍树", organ_id=organs[0].id, since=clock.today()) == ["砍树0"]
    page = client.get(f"/search?q=砍树&organ={organs[1].id}&lang=en").text
    assert "砍树</mark>1" in page
    assert "砍树</mark>0" not in page
    assert "selected>虚构1局" in page


@pytest.mark.parametrize(
    "nonsense",
    ["organ=x", "organ=-1", "organ=99999999999999999999", "since=x", "until=0000-00-00", "organ=²", "since=9999-12-31"],
)
def test_nonsense_is_no_filter_or_finds_nothing(client: FlaskClient, nonsense: str) -> None:
    enter(1, "砍树")
    assert client.get(f"/search?q=砍树&{nonsense}").status_code == 200


def test_nothing_found_leads_on(client: FlaskClient, tmp_path: Path) -> None:
    make_basis(tmp_path, title="虚构市食品安全条例")
    enter(1, "无证经营食品")
    page = BeautifulSoup(client.get("/search?q=食品安全法修正案&lang=en").text, "html.parser")
    links = {link.text: link["href"] for link in page.select(".panel a")}
    assert "/bases/" in links["虚构市食品安全条例"]
    assert page.select_one(".panel mark")
    assert any(text.startswith("食品安全 ") for text in links)
    two = BeautifulSoup(client.get("/search?q=食品 直升机&lang=en").text, "html.parser")
    assert "食品 " in "|".join(link.text for link in two.select(".panel li"))
    narrowed = client.get("/search?q=食品&kind=organ&since=2020-01-01&lang=en").text
    assert "Clear filters" in narrowed
    assert "Decision 1" in narrowed


@pytest.mark.usefixtures("empty")
def test_republished_comes_first() -> None:
    enter(1, "砍树一", days_ago=5)
    enter(2, "砍树二", days_ago=3)
    enter(1, "砍树一改", days_ago=5)
    assert found("砍树", newest=True) == ["砍树二", "砍树一改"]
    service.remove(EntryKind.DECISION, 1)
    enter(1, "砍树一")
    assert found("砍树", newest=True) == ["砍树一", "砍树二"]
    enter(1, "砍树一", days_ago=9)
    assert found("砍树", newest=True) == ["砍树二", "砍树一"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SearchEntry)) == 2


@pytest.mark.usefixtures("empty")
def test_what_an_older_portal_entered_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    organ = make_organ()
    for number in range(5):
        day = clock.today() - timedelta(days=40 * number)
        entry = Entry(
            record_id=number, url="/x", title=f"砍树{number}", passage="林地", published_on=day, organ_id=organ.id
        )
        service.index(EntryKind.DECISION, entry)
    before = db.session.execute(sa.select(SearchEntry.id, SearchEntry.search_text).order_by(SearchEntry.id)).all()
    for number, row in enumerate(before):
        words = [word for word in row.search_text.split() if word[0] not in "§¶"]
        old = {"id": 90 - number, "search_text": " ".join(words)}
        db.session.execute(sa.update(SearchEntry).where(SearchEntry.id == row.id).values(old))
    db.session.commit()
    assert found("砍树", organ_id=organ.id) == []
    monkeypatch.setattr(service, "RENEWED_AT_ONCE", 2)
    assert (service.renew(), service.renew()) == (5, 0)
    assert found("砍树", organ_id=organ.id) == [f"砍树{number}" for number in range(5)]
    after = db.session.execute(sa.select(SearchEntry.id, SearchEntry.search_text).order_by(SearchEntry.id)).all()
    assert [(row.id, set(row.search_text.split())) for row in after] == [
        (row.id, set(row.search_text.split())) for row in before
    ]


@pytest.mark.usefixtures("empty")
def test_both_databases_give_the_answers_of_a_plain_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of its steps PostgreSQL takes: looking at the newest, into the index, or month by month."""
    source = random.Random(20261122)
    entered = []
    for number in range(300):
        text = "".join(source.choices("砍树罚款", weights=(8, 4, 2, 1), k=source.randrange(2, 9)))
        title = "".join(source.choices("砍树罚款", weights=(8, 4, 2, 1), k=source.randrange(2, 4)))
        day = clock.today() - timedelta(days=source.randrange(400))
        kind = source.choice([EntryKind.DECISION, EntryKind.DECISION, EntryKind.ORGAN])
        ends = source.choice([None, None, None, clock.today(), clock.today() - timedelta(days=1)])
        entry = Entry(record_id=number, url="/x", title=title, passage=text, published_on=day, published_until=ends)
        service.index(kind, entry)
        entered.append((rules.entry_id(kind, number, day), kind, title, text, day, ends))
    monkeypatch.setattr(queries, "COUNT_CAP", 100)
    for looked_at, in_hand in ((5, 10), (500, 10), (5, 1000)):
        monkeypatch.setattr(queries, "LOOKED_AT", looked_at)
        monkeypatch.setattr(queries, "SORTED", in_hand)
        for _ in range(40):
            query = " ".join(
                "".join(source.choices("砍树罚款", k=source.randrange(2, 4))) for _ in range(source.choice((1, 1, 2)))
            )
            asked = queries.Asked(
                query=query,
                on=clock.today(),
                kind=source.choice([None, EntryKind.DECISION, EntryKind.ORGAN]),
                since=source.choice([None, clock.today() - timedelta(days=200)]),
                until=source.choice([None, clock.today() - timedelta(days=90)]),
                newest=source.choice([True, False]),
            )
            skipped = source.choice((0, 0, 5, 40))
            assert list(queries.list_ids(asked, skipped=skipped, limit=5)) == plain(entered, asked)[skipped:][:5], asked
            counted = queries.count_by_kind(asked)
            whole = replace(asked, kind=None)
            kinds = {row[0]: row[1] for row in entered}
            expected = Counter(kinds[number] for number in plain(entered, whole))
            assert counted == {kind: min(number, 100) for kind, number in expected.items()}


def plain(entered: Sequence[tuple[Any, ...]], asked: queries.Asked) -> list[int]:
    """Return the ids that a query finds, by looking at everything."""
    wanted = set(rules.query_words(asked.query))
    hits = []
    for number, kind, title, text, day, ends in entered:
        if wanted <= set(rules.search_text(f"{title}\n{text}").split()) and not (
            (ends and ends < asked.on)
            or (asked.kind and kind != asked.kind)
            or (asked.since and day < asked.since)
            or (asked.until and day > asked.until)
        ):
            first = asked.newest or wanted <= set(rules.search_text(title).split())
            hits.append((0 if first else 1, -number))
    return [-number for _place, number in sorted(hits)]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    "query",
    ["虚监罚〔2026〕90017号", "虚监罚[2026]90017号", "虚监罚（２０２６）９００１７ 号", "虚监罚【2026】90017号"],
)
def test_whole_document_number_leads_to_its_decision_first(query: str) -> None:
    others = [make_decision(title=f"撤销虚监罚〔2026〕90017号第{number}案") for number in range(2)]
    wanted = make_decision(document_number="虚监罚(2026)90017号", title="未按规定公示许可证案")
    later = make_decision(facts="与虚监罚〔2026〕90017号同案。", title="另一案")
    ids = [rules.entry_id(EntryKind.DECISION, one.id, clock.today()) for one in (wanted, *reversed(others), later)]
    asked = queries.Asked(query=query, on=clock.today())
    assert queries.list_ids(asked, skipped=0, limit=9) == ids
    assert [queries.list_ids(asked, skipped=place, limit=1)[0] for place in range(4)] == ids
    assert queries.list_ids(replace(asked, newest=True), skipped=0, limit=9) == sorted(ids, reverse=True)


@pytest.mark.usefixtures("empty")
def test_part_of_a_document_number_is_words_like_any_other() -> None:
    make_decision(document_number="虚监罚〔2026〕70号", title="甲案")
    make_decision(document_number="虚监罚〔2025〕90017号", title="乙案 虚监罚 2026 70")
    assert found("虚监罚 2026 70")[0] == "乙案 虚监罚 2026 70"
