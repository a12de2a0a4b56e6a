"""`flask doctor` says what is wrong and how to mend it, and ends with 1 when it must not stay so."""

from pathlib import Path

import pytest
import time_machine
from flask import Flask

from portal.db import db
from portal.settings import TwilioSettings
from tests.conftest import make_app, make_settings

GOOD = "k4Xq9vT2mB7nR1sW8zY5cL3dF6gH0jPa"


def examine(tmp_path: Path, database_url: str, **changes: object) -> tuple[int, dict[str, str]]:
    """Return the exit status and, by name, the worst finding."""
    tmp_path.chmod(0o700)
    values: dict[str, object] = {"secret_key": GOOD, "public_url": "https://portal.test", "sms_providers": ("twilio",)}
    values["hotline"] = "0391-1234567"
    values["twilio"] = TwilioSettings(account_sid="AC1", auth_token="t", sender="+1")
    app = make_app(make_settings(tmp_path, database_url, **(values | changes)))
    result = app.test_cli_runner().invoke(args=["doctor"])
    with app.app_context():
        db.engine.dispose()
    order = {"ok": 0, "warn": 1, "fail": 2}
    worst: dict[str, str] = {}
    for line in result.output.splitlines():
        verdict, name = line[:4].strip(), line[6:18].strip()
        if order[verdict] >= order[worst.get(name, "ok")]:
            worst[name] = verdict
    return result.exit_code, worst


@time_machine.travel("2026-03-02 12:00+08:00", tick=False)
def test_good_configuration_passes(tmp_path: Path, database_url: str) -> None:
    status, worst = examine(tmp_path, database_url)
    assert worst["calendar"] in ("ok", "warn")
    assert {name: verdict for name, verdict in worst.items() if name != "calendar"} == {
        "database": "ok",
        "audit": "ok", "provider": "ok", "translations": "ok", "secret key": "ok", "address": "ok", "folder": "ok",
        "hotline": "ok",
    }  # fmt: skip
    assert status == 0


@pytest.mark.parametrize(
    ("changes", "name", "verdict"),
    [
        ({"secret_key": "short"}, "secret key", "fail"),
        ({"secret_key": "a" * 40}, "secret key", "fail"),
        ({"public_url": "http://portal.test"}, "address", "fail"),
        ({"twilio": TwilioSettings()}, "provider", "fail"),
        ({"sms_providers": ("sandbox",)}, "provider", "warn"),
        ({"hotline": "0391-0000000"}, "hotline", "warn"),
    ],
)
def test_each_fault_is_found(
    tmp_path: Path, sqlite_template: Path, changes: dict[str, object], name: str, verdict: str
) -> None:
    status, worst = examine(tmp_path, f"sqlite:///{sqlite_template}", **changes)
    assert worst[name] == verdict
    assert status == (1 if verdict == "fail" else 0)


def test_folder_that_is_not_there_fails(tmp_path: Path, sqlite_template: Path) -> None:
    app = make_app(make_settings(tmp_path / "nowhere", f"sqlite:///{sqlite_template}"))
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 1
    assert "cannot be written to" in result.output


def test_folder_open_to_everybody_is_warned_of(tmp_path: Path, app: Flask) -> None:
    tmp_path.chmod(0o755)
    result = make_app(make_settings(tmp_path, app.config["SETTINGS"].database_url)).test_cli_runner()
    assert "open to every account" in result.invoke(args=["doctor"]).output


@time_machine.travel("2035-03-02 12:00+08:00", tick=False)
def test_year_without_holidays_fails(tmp_path: Path, database_url: str) -> None:
    status, worst = examine(tmp_path, database_url)
    assert (status, worst["calendar"]) == (1, "fail")


def test_missing_schema_and_missing_server_are_told_apart(tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    assert examine(tmp_path, empty)[1]["database"] == "fail"
    app = make_app(make_settings(tmp_path, empty))
    assert "flask db upgrade" in app.test_cli_runner().invoke(args=["doctor"]).output
    app = make_app(make_settings(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing"))
    assert "cannot be reached" in app.test_cli_runner().invoke(args=["doctor"]).output
