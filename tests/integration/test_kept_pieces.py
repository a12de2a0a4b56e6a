"""Pieces of pages that are kept between requests follow language, mode, section and data at once."""

import re

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import rendering
from portal.db import db
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ


def render(app: Flask, source: str, **values: object) -> str:
    """Render a piece of template as pages are rendered."""
    return app.jinja_env.from_string(source).render(**values)


def test_piece_is_made_once_for_each_language_and_value(app: Flask) -> None:
    made: list[tuple[str, object]] = []
    source = '{% kept "piece", value %}{{ make(locale, value) }}{% endkept %}'

    def make(locale: str, value: object) -> str:
        made.append((locale, value))
        return f"{locale}-{value}"

    asked = [("en", 1), ("zh_Hans", 1), ("en", 2), ("en", 1), ("zh_Hans", 1)]
    told = [render(app, source, locale=locale, value=value, make=make) for locale, value in asked]
    assert told == [f"{locale}-{value}" for locale, value in asked]
    assert made == asked[:3]


def test_nothing_is_kept_for_no_value(app: Flask) -> None:
    source = '{% kept "piece", none %}{{ word }}{% endkept %}'
    assert [render(app, source, locale="en", word=word) for word in ("first", "second")] == ["first", "second"]


def test_piece_is_escaped_once(app: Flask) -> None:
    source = "{% autoescape true %}{% kept 'cell', word %}<b>{{ word }}</b>{% endkept %}{% endautoescape %}"
    assert {render(app, source, locale="en", word="a < b") for _ in range(2)} == {"<b>a &lt; b</b>"}


def test_pieces_are_bounded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_PIECES", 5)
    pieces = app.jinja_env.extensions["portal.rendering.KeptPieces"].pieces  # type: ignore[attr-defined]
    for value in range(23):
        assert render(app, '{% kept "n", n %}{{ n }}{% endkept %}', locale="en", n=value) == str(value)
        assert len(pieces) <= 5


def test_frame_follows_language_mode_and_section(client: FlaskClient) -> None:
    for query, words in (
        ("lang=en", ("Enforcement service", "Large letters", "Site map")),
        ("lang=zh_Hans", ("政府", "网站地图")),
        ("lang=en&mode=elder", ("Enforcement service", "Standard view", "Site map")),
    ):
        for section, marked in (("/decisions", "/decisions"), ("/organs", "/officers/check"), ("/bases", None)):
            page = BeautifulSoup(client.get(f"{section}?{query}").text, "html.parser")
            frame = " ".join(part.text for part in page.select("nav.strip, header, footer"))
            assert all(word.lower() in frame.lower() for word in words), (query, frame)
            links = {link["href"] for link in page.select("header [aria-current]")}
            assert links == ({marked} if marked else set())


def test_filter_knows_an_organ_as_soon_as_it_is_there(client: FlaskClient) -> None:
    organ = make_organ()
    before = client.get("/decisions").text
    assert f">{organ.name}</option>" in before
    organ.name = "虚构市新设局"
    db.session.commit()
    assert ">虚构市新设局</option>" in client.get("/decisions").text


def test_row_follows_its_decision(client: FlaskClient) -> None:
    decision = make_decision(title="虚构旧标题")
    assert "虚构旧标题" in client.get("/decisions").text
    decision.title = "虚构新标题"
    db.session.commit()
    page = client.get("/decisions").text
    assert "虚构新标题" in page
    assert "虚构旧标题" not in page


def test_kept_filter_is_not_shown_to_who_filters(client: FlaskClient) -> None:
    make_decision()
    client.get("/decisions")
    page = BeautifulSoup(client.get("/decisions?kind=penalty&q=x").text, "html.parser")
    chosen, typed = page.select_one("#kind option[selected]"), page.select_one("#q")
    assert chosen is not None
    assert typed is not None
    assert (chosen["value"], typed["value"]) == ("penalty", "x")
    plain = BeautifulSoup(client.get("/decisions").text, "html.parser")
    assert plain.select("option[selected]") == []


def test_first_page_of_a_complaint_shows_nobody_what_others_chose(client: FlaskClient) -> None:
    first = client.get("/complaints/new").text
    assert "checked" not in first
    chosen = client.post("/complaints/new", data={"page": "1", "kind": "report", "category": "fee", "go": "stay"})
    assert 'value="report" checked' in chosen.text
    assert 'value="fee" selected' in chosen.text
    refused = client.post("/complaints/new", data={"page": "1", "go": "next"})
    assert refused.status_code == 422
    assert "field__error" in refused.text
    assert "Not sure? Pick the closest" in client.get("/complaints/new?lang=en").text
    client.delete_cookie("lang")
    again = client.get("/complaints/new").text
    assert without_draft(again) == without_draft(first)


def without_draft(page: str) -> str:
    """Return a form's page without what is new at each opening."""
    return re.sub(r'name="(draft|csrf_token)" value="[^"]*"', "", page)
