"""Everybody reads who enforces, and checks whether a card is valid today."""

from datetime import date

import pytest
import time_machine
from flask.testing import FlaskClient

from portal.organs import service
from portal.organs.models import Organ
from tests.factories.organs import make_organ


def make_officer(organ: Organ, number: str = "16080000001", *, valid_to: date = date(2027, 1, 1)) -> None:
    """Add an officer whose card runs from 2025 on."""
    service.add_officer(
        organ=organ,
        name="张虚构",
        card_number=number,
        valid_from=date(2025, 1, 1),
        valid_to=valid_to,
        category="行政执法",
    )


def test_list_counts_valid_cards_and_leaves_out_what_is_not_confirmed(client: FlaskClient) -> None:
    with time_machine.travel("2026-11-22T04:00:00Z", tick=False):
        organ = make_organ(name="虚构市甲局")
        make_officer(organ)
        make_officer(organ, "16080000002", valid_to=date(2026, 11, 21))
        make_organ(name="虚构市乙局", confirmed=False)
        make_organ(name="虚构市丙局", valid_to=date(2026, 1, 1))
        page = client.get("/organs?lang=en").text
    assert "虚构市甲局" in page
    assert "1 officer with a valid card" in page
    assert "虚构市乙局" not in page
    assert "虚构市丙局" not in page
    assert "张虚构" not in page


def test_organ_page_has_address_and_ground(client: FlaskClient) -> None:
    organ = make_organ(address="虚构路1号", phone="0391-1", legal_ground="市政府确认", valid_from=date(2019, 3, 1))
    page = client.get(f"/organs/{organ.slug}?lang=en").text
    for words in ("虚构路1号", "0391-1", "市政府确认", "1 March 2019"):
        assert words in page
    assert client.get("/organs/none").status_code == 404


def test_ended_organ_says_so(client: FlaskClient) -> None:
    organ = make_organ(valid_to=date(2020, 1, 1))
    assert "This organ ended on 1 January 2020." in client.get(f"/organs/{organ.slug}?lang=en").text


def test_new_organ_is_found(client: FlaskClient) -> None:
    service.create_organ(slug="testing", name="虚构市测试局", short_name="测试")
    assert "/organs/testing" in client.get("/search?q=测试局").text


@pytest.mark.parametrize(
    ("day", "typed", "words"),
    [
        ("2026-11-22", "16080000001", "Card valid"),
        ("2026-11-22", " 1608-000 ０００1", "Card valid"),
        ("2027-01-01", "16080000001", "Card valid"),
        ("2027-01-02", "16080000001", "This card expired on 2 January 2027."),
        ("2024-12-31", "16080000001", "Not valid yet"),
        ("2026-11-22", "16080000009", "No card with this number"),
    ],
)
def test_card_is_valid_or_not_on_the_day(client: FlaskClient, day: str, typed: str, words: str) -> None:
    with time_machine.travel(f"{day}T04:05:00Z", tick=False):
        make_officer(make_organ(name="虚构市甲局"))
        page = client.get("/officers/check", query_string={"number": typed, "lang": "en"}).text
    assert words in page
    assert f"{day} 12:05, Beijing time" in page
    assert ("虚构市甲局" in page) == (words != "No card with this number")


def test_suspended_card_is_no_longer_valid(client: FlaskClient) -> None:
    with time_machine.travel("2026-11-22T04:00:00Z", tick=False):
        organ = make_organ()
        make_officer(organ)
        organ.officers[0].suspended_on = date(2026, 11, 1)
        page = client.get("/officers/check?number=16080000001&lang=en").text
    assert "No longer valid" in page
    assert "This card expired on 1 November 2026." in page


@pytest.mark.parametrize("typed", ["", " ", "%", "1608%", "'" * 200, "\x00"])
def test_no_guess_lists_officers(client: FlaskClient, typed: str) -> None:
    make_officer(make_organ())
    answer = client.get("/officers/check", query_string={"number": typed})
    assert answer.status_code == 200
    assert "张虚构" not in answer.text
