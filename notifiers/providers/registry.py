"""Finds the providers by name. Each is imported when first asked for: their SDKs are heavy and the web needs none."""

from importlib import import_module
from ipaddress import ip_address
from urllib.parse import urlsplit

from notifiers.providers import Provider
from portal.settings import PROVIDERS, Settings


def get_provider(name: str, settings: Settings) -> Provider:
    """Return a provider by name; raises LookupError for a name nobody knows."""
    if name not in PROVIDERS:
        raise LookupError(name)
    provider: Provider = import_module(f"notifiers.providers.{name}").make(settings)
    return provider


def get_callback(name: str, settings: Settings) -> str | None:
    """Return the address that a hand-over names for its receipts.

    None where the provider could not reach it, and for those that are told in their own console where to report.
    """
    if name != "twilio":
        return None
    if _is_loopback(settings.public_url) and not settings.twilio.api_base:
        return None
    return f"{settings.public_url}/hooks/sms/{name}/receipts"


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
