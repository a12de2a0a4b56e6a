"""One box finds everything that is public, the same on both databases, and never breaks."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal import clock
from portal.db import db
from portal.search import queries, service
from portal.search.models import EntryKind
from portal.search.service import Entry
from tests.counting import counted_queries
from tests.factories.bases import make_basis
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ


def enter(number: int, title: str, passage: str = "", kind: EntryKind = EntryKind.DECISION, days_ago: int = 0) -> None:
    """Enter something into the index."""
    day = clock.today() - timedelta(days=days_ago)
    service.index(kind, Entry(record_id=number, url=f"/x/{number}", title=title, passage=passage, published_on=day))


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
        ("棵", ["砍树一棵", "未挂牌照"]),
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
    assert "罚款一千元" in page.text
    assert "别的" not in page.text


def test_search_asks_the_database_twice(client: FlaskClient) -> None:
    make_organ()
    enter(1, "罚款")
    db.session.commit()
    with counted_queries() as seen:
        client.get("/search?q=罚款")
    assert len(seen) == 2
