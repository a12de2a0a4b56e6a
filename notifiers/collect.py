"""Fetches receipts and replies from providers that do not call."""

import asyncio
import logging
import time
from collections.abc import Iterator

import sqlalchemy as sa

from notifiers.providers import Provider, Pulled, Unreachable
from notifiers.providers.registry import get_provider
from notifiers.receipts import match_receipts, record_receipts
from notifiers.replies import record_replies
from portal.cli import current_settings
from portal.db import db, reading
from portal.settings import Settings

log = logging.getLogger(__name__)

# So much of one provider is read in a run; the next run goes on.
PAGES = 50
# A page is not told again, so a database that is away is waited for; in seconds.
PAUSES = (1, 5, 20)


def collect() -> dict[str, int]:
    """Fetch and record what providers have to tell; return how many receipts and replies were new.

    A provider may tell each thing only once, so every page is committed before the next is asked for.
    """
    settings = current_settings()
    receipts = replies = 0
    for name in pulled_names(settings):
        provider = get_provider(name, settings)
        try:
            for pulled in read_pages(provider):
                new = keep(name, pulled)
                receipts, replies = receipts + new[0], replies + new[1]
        finally:
            asyncio.run(provider.close())
    return {"receipts": receipts, "replies": replies}


def read_pages(provider: Provider) -> Iterator[Pulled]:
    """Ask for page after page, each when the one before is recorded; ends when there is no more to be had."""
    # What the sandbox tells it goes on telling until it is recorded, so a second page would hold the first.
    for _ in range(1 if provider.name == "sandbox" else PAGES):
        try:
            with reading():
                pulled = provider.pull()
                db.session.rollback()
        except Unreachable as failure:
            log.warning("%s could not be asked for receipts (%s)", provider.name, failure.code)
            return
        if not (pulled.receipts or pulled.replies):
            return
        yield pulled


def pulled_names(settings: Settings) -> list[str]:
    """Return the providers in use that are asked: one that has our token for its webhooks calls."""
    pulled = {"sandbox": True, "tencent": not settings.sms_hook_token}
    return [name for name in settings.sms_providers if pulled.get(name)]


def keep(name: str, pulled: Pulled) -> tuple[int, int]:
    """Record one page, again when the database does not answer; return how many receipts and replies were new."""
    for pause in PAUSES:
        try:
            return record(name, pulled)
        except sa.exc.OperationalError:
            db.session.rollback()
            log.warning("the database did not answer; a page of %s waits to be recorded", name)
            time.sleep(pause)
    return record(name, pulled)


def record(name: str, pulled: Pulled) -> tuple[int, int]:
    """Record one page and commit; return how many receipts and replies were new."""
    receipts = record_receipts(name, pulled.receipts)
    match_receipts()
    replies = record_replies(name, pulled.replies)
    db.session.commit()
    return receipts, replies
