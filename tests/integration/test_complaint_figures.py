"""Figures on complaints: the same on every database, for staff what they may see, for the public nothing small."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal import clock
from portal.accounts.models import Role
from portal.complaint_figures import queries
from portal.complaints.models import Complaint, ComplaintKind, ComplaintState
from portal.db import db
from tests.factories.complaints import make_complaint
from tests.factories.organs import make_organ

SignIn = Callable[..., FlaskClient]
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
FIGURES = "/staff/complaints/figures"


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    """Stand still, so that months end where the test says."""
    with time_machine.travel(NOW, tick=False):
        yield


def make_answered(organ_id: int, *, late: bool = False, received: datetime = NOW) -> Complaint:
    """Return a case that was answered at the end of its last day, or a moment after it."""
    case = make_complaint(organ_id=organ_id, state=ComplaintState.ANSWERED)
    case.received_at, case.answer_due_on = received, clock.local(received).date()
    end = clock.start_of(case.answer_due_on + timedelta(days=1))
    case.answered_at = end if late else end - timedelta(seconds=1)
    return case


def read(client: FlaskClient, query: str = "") -> dict[tuple[str, str], list[str]]:
    """Return the figures that a member of staff gets, by figure and name."""
    answer = client.get(f"{FIGURES}.csv?lang=en&{query}")
    assert answer.status_code == 200
    rows = list(csv.reader(StringIO(answer.data.decode("utf-8-sig"))))[1:]
    return {(row[0], row[1]): row[2:] for row in rows}


def test_days_and_months_are_those_of_the_city(sign_in: SignIn) -> None:
    organ = make_organ(name="虚构市甲局")
    make_answered(organ.id)
    make_answered(organ.id, late=True)
    # A minute before midnight in the city, and a minute after it, are the same day in Greenwich.
    make_answered(organ.id, received=datetime(2026, 10, 31, 15, 59, tzinfo=UTC)).grade = 5
    make_answered(organ.id, received=datetime(2026, 10, 31, 16, 1, tzinfo=UTC))
    overdue = make_complaint(organ_id=organ.id, state=ComplaintState.ACCEPTED)
    overdue.answer_due_on = clock.today() - timedelta(days=1)
    make_complaint(organ_id=organ.id, kind=ComplaintKind.QUESTION)
    db.session.commit()
    figures = read(sign_in(Role.SUPERVISOR))
    assert figures["By month", "2026-10"] == ["1", "1", "0"]
    assert figures["By month", "2026-11"] == ["5", "2", "2"]
    assert figures["By organ", "虚构市甲局"] == ["6", "3", "2"]
    assert figures["By kind", "Question"] == ["1", "0", "0"]
    assert figures["By the sender's grade", "Very satisfied"] == ["1", "1", "0"]
    assert ("By month", "2025-01") not in figures
    assert len([name for figure, name in figures if figure == "By month"]) == 12


def test_staff_count_what_they_may_see(sign_in: SignIn) -> None:
    organ, other = make_organ(name="虚构市甲局"), make_organ(name="虚构市乙局")
    make_organ(supervises=True)
    make_complaint(organ_id=organ.id)
    make_complaint(organ_id=other.id)
    make_complaint(organ_id=organ.id, kind=ComplaintKind.CONDUCT)
    db.session.commit()
    clerk = read(sign_in(Role.CLERK, organ_id=organ.id))
    assert {name: row for (figure, name), row in clerk.items() if figure == "By organ"} == {
        "虚构市甲局": ["1", "0", "0"]
    }
    all_of = read(sign_in(Role.SUPERVISOR))
    assert all_of["By organ", "虚构市甲局"][0] == "2"
    assert all_of["By organ", "虚构市乙局"][0] == "1"


def test_pages_show_the_same_with_nonsense_and_without_cases(sign_in: SignIn) -> None:
    client = sign_in(Role.SUPERVISOR)
    for query in ("", "since=x&until=2026-99-99&organ=²", "since=2031-01-01", "organ=999"):
        assert client.get(f"{FIGURES}?{query}").status_code == 200, query
    make_answered(make_organ(name="虚构市甲局").id)
    db.session.commit()
    page = client.get(FIGURES)
    assert "虚构市甲局" in page.text
    for year in (2026, 1, 99999):
        assert client.get(f"{FIGURES}/{year}").status_code == 200
    report = BeautifulSoup(client.get(f"{FIGURES}/2026?lang=en").text, "html.parser")
    totals = {tuple(cell.text for cell in foot.select("td")) for foot in report.select("tfoot tr")}
    assert totals == {("All together", "1", "1", "0")}
    assert len(report.select("table")) == len(queries.DIMENSIONS)


def test_the_public_reads_no_small_count(client: FlaskClient) -> None:
    large, small, smaller = (make_organ(name=f"虚构市{name}局") for name in "甲乙丙")
    october = datetime(2026, 10, 5, 4, tzinfo=UTC)
    for organ, count in ((large, 9), (small, 4), (smaller, 2)):
        for _ in range(count):
            make_answered(organ.id, received=october)
    for _ in range(3):
        make_answered(small.id)
    db.session.commit()
    page = client.get("/complaints/figures?lang=en")
    assert page.status_code == 200
    table = BeautifulSoup(page.text, "html.parser").select("main > table")[0]
    found = [[cell.text for cell in row.select("td")] for row in table.select("tbody tr")]
    assert found == [["虚构市甲局", "9", "9", "0"], ["Others together", "6", "6", "0"]]
    assert "虚构市乙局" not in page.text
    for query in ("year=x", "year=2025", "year=0", "since=2026-10-05&until=2026-10-05"):
        answer = client.get(f"/complaints/figures?{query}")
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)
