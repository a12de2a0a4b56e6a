"""Figures over public decisions: right, in time as the calendar says, and never more than what is public."""

from datetime import date

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal import clock
from portal.db import db
from portal.decisions.models import DecisionKind, DecisionState
from portal.figures import rules
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ

pytestmark = pytest.mark.every_case_on_postgresql

FIGURES = "/decisions/figures"


def rows(client: FlaskClient, name: str, query: str = "") -> list[list[str]]:
    """Return the rows of a figure below its headings."""
    text = client.get(f"{FIGURES}/{name}.csv?lang=en{query}").data.decode("utf-8-sig")
    return [line.split(",") for line in text.splitlines()[1:]]


def test_counts_by_month_kind_and_organ(client: FlaskClient) -> None:
    with time_machine.travel("2026-11-22T04:00:00Z", tick=False):
        one, other = make_organ(name="虚构甲局"), make_organ(name="虚构乙局")
        make_decision(organ=one, decided_on=date(2026, 11, 3))
        make_decision(organ=one, decided_on=date(2026, 10, 31), kind=DecisionKind.PERMIT)
        make_decision(organ=other, decided_on=date(2026, 10, 1))
        make_decision(organ=other, decided_on=date(2025, 11, 30))
        for state in (DecisionState.DRAFT, DecisionState.WITHDRAWN, DecisionState.EXPIRED):
            make_decision(organ=other, decided_on=date(2026, 11, 3), state=state)
        make_decision(organ=other, decided_on=date(2026, 11, 3), publish_until=date(2026, 11, 21))
        months = dict(rows(client, "months"))
        assert (min(months), max(months), len(months)) == ("2025-12", "2026-11", 12)
        assert (months["2026-10"], months["2026-11"], months["2026-09"]) == ("2", "1", "0")
        assert dict(rows(client, "kinds"))["Permit decision"] == "1"
        assert rows(client, "organs") == [["虚构甲局", "2"], ["虚构乙局", "1"]]
        assert rows(client, "organs", f"&organ={other.id}&since=2025-11-01") == [["虚构乙局", "2"]]
        page = BeautifulSoup(client.get(f"{FIGURES}?lang=en").text, "html.parser")
    assert "3 decisions, month by month" in page.text
    assert len(page.select("figure svg[role=img]")) == 4
    assert len(page.select("main table")) == 4


@pytest.mark.parametrize(
    ("kind", "decided", "published", "timely"),
    [
        # Seven working days from Friday 30 October: 10 November, until midnight in the city.
        (DecisionKind.PENALTY, date(2026, 10, 30), "2026-11-10T15:59:59Z", "1"),
        (DecisionKind.PENALTY, date(2026, 10, 30), "2026-11-10T16:00:00Z", "0"),
        # Twenty for an inspection: 27 November.
        (DecisionKind.INSPECTION, date(2026, 10, 30), "2026-11-27T15:59:59Z", "1"),
        (DecisionKind.INSPECTION, date(2026, 10, 30), "2026-11-27T16:00:00Z", "0"),
        # Over the holidays of October, with the make-up workdays of 20 September and 10 October.
        (DecisionKind.PERMIT, date(2026, 9, 18), "2026-09-28T04:00:00Z", "1"),
        (DecisionKind.PERMIT, date(2026, 9, 30), "2026-10-15T04:00:00Z", "1"),
        (DecisionKind.PERMIT, date(2026, 9, 30), "2026-10-16T04:00:00Z", "0"),
    ],
)
def test_in_time_is_what_the_calendar_says(
    client: FlaskClient, kind: DecisionKind, decided: date, published: str, timely: str
) -> None:
    with time_machine.travel(published, tick=False):
        make_decision(kind=kind, decided_on=decided)
        [row] = rows(client, "punctuality")
    assert row[1:] == ["1", timely, str(1 - int(timely)), str(100 * int(timely))]


def test_costs_the_same_for_one_decision_and_for_ten(client: FlaskClient) -> None:
    costs = []
    for number in (1, 9):
        for _ in range(number):
            make_decision()
        db.session.commit()
        with counted_queries() as seen:
            assert client.get(FIGURES).status_code == 200
        costs.append(len(seen))
    assert costs == [3, 3]


def test_nonsense_is_the_last_twelve_months(client: FlaskClient) -> None:
    assert client.get(f"{FIGURES}?since=x&until=9999-12-31&organ=%00").status_code == 200
    assert client.get(f"{FIGURES}?since=0001-01-01").status_code == 200
    assert client.get(f"{FIGURES}/secrets.csv").status_code == 404


def test_period_is_never_longer_than_three_years() -> None:
    today = date(2026, 11, 22)
    assert rules.period(None, None, today) == (date(2025, 12, 1), today)
    assert rules.period(date(2027, 1, 1), date(2030, 1, 1), today) == (date(2025, 12, 1), today)
    first, last = rules.period(date(1, 1, 1), None, today)
    assert (last - first).days == rules.LONGEST


@pytest.mark.parametrize(
    "query", ["since=0001-01-01&until=0001-01-02", "until=0001-01-01", "since=9999-12-31", "organ=0"]
)
def test_periods_from_the_ends_of_the_calendar_are_shown(client: FlaskClient, query: str) -> None:
    make_decision(decided_on=clock.today())
    for address in (f"{FIGURES}?{query}", f"{FIGURES}/months.csv?{query}"):
        assert client.get(address).status_code == 200
    if "until" not in query:
        assert [count for _name, count in rows(client, "organs", f"&{query}")] == ["1"]
