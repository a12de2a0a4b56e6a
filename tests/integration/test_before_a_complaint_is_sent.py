"""Before a complaint is sent its sender reads what may answer it, what anonymity costs, and what data is kept."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.case_types.queries import get_case_type
from portal.complaints.models import Complaint
from portal.db import db
from portal.search.models import EntryKind
from portal.search.service import Entry, index
from tests.factories.complaints import PAGES, Sender, code_of, errors, make_complaint
from tests.factories.organs import make_organ
from tests.factories.parties import make_party

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def text_of(html: str, selector: str) -> str:
    """Return the words of a part of a page, or none."""
    part = BeautifulSoup(html, "html.parser").select_one(selector)
    return part.text if part else ""


def publish(title: str, kind: EntryKind = EntryKind.PROCEDURE) -> None:
    """Enter something public into the index."""
    entry = Entry(record_id=len(title), url=f"/x/{len(title)}", title=title, passage="", published_on=date(2026, 1, 1))
    index(kind, entry)


def test_what_is_public_on_the_subject_is_offered_and_can_be_skipped(client: FlaskClient) -> None:
    publish("检查人员出示证件的程序")
    publish("种子生产经营")
    publish("检查人员出示证件：某执法局", EntryKind.ORGAN)
    publish("没有出示证件怎么办", EntryKind.ANSWER)
    db.session.commit()
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    page = sender.turn(PAGES[2]).text
    offered = BeautifulSoup(page, "html.parser").select("aside a")
    assert [link.text for link in offered] == ["没有出示证件怎么办", "检查人员出示证件的程序"]
    assert all(link["target"] == "_blank" for link in offered)
    sender.turn(PAGES[3])
    sender.send()


def test_nothing_on_the_subject_shows_no_empty_box(client: FlaskClient) -> None:
    publish("种子生产经营")
    db.session.commit()
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    assert "<aside" not in sender.turn(PAGES[2]).text


def test_a_kind_that_needs_a_name_offers_nothing_else(client: FlaskClient) -> None:
    get_case_type("conduct").anonymous = False
    db.session.commit()
    sender = Sender(client)
    sender.turn(PAGES[0])
    sender.turn(PAGES[1])
    page = sender.turn(PAGES[2]).text
    assert 'value="anonymous"' not in page
    answer = sender.turn({"how": "anonymous"})
    assert answer.status_code == 422
    assert errors(answer.text)
    other = Sender(client)
    other.turn({"kind": "report"})
    other.turn(PAGES[1])
    assert 'value="anonymous"' in other.turn(PAGES[2]).text


def test_anonymity_is_explained_before_sending_only_to_whom_it_concerns(client: FlaskClient) -> None:
    client.get("/complaints/new?lang=en")
    sender = Sender(client)
    assert "You stay anonymous" not in sender.fill().text
    other = Sender(client)
    page = other.fill({4: {"how": "anonymous"}}).text
    assert "You stay anonymous" in page
    assert "a lost code cannot be replaced" in page


@pytest.mark.parametrize(("months", "words"), [(60, "5 years after"), (24, "2 years after"), (18, "18 months after")])
def test_notice_says_who_what_for_and_how_long(client: FlaskClient, months: int, words: str) -> None:
    get_case_type("conduct").keep_months = months
    db.session.commit()
    client.get("/complaints/new?lang=en")
    sender = Sender(client)
    page = sender.fill().text
    for part in (words, "Who is responsible", "What for", "Your rights", "articles 13, 17 and 35"):
        assert part in page


def test_address_is_kept_with_the_name_or_not_at_all(client: FlaskClient) -> None:
    sender = Sender(client)
    page = sender.fill({4: {"address": "虚构街1号"}})
    assert "虚构街1号" in page.text
    sender.send()
    other = Sender(client)
    other.fill({4: {"how": "anonymous", "address": "虚构街1号"}, 3: {"facts": "另一件"}})
    other.send()
    named, anonymous = db.session.query(Complaint).order_by(Complaint.id)
    assert (named.sender_address, anonymous.sender_address) == ("虚构街1号", "")
    assert anonymous.identity_sealed is None


def test_street_comes_from_the_register(client: FlaskClient) -> None:
    make_party(street="会昌街道")
    db.session.commit()
    sender = Sender(client)
    sender.turn(PAGES[0])
    assert 'value="会昌街道"' in sender.turn(PAGES[1]).text
    assert sender.turn(PAGES[2] | {"street": "不在名单"}).status_code == 422
    assert sender.turn(PAGES[2] | {"street": "会昌街道", "place": "路口"}).status_code == 200
    assert "会昌街道 路口" in sender.turn(PAGES[3]).text
    sender.send()
    assert db.session.query(Complaint).one().street == "会昌街道"


def file_and_open(client: FlaskClient, **changes: str) -> Complaint:
    """Return a case that is open in this browser."""
    complaint = make_complaint(category="card", **changes)  # type: ignore[arg-type]
    db.session.commit()
    client.post("/complaints/track", data={"number": complaint.number, "code": code_of(complaint)})
    return complaint


def test_a_case_like_it_is_pointed_out_to_whoever_holds_its_code(app: Flask, client: FlaskClient) -> None:
    complaint = file_and_open(client)
    number = complaint.number
    page = Sender(client).fill().text
    assert number in page
    # Somebody else who says the same, with the same phone, learns nothing of it.
    assert number not in Sender(app.test_client()).fill().text


def test_another_matter_or_long_ago_is_not_pointed_out(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as moving:
        number = file_and_open(client).number
        assert number not in Sender(client).fill({1: {"category": "fee"}}).text
        moving.shift(31 * 24 * 3600)
        client.post("/complaints/track", data={"number": number, "code": code_of_again()})
        assert number not in Sender(client).fill().text


def code_of_again() -> str:
    """Return a new code of the only case there is: the first can no longer be shown."""
    from portal.complaints.service import make_code

    code = make_code()
    db.session.query(Complaint).one().code_hash = code.hash
    db.session.commit()
    return code.code


def test_the_same_organ_is_enough_and_nothing_is_blocked(client: FlaskClient) -> None:
    organ = make_organ()
    number = file_and_open(client, organ_id=organ.id).number  # type: ignore[arg-type]
    sender = Sender(client)
    page = sender.fill({1: {"category": "fee"}, 2: {"organ": str(organ.id)}})
    assert number in page.text
    sender.send()
    assert db.session.query(Complaint).count() == 2


def test_whoever_just_sent_one_is_led_to_its_receipt(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill()
    number, code = sender.send()
    page = Sender(client).fill().text
    assert number in page
    assert code not in page
    links = [str(link["href"]) for link in BeautifulSoup(page, "html.parser").select(".panel--warn a")]
    assert links == ["/complaints/receipt"]
