"""What whoever runs the portal can ask it."""

from flask import Flask
from flask.testing import FlaskClient

from portal.db import db
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


def test_metrics_count_messages_and_name_nobody(client: FlaskClient) -> None:
    contact = make_contact()
    make_message(contact=contact)
    text = client.get("/metrics").text
    assert 'portal_messages{state="queued"} 1.0' in text
    assert "portal_oldest_due_message_seconds" in text
    assert contact.phone not in text


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
