"""`flask doctor`: looks a configuration over and says what is wrong and how to mend it."""

import gettext
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from portal import clock, i18n, rotation, vault, virus_scanner
from portal.audit import service as audit
from portal.calendar import queries as calendar
from portal.cli import current_settings, find_schema_problem
from portal.db import db, reading
from portal.publication.queries import verify
from portal.settings import Settings
from portal.wordings.queries import list_templates
from portal.wordings.rules import TEMPLATED, TEXTS

MIN_SECRET = 32
MEND_KEY = "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
SDKS = {"tencent": "tencentcloud", "aliyun": "alibabacloud_dysmsapi20170525"}
WITHOUT_TOKEN = {
    "tencent": "Tencent does not call: receipts and replies are fetched, which it opens for an account on request.",
    "aliyun": "Aliyun does not call: receipts are asked for one by one, and replies are not seen.",
}
PAGE_OF_TEXTS = "/staff/wordings"
SOURCE_LANGUAGE = "en"  # The words in code and templates are English already; there is nothing to compile.


class Verdict(StrEnum):
    """How a finding weighs: with a `fail` the portal must not be used."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found, and how to mend it."""

    verdict: Verdict
    name: str
    text: str


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Check database, provider, translations, calendar, keys, address and folder; exit 1 when something must change."""
    with reading():  # Looking must not hold up whoever writes.
        findings = [finding for check in CHECKS for finding in check(current_settings())]
        db.session.rollback()
    for finding in findings:
        click.echo(f"{finding.verdict:<4}  {finding.name:<12}  {finding.text}")
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        sys.exit(1)


def check_database(_settings: Settings) -> Iterator[Finding]:
    """Reachable, at the newest schema, and SQLite journalled so that readers never wait."""
    problem = find_schema_problem()
    if problem:
        yield Finding(Verdict.FAIL, "database", problem)
        return
    yield Finding(Verdict.OK, "database", f"{db.engine.dialect.name}, reachable, schema up to date")
    if db.engine.dialect.name == "sqlite":
        mode = db.session.scalar(sa.text("PRAGMA journal_mode"))
        if mode != "wal":
            yield Finding(
                Verdict.FAIL, "database", f"SQLite's journal is {mode}; put DATA_DIR on a local disk, where WAL works."
            )


def check_audit(_settings: Settings) -> Iterator[Finding]:
    """Nobody has changed or taken out an entry of the audit log."""
    if find_schema_problem():
        return
    broken = audit.first_broken()
    if broken is None:
        yield Finding(Verdict.OK, "audit", "every entry carries the hash of the one before it")
    else:
        yield Finding(
            Verdict.FAIL, "audit", f"entry {broken} was changed, or the one before it; compare with a backup."
        )


def check_publication(_settings: Settings) -> Iterator[Finding]:
    """What is public is what the public log says, and the log is what was signed."""
    if find_schema_problem():
        return
    verdict = verify()
    if verdict.broken:
        mend = "Find out who changed it. After renaming on purpose: flask publication record-changes"
        yield Finding(Verdict.FAIL, "publication", f"{verdict.broken}. {mend}")
    else:
        text = f"{verdict.entries} entries, {verdict.checkpoints} checkpoints and {verdict.decisions} decisions hold"
        yield Finding(Verdict.OK, "publication", text)


def check_provider(settings: Settings) -> Iterator[Finding]:
    """Every provider named has what it needs to send, and to tell what became of it."""
    for name in dict.fromkeys(settings.sms_providers):
        faults = [*_check_keys(name, settings), *_check_sdk(name), *_check_hook(name, settings), *_check_texts(name)]
        if name == "sandbox" and not settings.demo:
            text = "SMS_PROVIDER is the sandbox: no message reaches a phone. Name a real provider."
            faults.append(Finding(Verdict.WARN, "provider", text))
        yield from faults or [Finding(Verdict.OK, "provider", name)]


def _check_keys(name: str, settings: Settings) -> Iterator[Finding]:
    needed = {
        "twilio": {
            "TWILIO_ACCOUNT_SID": settings.twilio.account_sid,
            "TWILIO_AUTH_TOKEN": settings.twilio.auth_token,
            "TWILIO_FROM": settings.twilio.sender,
        },
        "tencent": {
            "TENCENT_SECRET_ID": settings.tencent.secret_id,
            "TENCENT_SECRET_KEY": settings.tencent.secret_key,
            "TENCENT_SMS_APP_ID": settings.tencent.app_id,
        },
        "aliyun": {
            "ALIYUN_ACCESS_KEY_ID": settings.aliyun.access_key_id,
            "ALIYUN_ACCESS_KEY_SECRET": settings.aliyun.access_key_secret,
        },
    }
    missing = [variable for variable, value in needed.get(name, {}).items() if not value]
    if missing:
        yield Finding(Verdict.FAIL, "provider", f"{name.capitalize()} cannot send: set {', '.join(missing)}.")


def _check_sdk(name: str) -> Iterator[Finding]:
    if name in SDKS and find_spec(SDKS[name]) is None:
        mend = "Run: .venv/bin/pip install --require-hashes -r requirements-china.lock"
        yield Finding(Verdict.FAIL, "provider", f"{name.capitalize()} cannot send: its SDK is not installed. {mend}")


def _check_hook(name: str, settings: Settings) -> Iterator[Finding]:
    """Domestic providers sign nothing: they are told an address with our token, in their own console."""
    if name not in WITHOUT_TOKEN:
        return
    token = settings.sms_hook_token
    if not token:
        address = f"{settings.public_url}/hooks/sms/{name}/receipts?token=… and …/replies?token=…"
        text = f"{WITHOUT_TOKEN[name]} To be called, set SMS_HOOK_TOKEN and enter {address} in {name}'s console."
        yield Finding(Verdict.WARN, "provider", text)
    elif not re.fullmatch(r"[A-Za-z0-9_.~-]{32,}", token):
        text = f"SMS_HOOK_TOKEN must be {MIN_SECRET} letters and digits or more: it stands in an address. {MEND_KEY}"
        yield Finding(Verdict.FAIL, "provider", text)


def _check_texts(name: str) -> Iterator[Finding]:
    if name not in TEMPLATED or find_schema_problem():
        return
    approved = {text for provider, text, _locale in list_templates(approved=True) if provider == name}
    missing = [text for text in TEXTS if text not in approved]
    if missing:
        text = f"{name.capitalize()} has approved nothing yet for {', '.join(missing)}: these texts wait in the queue."
        yield Finding(Verdict.WARN, "provider", f"{text} File them at {PAGE_OF_TEXTS}.")


def check_translations(_settings: Settings) -> Iterator[Finding]:
    """Every language that readers can choose has its compiled catalogue."""
    for locale in i18n.LOCALES:
        if locale == SOURCE_LANGUAGE:
            continue
        path = i18n.TRANSLATIONS / locale / "LC_MESSAGES" / "messages.mo"
        source = path.with_suffix(".po")
        if not path.exists():
            yield Finding(Verdict.FAIL, "translations", f"{locale} is not compiled. Run: make setup")
        elif source.exists() and source.stat().st_mtime > path.stat().st_mtime:
            yield Finding(Verdict.WARN, "translations", f"{locale} was changed after it was compiled. Run: make setup")
        else:
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)
            number = len(catalogue._catalog)  # type: ignore[attr-defined]
            yield Finding(Verdict.OK, "translations", f"{locale}, {number} messages")


def check_calendar(_settings: Settings) -> Iterator[Finding]:
    """Holidays and make-up workdays of this year and the next are known, or deadlines may be wrong."""
    if find_schema_problem():
        return
    year = clock.today().year
    known = calendar.get_calendar().known_until.year
    if known < year:
        yield Finding(Verdict.FAIL, "calendar", f"{year} has no holidays. Run: flask import holidays FILE")
    elif known == year:
        yield Finding(
            Verdict.WARN,
            "calendar",
            f"{year + 1} is not announced yet; deadlines in it are provisional. When it is: flask import holidays FILE",
        )
    else:
        yield Finding(Verdict.OK, "calendar", f"known until the end of {known}")


def check_secret(settings: Settings) -> Iterator[Finding]:
    """The secret key is long enough that nobody guesses it."""
    if len(settings.secret_key) < MIN_SECRET or len(set(settings.secret_key)) < MIN_SECRET // 4:
        yield Finding(
            Verdict.FAIL, "secret key", f"SECRET_KEY is shorter than {MIN_SECRET} random characters. {MEND_KEY}"
        )
    else:
        yield Finding(Verdict.OK, "secret key", "the demo's own" if settings.demo else "long enough")


def check_address(settings: Settings) -> Iterator[Finding]:
    """Readers come over TLS, and links in messages lead where they should."""
    if settings.secure_cookies:
        yield Finding(Verdict.OK, "address", settings.public_url)
    elif settings.demo:
        yield Finding(Verdict.OK, "address", f"{settings.public_url} (the demo needs no TLS)")
    else:
        yield Finding(
            Verdict.FAIL, "address", f"PUBLIC_URL is {settings.public_url}; it must be https:// where people use it."
        )


def check_hotline(settings: Settings) -> Iterator[Finding]:
    """Pages and texts name a number that somebody answers."""
    if settings.hotline == Settings.hotline and not settings.demo:
        yield Finding(Verdict.WARN, "hotline", f"HOTLINE is the demo's {settings.hotline}; set your own number.")
    else:
        yield Finding(Verdict.OK, "hotline", settings.hotline)


def check_sign_in(settings: Settings) -> Iterator[Finding]:
    """Nobody gets in with a password alone, where people's complaints are."""
    if settings.second_factor == "required":
        yield Finding(Verdict.OK, "sign-in", "password and one-time code")
    elif settings.demo:
        yield Finding(Verdict.OK, "sign-in", "password alone is enough (the demo)")
    else:
        text = "SECOND_FACTOR is offered: staff may sign in with a password alone. Leave it out to require a code."
        yield Finding(Verdict.WARN, "sign-in", text)


