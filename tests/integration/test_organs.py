"""Everybody reads who enforces, who was recognised to, and whether a card is valid today."""

from datetime import date

import time_machine
from flask.testing import FlaskClient

from portal.db import db
from portal.decisions.models import DecisionState
from portal.organs import service
from portal.organs.models import OrganKind, Recognition
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.factories.organs import make_officer, make_organ, make_power, transfer

NOON = "2026-11-22T04:00:00Z"


def announce(year: int, *organ_ids: int, title: str = "") -> Recognition:
    """Publish a year's announcement."""
    said = service.Announcement(
        year=year,
        title=title or f"虚构市{year}年度行政执法主体公告",
        announced_on=date(year, 1, 20),
        document_number=f"虚政〔{year}〕1号",
        issuer="虚构市人民政府",
        body="现将本年度行政执法主体予以公告。\n特此公告。",
        organ_ids=organ_ids,
    )
    return service.announce(announcement=said, staff_id=None)


def test_list_counts_valid_cards_and_leaves_out_what_is_not_confirmed(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        organ = make_organ(name="虚构市甲局")
        make_officer(organ)
        make_officer(organ, "16080000002", valid_to=date(2026, 11, 21))
        make_officer(organ, "16080000003").suspended_on = date(2026, 11, 22)
        make_organ(name="虚构市乙局", confirmed=False)
        make_organ(name="虚构市丙局", valid_to=date(2026, 1, 1))
        page = client.get("/organs?lang=en").text
    assert "虚构市甲局" in page
    assert "1 officer with a valid card" in page
    assert "虚构市乙局" not in page
    assert "虚构市丙局" not in page
    assert "张虚构" not in page


def test_list_is_narrowed_by_word_ground_and_state(client: FlaskClient) -> None:
    make_organ(name="虚构市甲局", short_name="甲局", address="虚构路8号")
    make_organ(name="虚构市乙大队", kind=OrganKind.AUTHORISED)
    make_organ(name="虚构市丙局", valid_to=date(2020, 1, 1))
    for query, shown in (
        ("q=虚构路8", {"甲局"}),
        ("kind=authorised", {"乙大队"}),
        ("state=ended", {"丙局"}),
        ("kind=nonsense&state=nonsense&page=x", {"甲局", "乙大队"}),
        ("q=%25", set()),
    ):
        page = client.get(f"/organs?{query}").text
        assert {name for name in ("甲局", "乙大队", "丙局") if f"虚构市{name}" in page} == shown, query
    assert "No results for these filters" in client.get("/organs?q=none&lang=en").text


def test_organ_page_has_address_and_ground(client: FlaskClient) -> None:
    organ = make_organ(address="虚构路1号", phone="0391-1", legal_ground="市政府确认", valid_from=date(2019, 3, 1))
    page = client.get(f"/organs/{organ.slug}?lang=en").text
    for words in ("虚构路1号", "0391-1", "市政府确认", "1 March 2019"):
        assert words in page
    assert client.get("/organs/none").status_code == 404


def test_ended_organ_keeps_its_page_and_leads_to_who_follows_and_back(client: FlaskClient) -> None:
    new = make_organ(name="虚构市新局")
    old = make_organ(name="虚构市旧局", valid_to=date(2020, 1, 1), successor_id=new.id)
    page = client.get(f"/organs/{old.slug}?lang=en").text
    assert "This organ ended on 1 January 2020." in page
    assert f'href="/organs/{new.slug}"' in page
    assert f'href="/decisions?organ={old.id}"' in page
    page = client.get(f"/organs/{new.slug}?lang=en").text
    assert f'href="/organs/{old.slug}"' in page
    assert f'href="/decisions?organ={old.id}"' in page


def test_ended_organ_that_nobody_follows_says_so(client: FlaskClient) -> None:
    organ = make_organ(valid_to=date(2020, 1, 1))
    assert "No organ is entered that follows it." in client.get(f"/organs/{organ.slug}?lang=en").text


def test_organ_page_shows_its_powers_of_today_and_its_public_decisions(client: FlaskClient) -> None:
    organ, other = make_organ(), make_organ()
    make_power(organ, name="自有职权")
    given = make_power(other, name="移来职权")
    transfer(given, organ, date(2020, 1, 1))
    gone = make_power(organ, name="移走职权")
    transfer(gone, other, date(2020, 1, 1))
    make_power(organ, name="过去职权", valid_to=date(2020, 1, 1))
    make_decision(organ=organ, title="公示的决定", state=DecisionState.PUBLISHED)
    make_decision(organ=organ, title="未公示的决定", state=DecisionState.DRAFT)
    page = client.get(f"/organs/{organ.slug}?lang=en").text
    names = ("自有职权", "移来职权", "移走职权", "过去职权", "公示的决定", "未公示的决定")
    assert {name for name in names if f">{name}<" in page} == {"自有职权", "移来职权", "公示的决定"}
    assert "Its power list: 2 items" in page


def test_organ_page_runs_a_fixed_number_of_queries(client: FlaskClient) -> None:
    organ = make_organ()
    make_power(organ)
    with counted_queries() as few:
        client.get(f"/organs/{organ.slug}")
    for number in range(12):
        make_power(organ)
        make_decision(organ=organ, state=DecisionState.PUBLISHED)
        make_organ(valid_to=date(2020, 1, 1), successor_id=organ.id)
        announce(2001 + number, organ.id)
    with counted_queries() as many:
        client.get(f"/organs/{organ.slug}")
    assert len(many) == len(few)


def test_announcement_of_a_year_has_its_text_and_organs(client: FlaskClient) -> None:
    organ, other = make_organ(name="虚构市甲局"), make_organ(name="虚构市乙局")
    announce(2026, organ.id)
    page = client.get("/organs/recognitions/2026?lang=en").text
    said = ("虚构市2026年度行政执法主体公告", "虚政〔2026〕1号", "特此公告。", "虚构市甲局", "1 organ recognised")
    for words in said:
        assert words in page
    assert "虚构市乙局" not in page
    assert 'href="/organs/recognitions/2026"' in client.get("/organs/recognitions").text
    assert 'href="/organs/recognitions/2026"' in client.get(f"/organs/{organ.slug}").text
    assert 'href="/organs/recognitions/2026"' not in client.get(f"/organs/{other.slug}").text
    assert client.get("/organs/recognitions/2025").status_code == 404


def test_no_announcement_yet_says_so(client: FlaskClient) -> None:
    assert "Nothing here yet" in client.get("/organs/recognitions?lang=en").text


def test_new_organ_is_found(client: FlaskClient) -> None:
    service.create_organ(slug="testing", name="虚构市测试局", short_name="测试")
    assert "/organs/testing" in client.get("/search?q=测试局").text


def test_card_is_valid_or_not_on_the_day(client: FlaskClient) -> None:
    make_officer(make_organ(name="虚构市甲局"))
    for day, typed, words in (
        ("2026-11-22", "16080000001", "Card valid"),
        ("2026-11-22", " 1608-000 ０００1", "Card valid"),
        ("2027-01-01", "16080000001", "Card valid"),
        ("2027-01-02", "16080000001", "The last day of this card was 1 January 2027."),
        ("2024-12-31", "16080000001", "This card is valid from 1 January 2025 on."),
        ("2026-11-22", "16080000009", "No card with this number"),
    ):
        with time_machine.travel(f"{day}T04:05:00Z", tick=False):
            answer = client.get("/officers/check", query_string={"number": typed, "lang": "en"})
        assert words in answer.text, day
        assert f"{day} 12:05, Beijing time" in answer.text
        assert ("虚构市甲局" in answer.text) == (words != "No card with this number")
        assert answer.headers["Cache-Control"] == "no-store"


def test_card_suspended_or_of_an_ended_organ_does_not_count(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        organ = make_organ()
        officer = make_officer(organ)
        for suspended_on, words in (
            (date(2026, 11, 1), "This card has been suspended since 1 November 2026."),
            (date(2026, 11, 22), "This card has been suspended since 22 November 2026."),
            (date(2026, 11, 23), "Card valid"),
        ):
            officer.suspended_on = suspended_on
            assert words in client.get("/officers/check?number=16080000001&lang=en").text
            officer = db.session.merge(officer)
        organ = db.session.merge(organ)
        organ.valid_to = date(2026, 11, 21)
        page = client.get("/officers/check?number=16080000001&lang=en").text
    assert "The last day of this card was 21 November 2026." in page


def test_no_guess_lists_officers(client: FlaskClient) -> None:
    make_officer(make_organ())
    for typed in ("", " ", "%", "1608%", "'" * 200, "\x00"):
        answer = client.get("/officers/check", query_string={"number": typed})
        assert answer.status_code == 200
        assert "张虚构" not in answer.text
