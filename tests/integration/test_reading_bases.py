"""Everybody reads laws, finds their articles, and sees which decisions rest on one."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal.bases.models import BasisStatus
from portal.db import db
from portal.decisions.models import DecisionState
from tests.counting import counted_queries
from tests.factories.bases import article_of, make_basis
from tests.factories.decisions import make_decision


def test_list_filters_by_title_level_and_status(client: FlaskClient, tmp_path: Path) -> None:
    make_basis(tmp_path, title="虚构市甲条例")
    second = make_basis(tmp_path, title="虚构市乙办法")
    second.status, second.level = BasisStatus.REPEALED, "local_regulation"
    for query, shown in [
        ("", "甲乙"),
        ("?q=甲条", "甲"),
        ("?status=repealed", "乙"),
        ("?level=local_regulation", "乙"),
    ]:
        page = client.get(f"/bases{query}").text
        assert [name in page for name in ("虚构市甲条例", "虚构市乙办法")] == [name in shown for name in "甲乙"]
    assert "No results for these filters" in client.get("/bases?q=没有&lang=en").text


def test_list_without_filters_counts_all_and_leads_to_its_next_page(client: FlaskClient, tmp_path: Path) -> None:
    for number in range(21):
        make_basis(tmp_path, title=f"虚构市第{number}号办法")
    page = client.get("/bases?lang=en").text
    assert "21 texts" in page
    assert "Next page" in page
    assert "虚构市第0号办法" in page
    past_the_end = client.get("/bases?page=9999").text
    assert "虚构市第20号办法" in past_the_end
    assert "虚构市第0号办法" not in past_the_end


def test_law_has_contents_anchors_and_addresses(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    page = BeautifulSoup(client.get(f"/bases/{basis.slug}").text, "html.parser")
    assert [item["id"] for item in page.select(".article")] == ["a1", "a2", "a3", "a3-1", "a4"]
    assert [link["href"] for link in page.select("main details li a")] == ["#chapter-1", "#chapter-2"]
    assert len(page.select("h1")) == 1


def test_search_in_a_law_leaves_the_articles_that_hold_the_word(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    page = BeautifulSoup(client.get(f"/bases/{basis.slug}?q=罚款").text, "html.parser")
    assert [item["id"] for item in page.select(".article")] == ["a3", "a3-1"]
    assert "Nothing found" in client.get(f"/bases/{basis.slug}?q=没有的&lang=en").text


def test_repealed_law_says_so(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    basis.status = BasisStatus.REPEALED
    for path in (f"/bases/{basis.slug}?lang=en", f"/bases/{basis.slug}/articles/1?lang=en"):
        assert "Repealed; kept for reference" in client.get(path).text


def test_article_shows_its_neighbours_and_the_decisions_on_it(client: FlaskClient, tmp_path: Path) -> None:
    basis = make_basis(tmp_path)
    article = article_of(basis, 3)
    shown = make_decision(article=article)
    hidden = make_decision(article=article, state=DecisionState.WITHDRAWN)
    page = BeautifulSoup(client.get(f"/bases/{basis.slug}/articles/3").text, "html.parser")
    neighbours = [str(link["href"]).rsplit("/", 1)[1] for link in page.select("a[rel]")]
    assert neighbours == ["2", "3-1"]
    assert page.find("a", href=f"/decisions/{shown.id}")
    assert not page.find("a", href=f"/decisions/{hidden.id}")
    assert "（一）不测试的；" in page.text


@pytest.mark.parametrize("path", ["/bases/none", "/bases/{slug}/articles/99", "/bases/{slug}/articles/x"])
def test_unknown_addresses_are_not_found(client: FlaskClient, tmp_path: Path, path: str) -> None:
    assert client.get(path.format(slug=make_basis(tmp_path).slug)).status_code == 404


def test_lists_ask_the_database_little(client: FlaskClient, tmp_path: Path) -> None:
    for _ in range(5):
        make_basis(tmp_path)
    db.session.commit()
    with counted_queries() as seen:
        client.get("/bases")
    assert len(seen) <= 3
