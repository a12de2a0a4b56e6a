"""Settles what nobody knows: the provider is asked, and after a day a person decides. Nothing is sent again here."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from notifiers import claims, runs
from notifiers.claims import Ending
from notifiers.dispatch import STATES
from notifiers.people import end_expired, end_unapproved, hand_to_person
from notifiers.providers import Accepted, Provider, Status
from notifiers.receipts import MAY_BE_TAKEN, match_receipts
from notifiers.silent import ask_about_silent, open_providers, tell_unasked
from portal import clock
from portal.cli import current_settings
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Attempt, Message, MessageState, Outcome
from portal.messages.rules import ask_again_seconds
from portal.settings import Settings

log = logging.getLogger(__name__)

# A provider's list may trail behind its answers; after a day it no longer does.
DECIDE_AFTER = timedelta(hours=24)
# So long providers go on telling of a message.
TOLD_FOR = timedelta(days=7)
AT_MOST = 500
AT_ONCE = 8


@dataclass(frozen=True)
class Open:
    """An unknown message, its last attempt, and the references of the same reader's other messages.

    `alone` says that the reader has no other message which may have been taken and whose reference is not known.
    """

    message_id: int
    attempt_id: int
    provider: str
    to: str
    text: str
    started_at: datetime
    known: Collection[str]
    alone: bool


def reconcile() -> dict[str, int]:
    """Ask the providers about everything unknown; return what was found, what a person must decide, what stays open.

    The caller's own transaction must be over: nothing is open while providers are asked.
    """
    now = clock.now()
    runs.sweep(now)
    end_expired(now)
    end_unapproved(now)
    waiting = _list_open(now)
    db.session.commit()
    found = asyncio.run(_ask(waiting, current_settings())) if waiting else {}
    claims.record([_accepted(item, answer) for item in waiting if (answer := found.get(item.message_id))])
    failed = [number for number, answer in found.items() if answer.status is Status.FAILED]
    for message in claims.list_with_carried(failed):
        hand_to_person(message)
    # A webhook and a dispatcher may each have missed what the other was just writing.
    match_receipts()
    unfound = [item for item in waiting if item.message_id not in found]
    person = _leave_to_person(unfound, now)
    _ask_again(unfound, now)
    still_open = db.session.scalar(sa.select(sa.func.count()).where(Message.state == MessageState.UNKNOWN)) or 0
    db.session.commit()
    person += ask_about_silent(now)
    result = {"accepted": len(found), "person": person, "open": still_open}
    if any(result.values()):
        log.info("reconcile: %s", result)
    return result


def _list_open(now: datetime) -> list[Open]:
    newest = aliased(Attempt)
    last = sa.select(sa.func.max(newest.id)).where(newest.message_id == Message.id).correlate(Message).scalar_subquery()
    rows = db.session.execute(
        sa.select(Message.id, Message.contact_id, Message.text, Attempt, Contact.phone)
        .select_from(Message)
        .join(Attempt, Attempt.id == last)
        .join(Contact, Contact.id == Message.contact_id)
        .where(Message.state == MessageState.UNKNOWN, Message.ask_at <= now, Message.carried_by_id.is_(None))
        .order_by(Message.ask_at, Message.id)
        .limit(AT_MOST)
    ).all()
    known = _list_references({row.contact_id for row in rows})
    nameless = _count_nameless({row.contact_id for row in rows}, now)
    return [
        Open(
            row.id,
            row.Attempt.id,
            row.Attempt.provider,
            row.phone,
            row.text,
            row.Attempt.started_at,
            known[row.contact_id],
            nameless[row.contact_id, row.Attempt.provider] <= 1,
        )
        for row in rows
    ]


def _list_references(contact_ids: Collection[int]) -> dict[int, set[str]]:
    known: dict[int, set[str]] = defaultdict(set)
    rows = db.session.execute(
        sa.select(Message.contact_id, Attempt.provider_reference)
        .join(Attempt, Attempt.message_id == Message.id)
        .where(Message.contact_id.in_(contact_ids), Attempt.provider_reference.is_not(None))
    )
    for contact_id, reference in rows:
        if contact_id is not None and reference is not None:
            known[contact_id].add(reference)
    return known


def _count_nameless(contact_ids: Collection[int | None], now: datetime) -> Counter[tuple[int | None, str]]:
    """Count by reader and provider what may have been taken lately, and whose reference is not known."""
    rows = db.session.execute(
        sa.select(Message.contact_id, Message.provider, sa.func.count())
        .where(
            Message.contact_id.in_(contact_ids),
            Message.state.in_(MAY_BE_TAKEN),
            Message.attempts_made > 0,
            Message.provider_reference.is_(None),
            Message.carried_by_id.is_(None),
            Message.changed_at >= now - TOLD_FOR,
        )
        .group_by(Message.contact_id, Message.provider)
    )
    return Counter({(contact_id, provider): number for contact_id, provider, number in rows})


async def _ask(waiting: Sequence[Open], settings: Settings) -> dict[int, Accepted]:
    providers = open_providers({item.provider for item in waiting}, settings)
    turn = asyncio.Semaphore(AT_ONCE)
    taken: set[str] = set()
    try:
        answers = await asyncio.gather(*(_look_up(item, providers, turn, taken) for item in waiting))
    finally:
        for provider in providers.values():
            await provider.close()
    return {item.message_id: answer for item, answer in zip(waiting, answers, strict=True) if answer is not None}


async def _look_up(
    item: Open, providers: dict[str, Provider], turn: asyncio.Semaphore, taken: set[str]
) -> Accepted | None:
    provider = providers.get(item.provider)
    if provider is None:
        return None
    async with turn:
        try:
            answer = await provider.look_up(
                to=item.to,
                text=item.text,
                since=item.started_at,
                known={*item.known, *taken},
                own_reference=str(item.message_id),
                alone=item.alone,
            )
        except Exception as failure:
            tell_unasked(item.message_id, failure)
            return None
    # Two equal texts to one reader must not both be settled by the one that arrived.
    if answer is None or answer.reference in taken:
        return None
    taken.add(answer.reference)
    return answer


def _accepted(item: Open, answer: Accepted) -> Ending:
    return Ending(
        item.message_id, item.attempt_id, Outcome.ACCEPTED, STATES[answer.status], answer.reference, carries=True
    )


def _ask_again(waiting: Sequence[Open], now: datetime) -> None:
    """Look at what the provider did not know later and later, so that the newest never wait for the oldest."""
    by_moment: dict[datetime, list[int]] = defaultdict(list)
    first = claims.ASK_UNKNOWN_AFTER.total_seconds()
    for item in waiting:
        wait = ask_again_seconds((now - item.started_at).total_seconds(), first=first)
        by_moment[min(now + timedelta(seconds=wait), item.started_at + DECIDE_AFTER)].append(item.message_id)
    for moment, message_ids in by_moment.items():
        claims.ask_later(message_ids, moment)


def _leave_to_person(waiting: Sequence[Open], now: datetime) -> int:
    late = [item.message_id for item in waiting if item.started_at <= now - DECIDE_AFTER]
    passed = claims.pass_on(late, state=MessageState.UNKNOWN, reason="unsettled")
    for message in passed:
        hand_to_person(message)
    return len(passed)
