"""`flask doctor` says what is wrong and how to mend it, and ends with 1 when it must not stay so."""

from dataclasses import replace
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from portal import doctor, vault
from portal.contacts.service import keep_contact
from portal.db import db
from portal.settings import ROOT, AliyunSettings, TencentSettings, TwilioSettings
from portal.wordings.models import Approval, ProviderTemplate
from portal.wordings.rules import TEXTS
from tests.clamd_server import clamd_server
from tests.conftest import make_app, make_settings
from tests.factories.complaints import make_complaint

GOOD = "k4Xq9vT2mB7nR1sW8zY5cL3dF6gH0jPa"


def examine(tmp_path: Path, database_url: str, **changes: object) -> tuple[int, dict[str, str]]:
    """Return the exit status and, by name, the worst finding."""
    tmp_path.chmod(0o700)
    values: dict[str, object] = {"secret_key": GOOD, "public_url": "https://portal.test", "sms_providers": ("twilio",)}
    values |= {"hotline": "0391-1234567", "second_factor": "required"}
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
        "hotline": "ok", "sign-in": "ok", "publication": "ok", "vault": "ok", "scanner": "warn",
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
        ({"second_factor": "offered"}, "sign-in", "warn"),
        ({"second_factor": "offered", "demo": True}, "sign-in", "ok"),
    ],
)
def test_each_fault_is_found(
    tmp_path: Path, sqlite_template: Path, changes: dict[str, object], name: str, verdict: str
) -> None:
    status, worst = examine(tmp_path, f"sqlite:///{sqlite_template}", **changes)
    assert worst[name] == verdict
    assert status == (1 if verdict == "fail" else 0)


TENCENT = TencentSettings(secret_id="i", secret_key="k", app_id="1400000000")
ALIYUN = AliyunSettings(access_key_id="i", access_key_secret="k")
BOTH: dict[str, object] = {"sms_providers": ("tencent", "aliyun"), "tencent": TENCENT, "aliyun": ALIYUN}


def tell(tmp_path: Path, sqlite_template: Path, **changes: object) -> str:
    """Return what is said of the domestic providers."""
    values = {"public_url": "https://portal.test", "sms_hook_token": GOOD} | BOTH | changes
    app = make_app(make_settings(tmp_path, f"sqlite:///{sqlite_template}", **values))
    output = app.test_cli_runner().invoke(args=["doctor"]).output
    with app.app_context():
        db.engine.dispose()
    return "\n".join(line for line in output.splitlines() if line[6:18].strip() == "provider")


def test_what_a_domestic_provider_lacks_is_named(tmp_path: Path, sqlite_template: Path) -> None:
    told = tell(tmp_path, sqlite_template, tencent=TencentSettings(), aliyun=AliyunSettings(access_key_id="i"))
    assert "Tencent cannot send: set TENCENT_SECRET_ID, TENCENT_SECRET_KEY, TENCENT_SMS_APP_ID." in told
    assert "Aliyun cannot send: set ALIYUN_ACCESS_KEY_SECRET." in told


def test_an_sdk_that_is_missing_is_named_with_its_mend(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "SDK" not in tell(tmp_path, sqlite_template)
    monkeypatch.setattr(doctor, "SDKS", {"tencent": "no_such_package"})
    told = tell(tmp_path, sqlite_template)
    assert "fail  provider" in told
    assert "Tencent cannot send: its SDK is not installed. Run: .venv/bin/pip install" in told
    assert (ROOT / "requirements-china.lock").is_file()


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", ["warn", "https://portal.test/hooks/sms/tencent/receipts?token=", "fetched", "replies are not seen"]),
        ("short", ["fail", "SMS_HOOK_TOKEN must be 32"]),
        ("x" * 31 + "&", ["fail", "SMS_HOOK_TOKEN must be 32"]),
    ],
)
def test_webhooks_without_a_good_token_are_named(
    tmp_path: Path, sqlite_template: Path, token: str, words: list[str]
) -> None:
    told = tell(tmp_path, sqlite_template, sms_hook_token=token)
    assert all(word in told for word in words)
    assert "SMS_HOOK_TOKEN" not in tell(tmp_path, sqlite_template)
    assert not token or f" {token}" not in told


def test_texts_that_nobody_approved_are_named(app: Flask) -> None:
    both = replace(app.config["SETTINGS"], sms_providers=("tencent", "aliyun"), tencent=TENCENT, aliyun=ALIYUN)
    app.config["SETTINGS"] = both
    for number, name in enumerate(TEXTS):
        approval = Approval.SUBMITTED if number == 0 else Approval.APPROVED
        row = ProviderTemplate(provider="tencent", name=name, locale="zh_Hans", body="x", template_id="1")
        row.status = approval
        db.session.add(row)
    db.session.commit()
    first, others = next(iter(TEXTS)), list(TEXTS)[1:]
    told = app.test_cli_runner().invoke(args=["doctor"]).output
    assert f"Tencent has approved nothing yet for {first}: these texts wait" in told
    assert f"Aliyun has approved nothing yet for {first}, {others[0]}" in told
    assert "/staff/wordings" in told
    assert app.test_client().get("/staff/wordings/").status_code == 302


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


def test_the_scanner_is_asked(tmp_path: Path, sqlite_template: Path) -> None:
    with clamd_server() as server:
        assert examine(tmp_path, f"sqlite:///{sqlite_template}", clamd=server.address)[1]["scanner"] == "ok"
        server.answer = b"ERROR\0"
        status, worst = examine(tmp_path, f"sqlite:///{sqlite_template}", clamd=server.address)
    assert (status, worst["scanner"]) == (1, "fail")
    assert examine(tmp_path, f"sqlite:///{sqlite_template}", clamd=server.address)[1]["scanner"] == "fail"


def test_a_vault_that_is_open_to_others_or_does_not_fit_is_told(tmp_path: Path, database_url: str) -> None:
    assert examine(tmp_path, database_url)[1]["vault"] == "ok"
    app = make_app(make_settings(tmp_path, database_url, public_url="https://portal.test"))
    with app.app_context():
        path = vault.vault_path()
        keep_contact("+8613800138000")
        make_complaint()
        db.session.commit()
        db.engine.dispose()
    assert examine(tmp_path, database_url)[1]["vault"] == "ok"
    path.chmod(0o604)
    assert examine(tmp_path, database_url)[1]["vault"] == "fail"
    path.chmod(0o600)
    kept = path.read_text()
    path.write_text(vault.text_of(vault.Vault(keys={1: bytes(32)}, index=bytes(32))))
    assert examine(tmp_path, database_url)[1]["vault"] == "fail"
    path.unlink()
    assert examine(tmp_path, database_url)[1]["vault"] == "fail"
    assert not path.exists()
    path.write_text(kept)
    path.chmod(0o600)
    assert examine(tmp_path, database_url)[1]["vault"] == "ok"
