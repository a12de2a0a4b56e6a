"""What arrives at the same moment: one form sent twice, many filings, many guesses."""

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from flask.testing import FlaskClient

from portal.complaints.models import Complaint, ComplaintTry
from portal.db import db
from tests.factories.complaints import Sender, code_of, hidden, make_complaint, pdf

THREADS = 6


def send_all(app: Flask, requests: list[tuple[str, dict[str, str]]]) -> list[int]:
    """Send all requests at once, each from a browser of its own; return their status codes."""
    db.session.commit()

    def send(request: tuple[str, dict[str, str]]) -> int:
        return FlaskClient(app, app.response_class).post(request[0], data=request[1]).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(send, requests))


def test_one_form_sent_many_times_at_once_is_one_case(app: Flask, client: FlaskClient) -> None:
    sender = Sender(client)
    form = hidden(sender.fill(files=[("a.pdf", pdf())]).text) | {"go": "next"}
    assert send_all(app, [("/complaints/new", form)] * THREADS) == [302] * THREADS
    assert db.session.query(Complaint).count() == 1
    assert len(db.session.query(Complaint).one().files) == 1


def test_many_filings_at_once_get_numbers_of_their_own(app: Flask, client: FlaskClient) -> None:
    forms = []
    for number in range(THREADS):
        sender = Sender(client)
        forms.append(hidden(sender.fill({4: {"phone": f"1380013800{number}"}}).text) | {"go": "next"})
    assert send_all(app, [("/complaints/new", form) for form in forms]) == [302] * THREADS
    numbers = sorted(row.number for row in db.session.query(Complaint))
    assert [number[-4:] for number in numbers] == [f"{count:04d}" for count in range(1, THREADS + 1)]


def test_guesses_at_once_all_count(app: Flask) -> None:
    complaint = make_complaint()
    guess = {"number": complaint.number, "code": "K7MQ2XDT9H4W"}
    assert code_of(complaint) != guess["code"]
    statuses = send_all(app, [("/complaints/track", guess)] * 12)
    assert sorted(statuses) == [422] * 5 + [429] * 7
    assert db.session.query(ComplaintTry).one().tries == 5
