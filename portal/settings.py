"""Everything the environment decides, read once.

Defaults are safe in production and publishable; secrets have none.
The demo is a property of the data directory: the first command with DEMO=1 leaves a file `demo.json` there
that holds the demo's own random secrets, so that every later command finds the same demo.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
DEMO_FILE = "demo.json"
QUIET_HOURS = "20:00-08:30"
HOLD_DAYS = ("none", "holidays", "non-working")
PROVIDERS = ("sandbox", "twilio", "tencent", "aliyun")
# In full; surname and a word for somebody; surname and an asterisk.
PERSON_NAMES = ("full", "surname-somebody", "surname-star")
# Whether staff have to have one, or may.
SECOND_FACTOR = ("required", "offered")


class SettingsError(Exception):
    """The environment does not make sense; the message names the variable and the mend."""


@dataclass(frozen=True, kw_only=True)
class TwilioSettings:
    """What the Twilio adapter needs."""

    account_sid: str = ""
    auth_token: str = field(default="", repr=False)
    sender: str = ""
    api_base: str = ""


@dataclass(frozen=True, kw_only=True)
class TencentSettings:
    """What the Tencent adapter needs; `variable_length` is the most characters that a variable may have."""

    secret_id: str = ""
    secret_key: str = field(default="", repr=False)
    app_id: str = ""
    region: str = "ap-guangzhou"
    api_base: str = ""
    variable_length: int = 6


@dataclass(frozen=True, kw_only=True)
class AliyunSettings:
    """What the Aliyun adapter needs; `variable_length` is the most characters that a variable may have."""

    access_key_id: str = ""
    access_key_secret: str = field(default="", repr=False)
    api_base: str = ""
    variable_length: int = 35


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one running portal."""

    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    data_dir: Path
    cache_dir: Path | None = None
    vault_file: Path | None = None
    public_url: str
    demo: bool = False
    demo_password: str = field(default="", repr=False)
    testing: bool = False
    sms_providers: tuple[str, ...] = ("sandbox",)
    sms_signature: str = "【孟州执法】"
    sms_quiet_hours: tuple[time, time] | None = (time(20), time(8, 30))
    sms_hold_days: str = "holidays"
    sms_daily_cap: int = 3
    sms_rates: Mapping[str, float] = field(default_factory=dict)
    sms_segment_price: float = 0.05
    sms_hook_token: str = field(default="", repr=False)
    twilio: TwilioSettings = TwilioSettings()
    tencent: TencentSettings = TencentSettings()
    aliyun: AliyunSettings = AliyunSettings()
    city_name: str = "孟州市"
    city_name_en: str = "Mengzhou"
    hotline: str = "0391-0000000"
    person_names: str = "surname-somebody"
    payment_accounts: tuple[str, ...] = ()
    trusted_proxies: int = 0
    site_id_code: str = ""
    metrics_token: str = field(default="", repr=False)
    second_factor: str = "required"
    page_cache_mb: int = 32
    clamd: str = ""

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach the portal over TLS, so that cookies may be marked secure."""
        return self.public_url.startswith("https://")

    @property
    def site_domain(self) -> str:
        """The name under which the site is reached, as the tags of government sites want it."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def sandbox(self) -> bool:
        """Whether messages stay in the house instead of ringing a phone."""
        return "sandbox" in self.sms_providers

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment.

        Raises SettingsError when a required variable is missing or a value makes no sense.
        """
        data_dir = Path(environ.get("DATA_DIR") or ROOT / "var").resolve()
        demo = _read_demo(data_dir) or (start_demo(data_dir) if environ.get("DEMO") == "1" else {})
        providers = _providers(environ.get("SMS_PROVIDER", ""))
        quiet = environ.get("SMS_QUIET_HOURS")
        if quiet is None:
            # No real phone rings in the demo's sandbox, so nothing there has to wait for the morning.
            quiet = "" if demo and providers == ("sandbox",) else QUIET_HOURS
        return cls(
            secret_key=_required(environ, "SECRET_KEY", demo.get("secret_key", "")),
            database_url=environ.get("DATABASE_URL") or f"sqlite:///{data_dir / 'portal.db'}",
            data_dir=data_dir,
            vault_file=Path(environ["VAULT_FILE"]).resolve() if environ.get("VAULT_FILE") else None,
            public_url=_public_url(_required(environ, "PUBLIC_URL", _demo_url(environ, demo))),
            demo=bool(demo),
            demo_password=demo.get("password", ""),
            sms_providers=providers,
            sms_signature=environ.get("SMS_SIGNATURE") or cls.sms_signature,
            sms_quiet_hours=_hours(quiet),
            sms_hold_days=_choice(environ, "SMS_HOLD_DAYS", HOLD_DAYS, cls.sms_hold_days),
            twilio=TwilioSettings(
                account_sid=environ.get("TWILIO_ACCOUNT_SID", ""),
                auth_token=environ.get("TWILIO_AUTH_TOKEN", ""),
                sender=environ.get("TWILIO_FROM", ""),
                api_base=_address(environ, "TWILIO_API_BASE"),
            ),
            sms_daily_cap=_count(environ, "SMS_DAILY_CAP", cls.sms_daily_cap),
            sms_rates=_rates(environ.get("SMS_RATES", "")),
            sms_segment_price=_price(environ.get("SMS_SEGMENT_PRICE", "")),
            sms_hook_token=environ.get("SMS_HOOK_TOKEN", ""),
            tencent=TencentSettings(
                secret_id=environ.get("TENCENT_SECRET_ID", ""),
                secret_key=environ.get("TENCENT_SECRET_KEY", ""),
                app_id=environ.get("TENCENT_SMS_APP_ID", ""),
                region=environ.get("TENCENT_REGION") or TencentSettings.region,
                api_base=_address(environ, "TENCENT_API_BASE"),
                variable_length=_count(environ, "TENCENT_VARIABLE_LENGTH", TencentSettings.variable_length),
            ),
            aliyun=AliyunSettings(
                access_key_id=environ.get("ALIYUN_ACCESS_KEY_ID", ""),
                access_key_secret=environ.get("ALIYUN_ACCESS_KEY_SECRET", ""),
                api_base=_address(environ, "ALIYUN_API_BASE"),
                variable_length=_count(environ, "ALIYUN_VARIABLE_LENGTH", AliyunSettings.variable_length),
            ),
            city_name=environ.get("CITY_NAME") or cls.city_name,
            city_name_en=environ.get("CITY_NAME_EN") or cls.city_name_en,
            hotline=environ.get("HOTLINE") or cls.hotline,
            person_names=_choice(environ, "PERSON_NAMES", PERSON_NAMES, cls.person_names),
            payment_accounts=_words(environ.get("PAYMENT_ACCOUNTS", "")),
            trusted_proxies=_count(environ, "TRUSTED_PROXIES"),
            site_id_code=environ.get("SITE_ID_CODE", "").strip(),
            metrics_token=environ.get("METRICS_TOKEN", ""),
            # The demo's accounts open with the password that is printed.
            second_factor=_choice(environ, "SECOND_FACTOR", SECOND_FACTOR, "offered" if demo else cls.second_factor),
            page_cache_mb=_count(environ, "PAGE_CACHE_MB", cls.page_cache_mb),
            clamd=_socket(environ, "CLAMD"),
        )


def start_demo(data_dir: Path) -> dict[str, str]:
    """Make a data directory a demo's, with random secrets of its own; SettingsError when a real portal lives there."""
    if (data_dir / "portal.db").exists():
        raise SettingsError(f"{data_dir} holds a portal that is not a demo; choose another folder with DATA_DIR.")
    marker = {
        "secret_key": secrets.token_urlsafe(48),
        "password": f"demo-{secrets.token_hex(3)}-{secrets.token_hex(3)}",
    }
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / DEMO_FILE
    path.touch(mode=0o600)
    path.write_text(json.dumps(marker, indent=2), encoding="utf-8")
    return marker


