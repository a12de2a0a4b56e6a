"""For whoever runs the portal: is it up, is it ready, how much waits to be sent."""

import hmac

import sqlalchemy as sa
from flask import Blueprint, Response, request
from flask_babel import lazy_gettext as _l

from portal import clock, schema
from portal.cli import current_settings
from portal.db import db
from portal.errors import Forbidden
from portal.messages.models import Message, MessageState

blueprint = Blueprint("health", __name__)

LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


@blueprint.get("/healthz")
def live() -> Response:
    """Say that the process answers; asks nothing of the database."""
    return plain("ok")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Say whether the database can be reached and has the schema this portal needs."""
    try:
        current = schema.is_current()
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        return plain("the database cannot be reached"), 503
    return (plain("ready"), 200) if current else (plain("run: flask db upgrade"), 503)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Count the outbox for a monitor: numbers by state and the age of the oldest waiting message, nobody's data."""
    if not may_read_metrics():
        raise Forbidden(_l("Figures for monitoring are for this machine only, or for who holds the token."))
    # Loading it costs as much as a page, and only monitors need it.
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    by_state = Gauge("portal_messages", "Messages in the outbox", ["state"], registry=registry)
    for state in MessageState:
        by_state.labels(state.value).set(0)
    for state, number in db.session.execute(sa.select(Message.state, sa.func.count()).group_by(Message.state)):
        by_state.labels(state.value).set(number)
    oldest = db.session.scalar(sa.select(sa.func.min(Message.due_at)).where(Message.state == MessageState.QUEUED))
    waiting = max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
    age = Gauge("portal_oldest_due_message_seconds", "How long the oldest due message waits", registry=registry)
    age.set(waiting)
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_read_metrics() -> bool:
    """Whether a request comes from this machine itself, past no proxy, or carries the token."""
    token = current_settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(token.encode(), given.encode()):
        return True
    return request.remote_addr in LOOPBACK and not any(name in request.headers for name in FORWARDED)


def plain(text: str) -> Response:
    """Return a line of plain text that nobody keeps."""
    return Response(f"{text}\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})
