"""Fetches receipts and replies from providers that do not call."""

from notifiers.providers.registry import get_provider
from notifiers.receipts import match_receipts, record_receipts
from notifiers.replies import record_replies
from portal.cli import current_settings
from portal.db import db, reading

# Twilio calls; only these are asked, so that nobody loads an SDK for nothing.
PULLED = ("sandbox",)


def collect() -> dict[str, int]:
    """Fetch and record what providers have to tell; return how many receipts and replies were new."""
    settings = current_settings()
    receipts = replies = 0
    for name in PULLED:
        if name in settings.sms_providers:
            with reading():
                pulled = get_provider(name, settings).pull()
                db.session.rollback()
            if pulled.receipts or pulled.replies:
                receipts += record_receipts(name, pulled.receipts)
                match_receipts()
                replies += record_replies(name, pulled.replies)
                db.session.commit()
    return {"receipts": receipts, "replies": replies}