def _read_demo(data_dir: Path) -> dict[str, str]:
    try:
        found = json.loads((data_dir / DEMO_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise SettingsError(f"{data_dir / DEMO_FILE} cannot be read; remove it and run the demo again.") from problem
    return dict(found)


def _demo_url(environ: Mapping[str, str], demo: dict[str, str]) -> str:
    host = environ.get("HOST") or "127.0.0.1"
    # An address to listen on everywhere is no address to go to.
    if not host.strip("0.:"):
        host = "127.0.0.1"
    return f"http://{host}:{environ.get('PORT') or '8000'}" if demo else ""


def _required(environ: Mapping[str, str], name: str, fallback: str) -> str:
    value = environ.get(name) or fallback
    if not value:
        raise SettingsError(f"{name} is not set. It has no default outside the demo; see README, section Configure.")
    return value


def _public_url(value: str) -> str:
    if not _is_address(value):
        raise SettingsError("PUBLIC_URL must look like https://portal.example.gov.cn.")
    return value.rstrip("/")


def _address(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip().rstrip("/")
    if value and not _is_address(value):
        raise SettingsError(f"{name} must look like http://127.0.0.1:4010, or be empty.")
    return value


def _socket(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    parts = urlsplit(value)
    try:
        known = value.startswith("unix:/") or (parts.scheme == "tcp" and bool(parts.hostname) and bool(parts.port))
    except ValueError:
        known = False
    if value and not known:
        raise SettingsError(f"{name} must look like unix:/run/clamav/clamd.ctl or tcp://127.0.0.1:3310, or be empty.")
    return value


def _is_address(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _providers(value: str) -> tuple[str, ...]:
    names = _words(value or "sandbox")
    for name in names:
        if name not in PROVIDERS:
            raise SettingsError(f"SMS_PROVIDER names {name!r}; known are {', '.join(PROVIDERS)}.")
    return names


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = environ.get(name) or default
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}; use one of {', '.join(choices)}.")
    return value


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _hours(value: str) -> tuple[time, time] | None:
    if not value.strip():
        return None
    try:
        start, end = (time.fromisoformat(part.strip()) for part in value.split("-"))
    except ValueError as problem:
        raise SettingsError("SMS_QUIET_HOURS must look like 20:00-08:30, or be empty for none.") from problem
    return start, end


def _count(environ: Mapping[str, str], name: str, default: int = 0) -> int:
    try:
        return max(0, int(environ.get(name) or default))
    except ValueError as problem:
        raise SettingsError(f"{name} must be a whole number.") from problem


def _rates(value: str) -> dict[str, float]:
    try:
        pairs = [part.split(":") for part in value.split(",") if part.strip()]
        rates = {name.strip(): float(number) for name, number in pairs}
    except ValueError as problem:
        raise SettingsError("SMS_RATES must look like twilio:10,tencent:100 (segments a second).") from problem
    for name, number in rates.items():
        if name not in PROVIDERS or not 0 < number < 1e6:
            raise SettingsError(f"SMS_RATES: {name}:{number:g} makes no sense; it is provider:segments a second.")
    return rates


def _price(value: str) -> float:
    try:
        price = float(value or Settings.sms_segment_price)
    except ValueError as problem:
        raise SettingsError("SMS_SEGMENT_PRICE must be a number: yuan for one segment.") from problem
    if not 0 <= price < 1000:
        raise SettingsError("SMS_SEGMENT_PRICE must be a number: yuan for one segment.")
    return price
