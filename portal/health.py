"""For whoever runs the portal: is it up, is it ready, how much waits to be sent."""

import hmac
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from flask import Blueprint, Response, request
from flask_babel import lazy_gettext as _l

from portal import clock, schema
from portal.calendar.queries import get_calendar
from portal.calls.queries import count_open_calls
from portal.cli import current_settings
from portal.db import db
from portal.errors import Forbidden
from portal.messages import queries
from portal.messages.models import Gate, MessageState
from portal.messages.rules import find_hold, is_open

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
    """Tell a monitor how the outbox stands: what is open, what ended today, what is held up; nobody's data."""
    if not may_read_metrics():
        raise Forbidden(_l("Figures for monitoring are for this machine only, or for who holds the token."))
    # Loading it costs as much as a page, and only monitors need it.
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    for name, words, labels, samples in read_samples():
        gauge = Gauge(name, words, labels, registry=registry)
        for values, number in samples:
            (gauge.labels(*values) if labels else gauge).set(number)
    figures = Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
    # Whoever asks next may not be allowed to.
    figures.headers["Cache-Control"] = "no-store"
    return figures


# A gauge: its name, what it says, its labels, and its value for each of their values.
Samples = Sequence[tuple[str, str, Sequence[str], Sequence[tuple[Sequence[str], float]]]]


def read_samples() -> Samples:
    """Return every gauge, at the same cost for any history."""
    now, settings = clock.now(), current_settings()
    standing = queries.count_standing(now, today_from=clock.start_of(clock.today()))
    states = (MessageState.QUEUED, *queries.UNDER_WAY, *queries.ENDED)
    # A state that nothing stands in is said too, for alarms need a series to watch.
    none = [((state.value, ""), 0.0) for state in states if state not in {item.state for item in standing}]
    counts = [((item.state.value, item.provider), float(item.count)) for item in standing]
    ages = [((item.state.value, item.provider), (now - item.oldest).total_seconds()) for item in standing]
    oldest = queries.find_oldest_due(now)
    gates = {gate.provider: gate for gate in queries.list_gates()}
    shut = [((name,), float(is_shut(gates.get(name), now))) for name in settings.sms_providers]
    held = find_hold(clock.local(now), settings.sms_quiet_hours, settings.sms_hold_days, get_calendar())
    return [
        (
            "portal_messages",
            "Messages due, under way, or ended today",
            ("state", "provider"),
            none + counts,
        ),
        ("portal_oldest_message_seconds", "Age of the oldest of each", ("state", "provider"), ages),
        ("portal_oldest_due_message_seconds", "How long the oldest due message waits", (), one(age_of(oldest, now))),
        ("portal_sending_held", "Whether quiet hours or a day off hold messages back", (), one(held is not None)),
        ("portal_breaker_open", "Whether a provider gets nothing after failures", ("provider",), shut),
        (
            "portal_dispatchers",
            "Notifiers that lately showed that they live",
            (),
            one(queries.count_dispatchers(now)),
        ),
        ("portal_calls_open", "People who wait for a call, counted up to 1001", (), one(count_open_calls(None))),
        ("portal_replies_unread", "Replies that wait for a person", (), one(queries.count_unread_replies())),
    ]


def one(number: float) -> Sequence[tuple[Sequence[str], float]]:
    """Return the only value of a gauge without labels."""
    return [((), float(number))]


def age_of(moment: datetime | None, now: datetime) -> float:
    """Return how many seconds ago a moment was; none was just now."""
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


def is_shut(gate: Gate | None, now: datetime) -> bool:
    """Whether a breaker lets nothing through."""
    return gate is not None and is_open(gate.open_until, now)


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
