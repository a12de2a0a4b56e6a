"""What whoever runs the portal can ask it."""

import re
from datetime import timedelta

import yaml
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.calls.service import ask_for_call
from portal.db import db
from portal.messages.models import Dispatcher, Gate, MessageState
from portal.settings import ROOT
from tests.conftest import make_app, make_settings
from tests.factories.messages import make_contact, make_message


def test_live_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").status_code == 200


def test_old_schema_is_not_ready(app: Flask, client: FlaskClient) -> None:
    app.test_cli_runner().invoke(args=["db", "downgrade", "base"])
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "flask db upgrade" in answer.text


def read_metrics(client: FlaskClient) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _space, value in lines}


def test_metrics_say_how_the_outbox_stands_and_name_nobody(client: FlaskClient) -> None:
    contact, now = make_contact(), clock.now()
    make_message(contact=contact, due_at=now - timedelta(minutes=10))
    make_message(due_at=now + timedelta(hours=1))
    for provider in ("twilio", "twilio", "tencent"):
        make_message(state=MessageState.UNKNOWN, provider=provider, changed_at=now - timedelta(hours=2))
    make_message(state=MessageState.DELIVERED, provider="twilio")
    make_message(state=MessageState.DELIVERED, provider="twilio", changed_at=now - timedelta(days=2))
    db.session.add(Gate(provider="sandbox", open_until=now + timedelta(minutes=1), openings=1))
    db.session.add(Dispatcher(id="lives"))
    db.session.add(Dispatcher(id="vanished", seen_at=now - timedelta(minutes=1)))
    ask_for_call(subject="complaint:1", reason="undelivered")
    found = read_metrics(client)
    assert found['portal_messages{provider="",state="queued"}'] == 1
    assert found['portal_messages{provider="twilio",state="unknown"}'] == 2
    assert found['portal_messages{provider="tencent",state="unknown"}'] == 1
    assert found['portal_messages{provider="twilio",state="delivered"}'] == 1
    assert found['portal_messages{provider="",state="failed"}'] == 0
    assert 7200 <= found['portal_oldest_message_seconds{provider="twilio",state="unknown"}'] < 7260
    assert 600 <= found["portal_oldest_due_message_seconds"] < 660
    assert found['portal_breaker_open{provider="sandbox"}'] == 1
    assert (found["portal_dispatchers"], found["portal_calls_open"], found["portal_sending_held"]) == (1, 1, 0)
    assert contact.phone not in client.get("/metrics").text


def test_every_alarm_rests_on_a_figure_that_is_there(client: FlaskClient) -> None:
    make_message()
    names = {name.partition("{")[0] for name in read_metrics(client)} | {"up"}
    rules = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))
    alarms = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len(alarms) >= 5
    for alarm in alarms:
        used = set(re.findall(r"\b(?:portal_\w+|up)\b", alarm["expr"]))
        assert used, alarm
        assert used <= names, alarm
        assert alarm["annotations"]["summary"]


def test_metrics_are_for_this_machine(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}).status_code == 403


def test_metrics_open_to_the_token(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    guarded = make_app(make_settings(settings.data_dir, settings.database_url, metrics_token="a-long-token"))
    with guarded.app_context():
        client = guarded.test_client()
        far = {"REMOTE_ADDR": "203.0.113.9"}
        right = client.get("/metrics", environ_overrides=far, headers={"Authorization": "Bearer a-long-token"})
        wrong = client.get("/metrics", environ_overrides=far, headers={"Authorization": "Bearer a-wrong-token"})
        assert (right.status_code, wrong.status_code) == (200, 403)
        db.engine.dispose()
