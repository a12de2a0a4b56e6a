"""The party of a decision answers on the page behind a one-time link: opened as often as one likes, used once."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.contacts.models import Contact
from portal.db import db
from portal.decisions.models import DecisionKind
from portal.messages.models import Message
from portal.revisits.models import FollowUp, Revisit, RevisitState
from portal.revisits.service import link_for, record_answer
from portal.security import link_token
from tests.factories.revisits import make_revisit

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)  # A Friday, 10 in the morning.
ENGLISH = {"lang": "en"}


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def path_of(revisit: Revisit) -> str:
    return link_for(revisit.id).removeprefix("http://portal.test")


def test_link_is_short_and_its_token_is_not_stored(app: Flask) -> None:
    revisit = make_revisit()
    token = path_of(revisit).removeprefix("/r/")
    assert len(token) == 12
    message = db.session.scalars(sa.select(Message)).one()
    assert token not in f"{revisit.token_hash} {message.values} {message.key} {message.subject}"


def test_page_asks_one_question_and_tells_nothing_else(client: FlaskClient) -> None:
    revisit = make_revisit()
    answer = client.get(path_of(revisit), query_string=ENGLISH)
    page = BeautifulSoup(answer.text, "html.parser")
    assert [heading.text for heading in page.select("h1")] == ["How satisfied are you with this inspection?"]
    assert [item["value"] for item in page.select("input[name=grade]")] == ["5", "4", "3", "2", "1"]
    assert page.select("input[checked]") == []
    assert page.select("header nav") == []
    assert revisit.decision.organ.name in answer.text
    assert "13 November 2026" in answer.text
    assert revisit.contact is not None
    for secret in (revisit.decision.party.name, revisit.contact.phone[3:], revisit.decision.document_number):
        assert secret not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_question_fits_what_was_decided(client: FlaskClient) -> None:
    revisit = make_revisit(kind=DecisionKind.PENALTY)
    page = client.get(path_of(revisit), query_string=ENGLISH).text
    assert "How satisfied are you with how this case was handled?" in page
    assert "Administrative penalty" in page


def test_prefetching_never_uses_the_link_up(client: FlaskClient) -> None:
    path = path_of(make_revisit())
    assert [client.get(path).status_code for _ in range(3)] == [200] * 3
    assert client.head(path).status_code == 200
    assert client.options(path).status_code == 200
    assert client.post(path, data={"grade": "5"}).status_code == 200


def test_lower_case_link_works(client: FlaskClient) -> None:
    path = path_of(make_revisit())
    assert client.get("/r/" + path.removeprefix("/r/").lower()).status_code == 200


def test_answer_is_kept_once(client: FlaskClient) -> None:
    revisit = make_revisit()
    path = path_of(revisit)
    thanks = client.post(path, data={"grade": "4", "comment": " 很好 "}, query_string=ENGLISH)
    assert thanks.status_code == 200
    assert "Thank you, received" in thanks.text
    assert (revisit.state, revisit.grade, revisit.comment, revisit.channel) == ("answered", 4, "很好", "link")
    assert revisit.follow_up is None
    for again in (client.get(path, query_string=ENGLISH), client.post(path, data={"grade": "1"}, query_string=ENGLISH)):
        assert again.status_code == 410
        assert "This link has been used" in again.text
    assert db.session.get_one(Revisit, revisit.id).grade == 4


@pytest.mark.parametrize("form", [{}, {"grade": "6"}, {"grade": "x"}, {"grade": "5", "comment": "长" * 501}])
def test_incomplete_answer_is_asked_again_and_keeps_what_was_typed(client: FlaskClient, form: dict[str, str]) -> None:
    revisit = make_revisit()
    answer = client.post(path_of(revisit), data={"comment": "写了很多", **form}, query_string=ENGLISH)
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.select("[role=alert] a")
    assert page.title is not None
    assert page.title.text.startswith("Error:")
    assert page.select_one("textarea").text == form.get("comment", "写了很多")  # type: ignore[union-attr]
    assert db.session.get_one(Revisit, revisit.id).state is RevisitState.ASKED


@pytest.mark.parametrize("grade", ["1", "2"])
def test_bad_grade_opens_a_follow_up(client: FlaskClient, grade: str) -> None:
    revisit = make_revisit()
    page = client.post(path_of(revisit), data={"grade": grade}, query_string=ENGLISH)
    assert "We will call you by 23 November 2026" in page.text
    assert db.session.scalars(sa.select(FollowUp)).one().revisit_id == revisit.id
    assert db.session.scalar(sa.select(Message.template).where(Message.key == f"low-grade:{revisit.id}")) == "low_grade"


def test_good_grade_with_a_wish_for_a_call_opens_one_too(client: FlaskClient) -> None:
    revisit = make_revisit()
    client.post(path_of(revisit), data={"grade": "5", "call_back": "y"})
    assert revisit.call_back
    assert db.session.scalars(sa.select(FollowUp)).one().revisit_id == revisit.id


def test_not_me_stops_texts_and_leaves_it_to_a_person(client: FlaskClient) -> None:
    revisit = make_revisit()
    page = client.post(path_of(revisit), data={"action": "stop"}, query_string=ENGLISH)
    assert (page.status_code, "No more messages" in page.text) == (200, True)
    assert revisit.state is RevisitState.PERSON
    assert db.session.scalars(sa.select(Contact.opted_out_at)).one() == NOW
    assert client.post(path_of(revisit), data={"grade": "5"}).status_code == 410
    assert revisit.grade is None


def test_expired_link_says_so(client: FlaskClient, frozen: time_machine.Traveller) -> None:
    path = path_of(make_revisit())
    frozen.move_to(NOW + timedelta(days=29))
    assert client.get(path).status_code == 200
    frozen.move_to(NOW + timedelta(days=30))
    for answer in (
        client.get(path, query_string=ENGLISH),
        client.post(path, data={"grade": "5"}, query_string=ENGLISH),
    ):
        assert answer.status_code == 410
        assert "This link has expired, please call 0391-0000000" in answer.text
    assert db.session.scalars(sa.select(Revisit.grade)).one() is None


@pytest.mark.parametrize("token", ["ABCDEFGHJKLM", "x", "1", "查询", "A" * 5000, "%00", "'--", "ABCDEFGHJKLM%2F.."])
def test_unknown_link_looks_expired(client: FlaskClient, token: str) -> None:
    make_revisit()
    for answer in (client.get(f"/r/{token}", query_string=ENGLISH), client.post(f"/r/{token}", query_string=ENGLISH)):
        assert answer.status_code == 404
    assert client.get(f"/r/{token}", query_string=ENGLISH).headers["Cache-Control"] == "no-store"


def test_forged_link_has_the_words_of_an_expired_one(client: FlaskClient) -> None:
    page = client.get("/r/ABCDEFGHJKLM", query_string=ENGLISH).text
    assert "This link has expired, please call 0391-0000000" in page


def test_link_of_another_secret_key_opens_nothing(client: FlaskClient, app: Flask) -> None:
    revisit = make_revisit()
    key, app.config["SECRET_KEY"] = app.config["SECRET_KEY"], "another-key-another-key-another-key"
    forged = link_token("revisit", str(revisit.id))
    app.config["SECRET_KEY"] = key
    assert client.get(f"/r/{forged}").status_code == 404


def test_a_grade_by_text_uses_the_link_up(client: FlaskClient) -> None:
    revisit = make_revisit()
    assert record_answer(revisit_id=revisit.id, grade=5, channel="sms")
    assert client.get(path_of(revisit)).status_code == 410


def test_cross_site_post_is_refused(client: FlaskClient, app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    revisit = make_revisit()
    assert client.post(path_of(revisit), data={"grade": "1"}).status_code == 400
    assert revisit.grade is None
