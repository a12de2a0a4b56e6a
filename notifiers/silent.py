"""What a provider took and never spoke of again: it is asked, less and less often, and after three days a person is."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from notifiers import claims
from notifiers.people import hand_to_person
from notifiers.providers import Provider, ReceiptEvent, Unreachable
from notifiers.providers.registry import get_provider
from notifiers.receipts import record_receipts
from portal.cli import current_settings
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message, MessageState
from portal.messages.rules import ask_again_seconds
from portal.settings import PROVIDERS, Settings

log = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(hours=72)
AT_MOST = 200
AT_ONCE = 8


@dataclass(frozen=True)
class Silent:
    """An accepted message without a receipt that tells its end."""

    message_id: int
    provider: str
    reference: str
    to: str
    accepted_at: datetime


def ask_about_silent(now: datetime) -> int:
    """Ask what became of accepted messages that no receipt came for; return how many go to a person instead.

    The caller's own transaction must be over: nothing is open while providers are asked.
    """
    silent = _list_silent(now)
    db.session.commit()
    if not silent:
        return 0
    answers = asyncio.run(_ask(silent, current_settings()))
    for item, events in zip(silent, answers, strict=True):
        record_receipts(item.provider, events)
    _ask_again(silent, now)
    late = [item.message_id for item in silent if item.accepted_at <= now - GIVE_UP_AFTER]
    passed = claims.pass_on(late, state=MessageState.ACCEPTED, reason="no_receipt")
    for message in passed:
        hand_to_person(message)
    db.session.commit()
    return len(passed)


def _list_silent(now: datetime) -> list[Silent]:
    rows = db.session.execute(
        sa.select(Message.id, Message.provider, Message.provider_reference, Contact.phone, Message.accepted_at)
        .join(Contact, Contact.id == Message.contact_id)
        .where(
            Message.ask_at <= now,
            Message.state == MessageState.ACCEPTED,
            Message.carried_by_id.is_(None),
            Message.accepted_at.is_not(None),
        )
        .order_by(Message.ask_at, Message.id)
        .limit(AT_MOST)
    )
    return [Silent(number, provider, reference or "", to, at) for number, provider, reference, to, at in rows if at]


async def _ask(silent: Sequence[Silent], settings: Settings) -> list[Sequence[ReceiptEvent]]:
    providers = open_providers({item.provider for item in silent}, settings)
    turn = asyncio.Semaphore(AT_ONCE)
    try:
        return await asyncio.gather(*(_ask_one(item, providers, turn) for item in silent))
    finally:
        for provider in providers.values():
            await provider.close()


async def _ask_one(item: Silent, providers: dict[str, Provider], turn: asyncio.Semaphore) -> Sequence[ReceiptEvent]:
    provider = providers.get(item.provider)
    if provider is None or not item.reference:
        return ()
    async with turn:
        try:
            return await provider.ask(reference=item.reference, to=item.to, since=item.accepted_at)
        except Exception as failure:
            tell_unasked(item.message_id, failure)
            return ()


def open_providers(names: Collection[str], settings: Settings) -> dict[str, Provider]:
    """Return the providers that can be asked; one that is no longer set up must not keep the others from it."""
    providers = {}
    for name in sorted(set(names) & set(PROVIDERS)):
        try:
            providers[name] = get_provider(name, settings)
        except Exception as problem:
            log.error("%s is not set up, so nothing can be asked of it (%s)", name, type(problem).__name__)
    return providers


def tell_unasked(message_id: int, problem: Exception) -> None:
    """Log that a provider could not be asked about a message, or answered nonsense: the others are asked still."""
    code = problem.code if isinstance(problem, Unreachable) else type(problem).__name__
    log.warning("message %d: the provider could not be asked (%s)", message_id, code)


def _ask_again(silent: Sequence[Silent], now: datetime) -> None:
    """Ask later and later, and once more when a person is about to be asked; what has ended by now is left alone."""
    by_moment: dict[datetime, list[int]] = defaultdict(list)
    first = claims.ASK_ACCEPTED_AFTER.total_seconds()
    for item in silent:
        wait = ask_again_seconds((now - item.accepted_at).total_seconds(), first=first)
        by_moment[min(now + timedelta(seconds=wait), item.accepted_at + GIVE_UP_AFTER)].append(item.message_id)
    for moment, message_ids in by_moment.items():
        claims.ask_later(message_ids, moment)
