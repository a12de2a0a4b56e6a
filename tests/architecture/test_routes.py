"""Every route: guarded or listed as open, and without a cookie for readers who only read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from portal.accounts.guard import OPEN_ENDPOINTS
from tests.conftest import make_app, make_settings, prepare

# Whoever adds a public page says so here.
PUBLIC = {
    "home.index", "home.accessibility", "home.privacy", "home.sitemap", "search.index",
    "bases.index", "bases.show", "bases.chapter", "bases.article", "basis_versions.compare", "discretion.index",
    "discretion.show", "procedures.index", "procedures.show", "procedures.documents", "procedures.download",
    "decisions.index", "decisions.show", "organs.index", "organs.show", "organs.check",
    "organs.recognitions", "organs.recognition", "powers.index", "powers.show",
    "complaints.new", "complaints.turn_page", "complaints.receipt", "complaints.confirm", "complaints.track",
    "complaints.find", "complaints.case", "complaints.supplement", "complaints.rate", "complaints.withdraw",
    "complaints.reopen", "complaints.file", "complaints.leave",
    "complaint_figures.index",
    "figures.index", "figures.table", "open_data.index", "open_data.feed", "open_data.export",
    "api.description", "api.decisions", "api.decision", "api.organs", "api.bases", "api.basis", "api.powers",
    "api.procedures", "api.discretion", "api.recognitions", "api.officer", "api.nothing",
    "sitemaps.index", "sitemaps.pages", "sitemaps.registers", "sitemaps.decisions",
    "sitemaps.robots", "health.live", "health.ready", "health.metrics",
    "transparency.index", "transparency.log", "publication.show", "publication.hashed",
    "revisits.answer", "answers.index", "answers.show", "open_data.answers", "complaints.consent",
    "sandbox.phone", "hooks.receipts", "hooks.replies",
}  # fmt: skip
# Pages with a form that writes: their token needs a session.
WITH_SESSION = {"staff.accounts.sign_in", "complaints.new", "complaints.track"}


@pytest.fixture(scope="module")
def routes_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """One application for all routes, with the limits out of the way."""
    folder: Path = tmp_path_factory.mktemp("routes")
    settings = make_settings(folder, f"sqlite:///{folder / 'portal.db'}")
    prepare(settings)
    app = make_app(settings)
    app.test_client_class = FlaskClient
    return app


def rules(app: Flask) -> Iterator[Rule]:
    """Yield every route."""
    yield from app.url_map.iter_rules()


def address(app: Flask, rule: Rule) -> str:
    """Return an address of a route, "1" for each part that varies."""
    values = dict.fromkeys(rule.arguments, "1")
    with app.test_request_context():
        built = rule.build(values)
    assert built is not None
    return built[1]


def methods(rule: Rule) -> list[str]:
    """Return the methods of a route that a reader would use."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def test_every_staff_route_is_behind_the_guard(routes_app: Flask) -> None:
    client = routes_app.test_client()
    staff = [rule for rule in rules(routes_app) if rule.rule.startswith("/staff")]
    assert len(staff) >= 20
    for rule in staff:
        assert rule.endpoint.startswith("staff."), f"{rule.rule} does not hang under the guarded parent"
        if rule.endpoint in OPEN_ENDPOINTS:
            continue
        for method in methods(rule):
            answer = client.open(address(routes_app, rule), method=method)
            assert answer.status_code == 302, f"{method} {rule.rule} answered {answer.status_code}"
            assert answer.location.startswith("/staff/sign-in"), rule.rule


def test_every_other_route_is_listed_as_public(routes_app: Flask) -> None:
    others = {rule.endpoint for rule in rules(routes_app) if not rule.endpoint.startswith("staff.")}
    assert others == PUBLIC


def test_pages_that_only_show_set_no_cookie(routes_app: Flask) -> None:
    leaking = []
    for rule in rules(routes_app):
        if "GET" in (rule.methods or ()) and rule.endpoint not in WITH_SESSION:
            answer = routes_app.test_client().get(address(routes_app, rule))
            if answer.headers.get("Set-Cookie"):
                leaking.append(rule.endpoint)
    assert leaking == []


def test_no_page_fails_on_an_empty_database(routes_app: Flask) -> None:
    client = routes_app.test_client()
    for rule in rules(routes_app):
        if "GET" in (rule.methods or ()):
            answer = client.get(address(routes_app, rule))
            assert answer.status_code < 500 or answer.status_code == 503, f"{rule.rule} answered {answer.status_code}"
