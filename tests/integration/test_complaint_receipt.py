"""The receipt shows the query code until its sender has it, and never again."""

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from notifiers.tidy import tidy
from portal import vault
from portal.complaints import service
from portal.complaints.models import Complaint
from portal.db import db
from portal.vault import BrokenSeal, Vault, new_data_key, text_of
from tests.factories.complaints import PAGES, Sender, code_of, hidden, make_complaint

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_receipt_survives_reload_until_confirmed(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill()
    number, code = sender.send()
    again = client.get("/complaints/receipt")
    assert number in again.text
    assert code in again.text
    assert again.headers["Cache-Control"] == "no-store"
    confirmed = client.post("/complaints/receipt")
    assert confirmed.location == "/complaints/case"
    assert number in client.get("/complaints/case").text
    assert code not in client.get("/complaints/case").text
    assert client.get("/complaints/receipt").location == "/complaints/track"
    assert db.session.query(Complaint).one().code_sealed is None


def test_code_is_gone_after_half_an_hour(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as moving:
        sender = Sender(client)
        sender.fill()
        code = sender.send()[1]
        moving.shift(29 * 60)
        assert code in client.get("/complaints/receipt").text
        moving.shift(2 * 60)
        assert client.get("/complaints/receipt").status_code == 302
        # Nobody came back: the notifier's round erases what may no longer be shown, and so does the next filing.
        fresh = make_complaint()
        db.session.commit()
        assert [row.code_sealed is None for row in db.session.query(Complaint).order_by(Complaint.id)] == [True, False]
        moving.shift(31 * 60)
        assert tidy()["codes"] == 1
        db.session.refresh(fresh)
        assert fresh.code_sealed is None


def test_receipt_is_only_for_the_browser_that_filed(app: Flask, client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill()
    sender.send()
    assert app.test_client().get("/complaints/receipt").location == "/complaints/track"
    assert app.test_client().post("/complaints/receipt").location == "/complaints/track"
    assert db.session.query(Complaint).one().code_sealed


def test_going_back_after_sending_shows_nothing_to_the_next_one(client: FlaskClient) -> None:
    sender = Sender(client)
    sent = []
    for page in ({}, *PAGES[:4]):
        if page:
            sender.turn(page)
        sent.append(hidden(sender.answer.text) | {"go": "next"})
    number, code = sender.send()
    # Who goes back while it is open here gets to the receipt, and sees no answers.
    assert client.post("/complaints/new", data=sent[3]).location == "/complaints/receipt"
    client.post("/complaints/receipt")
    assert client.post("/complaints/new", data=sent[4]).location == "/complaints/case"
    client.post("/complaints/case/leave")
    for data in (*sent, sent[4] | {"go": "back"}, sent[4] | {"go": "1"}):
        answer = client.post("/complaints/new", data=data)
        assert answer.location == "/complaints/track"
        for secret in (number, code, "检查人员没有出示证件", "王虚构"):
            assert secret not in answer.text + client.get(answer.location).text
        assert client.get("/complaints/receipt").location == "/complaints/track"
        assert client.get("/complaints/case").location == "/complaints/track"


def test_qr_and_address_hold_neither_number_nor_code(client: FlaskClient) -> None:
    sender = Sender(client)
    sender.fill()
    number, code = sender.send()
    text = client.get("/complaints/receipt").text
    assert "http://portal.test/complaints/track" in text
    assert f"track?{number}" not in text
    assert "data:image/svg+xml" in text
    assert 'style="' not in text
    assert text.count(number) == 1
    assert text.count(code) == 1


def test_code_needs_the_vault(app: Flask) -> None:
    complaint = make_complaint()
    code = code_of(complaint)
    assert len(code) == 12
    assert set(code) <= set("23456789ABCDEFGHJKLMNPQRSTUVWXYZ")
    assert code.encode() not in (complaint.code_sealed or b"")
    vault.vault_path().write_text(text_of(Vault(keys={1: new_data_key()}, index=new_data_key())))
    app.extensions.pop("vault")
    with pytest.raises(BrokenSeal):
        service.show_code(complaint)
    assert not service.code_fits(complaint.code_hash, code)
