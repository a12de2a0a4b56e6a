"""What runs the portal elsewhere names things that are there: commands, settings, files."""

import re

import pytest
import yaml

from notifiers.wakeups import celery_app
from portal.settings import ROOT

DEPLOY = ROOT / "deploy"
KNOWN = (ROOT / "portal" / "settings.py").read_text() + (ROOT / "notifiers" / "wakeups.py").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_containers_get_settings_that_exist() -> None:
    names = set(COMPOSE["x-portal"]["environment"])
    assert {"SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "BROKER_URL"} <= names
    assert [name for name in sorted(names) if f'"{name}"' not in KNOWN] == []


def test_services_wait_for_services_that_exist() -> None:
    services = COMPOSE["services"]
    assert {"web", "worker", "beat", "db", "broker", "flower"} <= set(services)
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).exists(), mount
    assert all(str(port).startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", ()))


def test_the_image_copies_what_exists() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ")]
    assert {"portal", "notifiers", "templates", "translations", "wsgi.py"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("unit", ["portal.service", "notifier.service", "portal-backup.service"])
def test_units_run_hardened_from_one_place(unit: str) -> None:
    text = (DEPLOY / unit).read_text(encoding="utf-8")
    for line in ("User=portal", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
        assert f"\n{line}\n" in text
    assert "EnvironmentFile=/etc/portal.env" in text
    assert re.findall(r"/srv/portal/\.venv/bin/(\w+)", text)[0] in {"granian", "flask"}


def test_a_schedule_of_its_own_sends_what_workers_know() -> None:
    from notifiers.worker import JOBS

    sent = {entry["task"] for entry in celery_app.conf.beat_schedule.values()}
    assert sent == {f"notify.{job}" for job in JOBS}
    assert all(entry["options"]["expires"] <= entry["schedule"] for entry in celery_app.conf.beat_schedule.values())


def test_the_proxy_keeps_no_address_and_no_link() -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    formats = dict(re.findall(r"^log_format (\w+) '(.*)';$", text, re.M))
    used = re.findall(r"access_log (\S+)(?: (\w+))?;", text)
    assert used and all(target == "off" or name in formats for target, name in used)
    allowed = {"time_iso8601", "request_method", "status", "body_bytes_sent", "request_time"}
    assert set(re.findall(r"\$(\w+)", " ".join(formats.values()))) <= allowed
    assert re.findall(r"error_log \S+ (\w+);", text) == ["crit"]
