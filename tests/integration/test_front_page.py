"""The front page says what can be done, and stays up when one of its blocks fails."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.db import db
from portal.decisions.models import DecisionState
from portal.permits.service import ask_for_call
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ
from tests.factories.permits import make_permit


def test_tasks_counts_and_newest_decisions(client: FlaskClient) -> None:
    organ = make_organ()
    made = [make_decision(organ=organ, title=f"第{n}案") for n in range(7)]
    page = BeautifulSoup(client.get("/?lang=en").text, "html.parser")
    tasks = [link["href"] for link in page.select(".cards--ochre a")]
    assert tasks == ["/complaints/new", "/complaints/track", "/officers/check", "/procedures/permit-renewal"]
    cards = {link["href"]: link.text for link in page.select(".cards:not(.cards--ochre) a")}
    assert cards["/decisions"] == "Enforcement decisions 7"
    assert cards["/organs"] == "Enforcement organs 1"
    assert cards["/procedures"] == "Enforcement procedures 6"
    newest = [link["href"] for link in page.select("section .list a")]
    assert newest == [f"/decisions/{decision.id}" for decision in reversed(made[-5:])]


def test_empty_city_says_so(client: FlaskClient) -> None:
    assert "Nothing published in the last 30 days" in client.get("/?lang=en").text


def test_figures_look_back_thirty_days(client: FlaskClient) -> None:
    make_decision()
    make_decision(published_at=clock.now() - timedelta(days=40))
    page = BeautifulSoup(client.get("/?lang=en").text, "html.parser")
    figures = {item.dt.text: item.dd.text for item in page.select(".keys > div")}  # type: ignore[union-attr]
    assert figures["Decisions published"] == "1"


def test_broken_block_is_left_out(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    make_decision(title="仍在的案")
    db.session.execute(sa.text("ALTER TABLE complaint RENAME TO complaint_gone"))
    answer = client.get("/?lang=en")
    assert answer.status_code == 200
    assert "仍在的案" in answer.text
    assert "The last 30 days" not in answer.text
    assert "without its block figures" in caplog.text


def test_front_page_needs_no_cookie_and_few_questions(client: FlaskClient) -> None:
    make_decision()
    db.session.commit()
    with counted_queries() as seen:
        answer = client.get("/")
    assert len(seen) <= 9
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/accessibility", "/privacy", "/sitemap"])
@pytest.mark.parametrize("locale", ["zh_Hans", "en"])
def test_pages_about_the_portal_have_real_text(client: FlaskClient, path: str, locale: str) -> None:
    page = BeautifulSoup(client.get(f"{path}?lang={locale}").text, "html.parser")
    assert len(page.select("h1")) == 1
    assert len(page.select("main li, main p")) >= 8


def test_privacy_notice_says_what_article_17_asks(client: FlaskClient) -> None:
    page = client.get("/privacy?lang=en").text
    for words in ("Who is responsible", "What we process, and why", "How long we keep it", "What you can ask"):
        assert words in page


def test_staff_overview_counts_what_waits_for_them(sign_in: Callable[..., FlaskClient]) -> None:
    mine, other = make_organ(), make_organ()
    make_decision(organ=mine, state=DecisionState.REVIEW)
    make_decision(organ=other, state=DecisionState.REVIEW)
    for organ in (mine, other):
        permit = make_permit(organ=organ, valid_to=date(2027, 1, 1))
        ask_for_call(permit.id, None, "asked")
    clerk = sign_in(Role.CLERK, organ_id=mine.id)
    seen = {item.text.split(maxsplit=1)[1]: item.strong.text for item in overview(clerk)}
    assert seen["Decisions to review"] == "1"
    assert seen["Calls to make"] == "1"
    assert "Replies to read" not in seen
    supervisor = sign_in(Role.SUPERVISOR)
    seen = {item.text.split(maxsplit=1)[1]: item.strong.text for item in overview(supervisor)}
    assert seen["Decisions to review"] == "2"
    assert seen["Replies to read"] == "0"
    for item in overview(supervisor):
        assert supervisor.get(item["href"]).status_code == 200


def overview(client: FlaskClient) -> list[Any]:
    """Return the links of the staff's first page."""
    return BeautifulSoup(client.get("/staff/?lang=en").text, "html.parser").select(".figures a")