def check_folder(settings: Settings) -> Iterator[Finding]:
    """The data directory can be written to, and nobody else can read it."""
    folder = settings.data_dir
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(Verdict.FAIL, "folder", f"{folder} cannot be written to. Mend its owner, or set DATA_DIR.")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IRWXO and not settings.demo:
        yield Finding(
            Verdict.WARN, "folder", f"{folder} is open to every account of this machine. Run: chmod 750 {folder}"
        )
    else:
        yield Finding(Verdict.OK, "folder", str(folder))


def check_vault(_settings: Settings) -> Iterator[Finding]:
    """The vault is there, read by nobody else, and opens the newest of what is sealed."""
    if find_schema_problem():
        return
    path = vault.vault_path()
    try:
        vault.get_vault()
    except vault.VaultMissing:
        mend = f"Put what flask vault export printed into {path} (chmod 600)."
        yield Finding(Verdict.FAIL, "vault", f"It is missing or damaged, and records are sealed with it. {mend}")
        return
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IWGRP | stat.S_IRWXO):
        yield Finding(Verdict.FAIL, "vault", f"{path} is open to other accounts. Run: chmod 600 {path}")
    tried, failed = rotation.find_unopened()
    if failed:
        text = (
            f"{failed} of the newest {tried} sealed records do not open: it is another portal's, or a key is missing."
        )
        yield Finding(Verdict.FAIL, "vault", f"{text} See: flask vault status")
    else:
        keys = ", ".join(str(number) for number in sorted(vault.get_vault().keys))
        yield Finding(Verdict.OK, "vault", f"keys {keys}; the newest {tried} sealed records open")


def check_scanner(settings: Settings) -> Iterator[Finding]:
    """Files that strangers send are scanned for viruses, by a scanner that answers."""
    if not settings.clamd:
        yield Finding(Verdict.WARN, "scanner", "Uploads are not scanned for viruses; set CLAMD where ClamAV runs.")
    elif virus_scanner.ping(settings.clamd):
        yield Finding(Verdict.OK, "scanner", f"{settings.clamd} answers")
    else:
        mend = "No file is accepted until it does: start clamd, or mend CLAMD."
        yield Finding(Verdict.FAIL, "scanner", f"{settings.clamd} does not answer. {mend}")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    check_database,
    check_audit,
    check_publication,
    check_provider,
    check_translations,
    check_calendar,
    check_secret,
    check_address,
    check_hotline,
    check_sign_in,
    check_folder,
    check_vault,
    check_scanner,
)
