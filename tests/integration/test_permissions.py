"""Who may open what: every staff route, asked by every role from three organs, against one table.

The table is written by hand (`permissions.py`): whoever adds a route says there whom it opens to.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.models import Role
from portal.db import db
from tests.conftest import PASSWORD, make_app, make_settings, prepare
from tests.factories.accounts import make_staff
from tests.factories.everything import MARK, make_everything
from tests.factories.organs import make_organ
from tests.integration.permissions import TABLE

# Roles that see all organs are asked once; the others as staff of the records' organ, of another one, and of none.
ASKERS = (
    "admin",
    "supervisor",
    "reviewer own",
    "reviewer other",
    "reviewer none",
    "clerk own",
    "clerk other",
    "clerk none",
)
# Some pages are about a draft, others about what waits for review.
STATES = {
    "drafted": ("decisions.edit", "decision_masking.", "decision_reviews.submit", "decision_reviews.checks"),
    "submitted": ("decision_reviews.review", "decision_reviews.publish", "decision_reviews.send_back"),
}
WORDS: dict[str, Any] = {
    "session_id": 999,
    "token": "x",
    "key": "report",
    "step": "up",
    "move": "up",
    "name": "complaint_received",
    "locale": "en",
    "provider": "tencent",
    "form": "csv",
}
# Open to whoever is not signed in; what they ask for is tested where they are.
OPEN = {"accounts.sign_in", "second_factors.check", "second_factors.recover"}


class World(NamedTuple):
    """A database full of records, and who asks."""

    folder: Path
    numbers: dict[str, Any]
    emails: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make everything once; permissions do not depend on the kind of database."""
    folder = tmp_path_factory.mktemp("everything")
    settings = make_settings(folder, f"sqlite:///{folder / 'portal.db'}")
    prepare(settings)
    app = make_app(settings)
    with app.app_context():
        organ, other = make_organ(name="虚构市甲局"), make_organ(name="虚构市乙局")
        make_organ(name="虚构市司法局", supervises=True)
        numbers = make_everything(folder, organ)
        organs = {"own": organ.id, "other": other.id}
        emails = {}
        for asker in ASKERS:
            role, _blank, place = asker.partition(" ")
            emails[asker] = make_staff(role=Role(role), organ_id=organs.get(place)).email
        db.session.commit()
        db.engine.dispose()
    return World(folder, numbers, emails)


class Question(NamedTuple):
    """What is asked for: a route, by a method, about the records of the world or, by `about`, about another one."""

    name: str
    method: str
    path: str


def questions(app: Flask, numbers: dict[str, Any]) -> Iterator[Question]:
    """Yield what is asked about each staff route, and about complaints once more for one of the organ's own conduct."""
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.removeprefix("staff.")
        if not rule.endpoint.startswith("staff.") or name in OPEN:
            continue
        state = next((state for state, names in STATES.items() if name.startswith(names)), "decision_id")
        values = WORDS | numbers | {"decision_id": numbers[state]}
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield Question(name, method, address(app, rule, values))
            if "complaint_id" in rule.arguments:
                yield Question(f"{name} conduct", method, address(app, rule, values | numbers["conduct"]))


def address(app: Flask, rule: Any, values: dict[str, Any]) -> str:
    """Return the address of a route."""
    with app.test_request_context():
        built = rule.build({argument: values.get(argument, 1) for argument in rule.arguments})
    assert built is not None
    return str(built[1])


def ask(client: FlaskClient, path: str, method: str) -> str:
    """Return in one word how a route answers: `sees`, `in`, `no`, `--` when there is nothing for this asker."""
    answer = client.open(path, method=method, buffered=True)
    if answer.status_code in (403, 404):
        return {403: "no", 404: "--"}[answer.status_code]
    assert answer.status_code < 500, f"{method} {path} answered {answer.status_code}"
    assert "sign-in?next" not in (answer.location or ""), f"{method} {path} asks to sign in"
    return "sees" if method == "GET" and MARK.encode() in answer.data else "in"


def found(world: World, asker: str, tmp_path: Path) -> dict[tuple[str, str], str]:
    """Ask every question as one asker, in a copy of the world; reading changes nothing in it."""
    shutil.copytree(world.folder, tmp_path, dirs_exist_ok=True)
    app = make_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}"))
    app.test_client_class = FlaskClient
    client = app.test_client()
    client.post("/staff/sign-in", data={"email": world.emails[asker], "password": PASSWORD})
    # What is read first, so that no step changes what there is to see; what ends the session last.
    asked = sorted(questions(app, world.numbers), key=lambda one: (one.name == "accounts.sign_out", one.method))
    before = dump(tmp_path)
    answers = {(one.name, "GET"): ask(client, one.path, "GET") for one in asked if one.method == "GET"}
    assert dump(tmp_path) == before, f"{asker} has changed something by reading"
    return answers | {(one.name, "POST"): ask(client, one.path, "POST") for one in asked if one.method == "POST"}


def dump(folder: Path) -> list[str]:
    """Return what a database holds, but for the log of who opened what."""
    with closing(sqlite3.connect(folder / "portal.db")) as connection:
        return [line for line in connection.iterdump() if line.startswith("INSERT") and '"audit_entry"' not in line]


@pytest.mark.parametrize("asker", ASKERS)
def test_every_route_opens_to_whom_the_table_says(world: World, asker: str, tmp_path: Path) -> None:
    column, asked = ASKERS.index(asker), set()
    wrong = {}
    for (name, method), actual in found(world, asker, tmp_path).items():
        key = (name, "") if (name, "") in TABLE else (name, method)
        asked.add(key)
        expected = TABLE[key][column] if key in TABLE else "not in the table"
        if actual != expected:
            wrong[f"{method} {name}"] = f"{actual}, expected {expected}"
    assert wrong == {}
    assert set(TABLE) - asked == set(), "in the table, but no route any more"
