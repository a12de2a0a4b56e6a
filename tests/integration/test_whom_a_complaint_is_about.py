"""Whom a complaint is about is found on page two, without telling anybody who works where."""

import re

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import limits
from portal.complaints.models import Complaint
from portal.db import db
from tests.factories.complaints import PAGES, Sender, errors
from tests.factories.organs import make_officer, make_organ


@pytest.fixture
def sender(client: FlaskClient) -> Sender:
    """Somebody on the second page."""
    organ = make_organ(name="虚构市城市管理局")
    make_organ(name="虚构市司法局", supervises=True)
    make_officer(organ)
    db.session.commit()
    sender = Sender(client)
    sender.turn(PAGES[0])
    return sender


def picks(html: str) -> list[str]:
    """Return what the page offers to pick."""
    buttons = BeautifulSoup(html, "html.parser").select("button[name=pick]")
    return [str(button["value"]) for button in buttons]


def pick(sender: Sender, value: str) -> str:
    """Pick something that was found."""
    sender.turn({"pick": value}, go="")
    return str(sender.answer.text)


def finish(sender: Sender) -> Complaint:
    """Fill in the rest with what page two holds, and send it."""
    chosen = BeautifulSoup(sender.answer.text, "html.parser").select_one("#organ option[selected]")
    sender.turn({"organ": str(chosen["value"]) if chosen and chosen["value"] else "0"})
    sender.turn(PAGES[2])
    sender.turn(PAGES[3])
    sender.send()
    return db.session.query(Complaint).one()


@pytest.mark.parametrize("words", ["张虚构", "1608 0000-001", "１６０８００００００１"])
def test_officer_is_found_by_whole_name_or_card(sender: Sender, words: str) -> None:
    sender.turn({"look": words}, go="look")
    assert "16080000001" not in sender.answer.text.replace(words, "")
    (found,) = picks(sender.answer.text)
    page = pick(sender, found)
    assert "虚构市城市管理局" in page
    assert "nobody:" in picks(page)
    complaint = finish(sender)
    assert complaint.officer == "张虚构 16080000001"
    assert complaint.organ is not None
    assert complaint.organ.name == "虚构市城市管理局"
    assert complaint.delicate


def test_part_of_a_name_or_number_finds_no_officer(sender: Sender) -> None:
    for words in ("张", "虚构", "1608", "%", "", "张虚构 OR 1=1"):
        sender.turn({"look": words}, go="look")
        assert not any(found.startswith("officer") for found in picks(sender.answer.text)), words


def test_only_what_was_found_can_be_picked(sender: Sender) -> None:
    for forged in ("officer:1", "officer:x", "organ:999", "nonsense", "officer:"):
        assert "张虚构" not in pick(sender, forged)
    assert finish(sender).officer == ""


def test_an_officer_can_be_taken_out_again(sender: Sender) -> None:
    sender.turn({"look": "张虚构"}, go="look")
    pick(sender, picks(sender.answer.text)[0])
    assert "张虚构" not in pick(sender, "nobody:")
    assert finish(sender).officer == ""


def test_organ_is_found_by_part_of_its_name(sender: Sender) -> None:
    sender.turn({"look": "城市管理", "officer": "一个高个子"}, go="look")
    (found,) = picks(sender.answer.text)
    page = pick(sender, found)
    assert "一个高个子" not in page or 'value="一个高个子"' in page
    complaint = finish(sender)
    assert complaint.organ is not None
    assert complaint.organ.name == "虚构市城市管理局"


def test_nothing_found_says_what_to_do(sender: Sender) -> None:
    sender.turn({"look": "不存在的单位"}, go="look")
    assert sender.answer.status_code == 200
    assert picks(sender.answer.text) == []
    assert BeautifulSoup(sender.answer.text, "html.parser").select_one("#found")


def test_card_checked_before_leads_here(client: FlaskClient) -> None:
    organ = make_organ(name="虚构市城市管理局")
    make_officer(organ)
    db.session.commit()
    link = re.search(r'href="(/complaints/new\?officer=[^"]+)"', client.get("/officers/check?number=16080000001").text)
    assert link
    sender = Sender(client)
    sender.answer = client.get(link.group(1))
    sender.turn(PAGES[0])
    assert "16080000001" in sender.answer.text
    assert finish(sender).officer == "张虚构 16080000001"


def test_a_card_nobody_has_is_left_out(client: FlaskClient) -> None:
    for nonsense in ("0000", "%00", "x" * 5000, "' OR 1=1"):
        assert client.get("/complaints/new", query_string={"officer": nonsense}).status_code == 200


def test_cards_cannot_be_tried_through(app: Flask, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["RATELIMIT_ENABLED"] = True
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS | {"officer": limits.Limit(((2, limits.DAY),))})
    limits.forget()
    for _ in range(2):
        assert sender.turn({"look": "张虚构"}, go="look").status_code == 200
    answer = sender.turn({"look": "张虚构", "officer": "还在这里"}, go="look")
    limits.forget()
    assert answer.status_code == 429
    assert errors(answer.text)
    assert picks(answer.text) == []
    assert "还在这里" in answer.text
