"""Fetches receipts from providers that do not call."""

from notifiers.providers.registry import get_provider
from notifiers.receipts import match_receipts, record_receipts
from portal.cli import current_settings
from portal.db import db, reading

# Twilio calls; only these are asked, so that nobody loads an SDK for nothing.
PULLED = ("sandbox",)


def collect() -> dict[str, int]:
    """Fetch and record what providers have to tell; return how many receipts were new."""
    settings = current_settings()
    receipts = 0
    for name in PULLED:
        if name in settings.sms_providers:
            with reading():
                events = get_provider(name, settings).pull()
                db.session.rollback()
            if events:
                receipts += record_receipts(name, events)
                match_receipts()
                db.session.commit()
    return {"receipts": receipts}
