"""What every test may ask for: settings, an application on each database, a client, staff who are signed in."""

import gc
import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis

from notifiers import app as notifiers
from portal import security
from portal.accounts.models import Role, Staff
from portal.app import create_app
from portal.db import db
from portal.settings import Settings
from tests import databases
from tests.factories import accounts as account_factory

PASSWORD = account_factory.PASSWORD
MISSING: list[str] = []
# Compiled templates, shared by all tests: their names and contents tell them apart.
COMPILED = Path(tempfile.mkdtemp(prefix="portal-templates-"))

# How long something takes is no reason to fail: machines differ.
hypothesis.register_profile("portal", deadline=None)
hypothesis.load_profile("portal")

# A password costs 50 ms to keep and to check, on purpose; the tests sign in thousands of times. `test_passwords.py`
# looks at the real thing.
security._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

# Of a test with many cases so many run on PostgreSQL too: most cases are about what people type.
CASES_ON_POSTGRESQL = 1


class Browser(FlaskClient):
    """A client whose requests see what the test wrote, in a session of their own, as in real life."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.commit()
        answer = Context().run(super().open, *args, **kwargs)
        db.session.expire_all()
        return answer


def make_settings(data_dir: Path, database_url: str, **changes: object) -> Settings:
    """Return settings for tests; nothing is read from the environment."""
    values: dict[str, object] = {
        "secret_key": "test-secret-key-of-forty-characters-length",
        "database_url": database_url,
        "data_dir": data_dir,
        "cache_dir": COMPILED,
        "public_url": "http://portal.test",
        "testing": True,
        "sms_quiet_hours": None,
        "sms_hold_days": "none",
        "sms_daily_cap": 0,
        "second_factor": "offered",
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


def make_app(settings: Settings) -> Flask:
    """Build portal and notifiers as wsgi.py does."""
    app = create_app(settings)
    notifiers.init_app(app)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = Browser
    return app


def prepare(settings: Settings) -> None:
    """Bring a database to the newest schema, with the facts that ship with the portal."""
    app = make_app(settings)
    result = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 0, result.output
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server; where none can be had the tests are named, and fail in CI."""
    try:
        context = databases.postgresql_server()
        server = context.__enter__()
    except databases.NoServer as problem:
        MISSING.append(f"PostgreSQL: {problem}")
        if os.environ.get("CI"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    yield server
    context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy from."""
    folder = tmp_path_factory.mktemp("template")
    prepare(make_settings(folder, f"sqlite:///{folder / 'portal.db'}"))
    return folder / "portal.db"


@pytest.fixture(scope="session")
def postgresql_template(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated PostgreSQL database to copy from."""
    databases.run_on_server(postgresql, "CREATE DATABASE portal_template")
    prepare(make_settings(tmp_path_factory.mktemp("pg"), databases.address_of(postgresql, "portal_template")))
    return postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "portal.db")
        yield f"sqlite:///{tmp_path / 'portal.db'}"
        return
    server = request.getfixturevalue("postgresql_template")
    name = f"portal_{os.urandom(6).hex()}"
    databases.run_on_server(server, f"CREATE DATABASE {name} TEMPLATE portal_template")
    yield databases.address_of(server, name)
    databases.run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings on a fresh database; override in a module to test others."""
    return make_settings(tmp_path, database_url)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application on a fresh database, inside an application context."""
    app = make_app(settings)
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., FlaskClient]:
    """Return a client signed in as staff of a role: `sign_in(Role.CLERK, organ_id=1)`."""

    def enter(role: Role = Role.ADMIN, *, organ_id: int | None = None) -> FlaskClient:
        staff: Staff = account_factory.make_staff(role=role, organ_id=organ_id)
        db.session.commit()
        client = app.test_client()
        answer = client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
        assert answer.status_code == 302, answer.text
        return client

    return enter


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in a test reaches past this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the first case of each test on PostgreSQL, and every case where its SQL is what is tested."""
    seen: Counter[str] = Counter()
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        name = item.nodeid.partition("[")[0]
        counts = "postgresql" in item.nodeid and item.get_closest_marker("every_case_on_postgresql") is None
        seen[name] += counts
        (left_out if counts and seen[name] > CASES_ON_POSTGRESQL else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from what stays: going through it again and again took most of a test's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    shutil.rmtree(COMPILED, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what could not run on this machine."""
    for line in MISSING:
        terminalreporter.write_line(f"not run here: {line}", yellow=True)
