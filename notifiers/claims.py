"""The outbox as a dispatcher sees it: what is due, what it takes, and how its hand-overs ended. Callers commit.

What goes out inside another message's text is carried by it: it has no attempt of its own and shares every change.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from notifiers.runs import left_behind
from portal import clock
from portal.contacts.models import Contact
from portal.db import db, one_of
from portal.messages.models import QUEUED, SENDING, Attempt, Message, MessageState, Outcome
from portal.messages.outbox import PLANNED_AT, PRIORITY_ANSWER, WITHDRAWN

# Wrapped, so that rows are found by their ids and then looked at, never the other way round.
OPEN = sa.func.coalesce(sa.cast(Message.state, sa.Text), "").in_([MessageState.SENDING, MessageState.UNKNOWN])
# A provider's list may trail behind its answers; and most receipts come within the hour.
ASK_UNKNOWN_AFTER = timedelta(minutes=1)
ASK_ACCEPTED_AFTER = timedelta(hours=1)
STOPPED = "stopped"


class Waiting(NamedTuple):
    """A message that is due, as the dispatcher needs it; no phone where there is nobody to send to.

    `carried` are the subjects, `carried_ids` the numbers of the messages that go out as part of this one's text.
    """

    id: int
    template: str
    subject: str
    values: dict[str, Any]
    priority: int
    urgent: bool
    attempts_made: int
    expires_at: datetime | None
    contact_id: int | None
    phone: str | None
    locale: str
    opted_out: bool
    carried: tuple[str, ...] = ()
    carried_ids: tuple[int, ...] = ()


class Claim(NamedTuple):
    """A message about to be handed over, with the words it will have, and the messages that these words carry."""

    message_id: int
    provider: str
    text: str
    segments: int
    carried_ids: tuple[int, ...] = ()


class Ending(NamedTuple):
    """How one hand-over ended. `state` is what the message becomes; `wait` is how long until it is due once more.

    `unsent` says that it was never begun, `carries` that other messages share its end.
    """

    message_id: int
    attempt_id: int
    outcome: Outcome
    state: MessageState
    reference: str | None = None
    error_code: str = ""
    wait: timedelta | None = None
    unsent: bool = False
    carries: bool = False


def _ready(due_by: datetime, urgent_only: bool) -> list[sa.ColumnElement[bool]]:
    conditions = [QUEUED, Message.due_at <= due_by]
    return [*conditions, Message.urgent.is_(True)] if urgent_only else conditions


def list_waiting(*, due_by: datetime, urgent_only: bool, limit: int) -> list[Waiting]:
    """Return what is due, most pressing first, locked for this transaction.

    PostgreSQL leaves out what a page is just changing; SQLite has one writer at a time and needs no lock.
    """
    return _list(*_ready(due_by, urgent_only), limit=limit)


def _list(*conditions: sa.ColumnElement[bool], limit: int | None) -> list[Waiting]:
    rows = db.session.execute(
        sa.select(
            Message.id,
            Message.template,
            Message.subject,
            Message.values,
            Message.priority,
            Message.urgent,
            Message.attempts_made,
            Message.expires_at,
            Message.contact_id,
            Contact.phone,
            sa.func.coalesce(Contact.locale, "").label("locale"),
            Contact.opted_out_at.is_not(None).label("opted_out"),
        )
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(*conditions)
        .order_by(Message.priority, Message.due_at, Message.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Message)
    )
    return [Waiting(*row) for row in rows]


def list_siblings(
    contact_ids: Collection[int], *, template: str, due_by: datetime, urgent_only: bool, leave_out: Collection[int]
) -> list[Waiting]:
    """Return what else of a template is due for some readers, locked like the rest."""
    if not contact_ids:
        return []
    conditions = [*_ready(due_by, urgent_only), Message.template == template]
    read = one_of(Message.contact_id, contact_ids)
    # Few have another: they are found without loading what is known of all the others.
    several = sa.select(Message.contact_id).where(read, *conditions).group_by(Message.contact_id)
    found = db.session.scalars(several.having(sa.func.count() > 1)).all()
    if not found:
        return []
    return _list(Message.contact_id.in_(found), Message.id.not_in(leave_out), *conditions, limit=None)


def count_texts(contact_ids: Collection[int], *, since: datetime) -> dict[int, int]:
    """Count the texts that some readers have got since a moment, or may have got; by contact id."""
    on_its_way = sa.and_(Message.state.in_([MessageState.SENDING, MessageState.UNKNOWN]), Message.changed_at >= since)
    rows = db.session.execute(
        sa.select(Message.contact_id, sa.func.count())
        .where(
            Message.contact_id.in_(contact_ids),
            Message.carried_by_id.is_(None),
            sa.or_(Message.accepted_at >= since, on_its_way),
        )
        .group_by(Message.contact_id)
    )
    return {int(contact_id): count for contact_id, count in rows if contact_id is not None}


def count_waiting(*, due_by: datetime) -> int:
    """Count what is due and still unsent."""
    statement = sa.select(sa.func.count()).select_from(Message).where(*_ready(due_by, False))
    return db.session.scalar(statement) or 0


def has_work(now: datetime, *, urgent_only: bool = False) -> bool:
    """Whether a message is due that may be sent or has become too late, or was being sent when its dispatcher died."""
    ready = _ready(now, False)
    if urgent_only:
        ready.append(sa.or_(Message.urgent.is_(True), Message.expires_at <= now))
    due = sa.select(Message.id).where(*ready).exists()
    return bool(db.session.scalar(sa.select(sa.or_(due, sa.select(Message.id).where(left_behind(now)).exists()))))


def claim(claims: Sequence[Claim], *, run_id: str) -> list[int]:
    """Mark messages as being sent and open an attempt for each; return the attempts' ids in the same order.

    To be committed before anything is sent: whatever happens then, nobody sends them again.
    """
    if not claims:
        return []
    now = clock.now()
    alike: dict[tuple[str, int], dict[int, str | None]] = defaultdict(dict)
    for item in claims:
        alike[item.provider, item.segments][item.message_id] = item.text
    made = Message.attempts_made + 1
    sending = {"state": MessageState.SENDING, "reason": "", "claimed_by": run_id, "changed_at": now}
    sending |= {"attempts_made": made, "carried_by_id": None, "ask_at": now + ASK_UNKNOWN_AFTER}
    # What is sent once more hears only of this time's end.
    sending["provider_reference"] = None
    for (provider, segments), texts in alike.items():
        written = _table(texts)
        which = Message.id == sa.cast(written.c.key, sa.Integer)
        _update(which, **sending, provider=provider, segments=segments, text=written.c.value)
    for item in claims:
        if item.carried_ids:
            shared = {"provider": item.provider, "text": item.text, "segments": 0}
            shared |= {"carried_by_id": item.message_id, "ask_at": None}
            _update(Message.id.in_(item.carried_ids), **(sending | shared))
    return _open_attempts([item.message_id for item in claims])


def _open_attempts(message_ids: Sequence[int]) -> list[int]:
    claimed = one_of(Message.id, message_ids)
    opening = sa.select(Message.id, Message.provider, Message.changed_at, sa.literal("")).where(claimed)
    columns = [Attempt.message_id, Attempt.provider, Attempt.started_at, Attempt.error_code]
    opened = db.session.connection().execute(
        sa.insert(Attempt)
        .from_select(columns, opening, include_defaults=False)
        .returning(Attempt.message_id, Attempt.id)
    )
    attempt_ids = {row[0]: row[1] for row in opened.all()}
    return [attempt_ids[message_id] for message_id in message_ids]


def keep_held(message_ids: Collection[int], *, run_id: str) -> set[int]:
    """Return which of some messages a run may hand over once more, locked for this transaction.

    Left out is what somebody else has decided about, what was withdrawn or carries what was, and whoever wants no
    more texts.
    """
    if not message_ids:
        return set()
    carried = aliased(Message)
    held = (
        sa.select(Message.id)
        .join(Contact, Contact.id == Message.contact_id)
        .where(
            Message.id.in_(message_ids),
            Message.claimed_by == run_id,
            Message.state == MessageState.SENDING,
            ~Message.reason.startswith(WITHDRAWN),
            ~sa.exists().where(carried.carried_by_id == Message.id, carried.reason.startswith(WITHDRAWN)),
            sa.or_(Contact.opted_out_at.is_(None), Message.priority <= PRIORITY_ANSWER),
        )
        .with_for_update(of=Message)
    )
    return set(db.session.scalars(held))


def settle_unsent(message_ids: Collection[int], **changes: object) -> None:
    """Change messages that cannot be sent now, or ever; `reason` says why."""
    if "due_at" in changes:
        changes["planned_at"] = PLANNED_AT
    if message_ids:
        _update(Message.id.in_(message_ids), **changes, changed_at=clock.now())


def record(endings: Sequence[Ending], *, run_id: str = "") -> None:
    """Record how hand-overs ended.

    A message whose run was given up meanwhile is `unknown` by then; a late answer still settles it. What a receipt
    or a person has settled already stays as it is, and unless a provider took the message only the run that claimed
    it last may say what becomes of it.
    """
    now = clock.now()
    alike: dict[object, list[Ending]] = defaultdict(list)
    for item in endings:
        alike[item.outcome, item.state, item.error_code, item.wait, item.unsent, item.carries].append(item)
    for items in alike.values():
        _record_alike(items, run_id, now)


def _record_alike(items: Sequence[Ending], run_id: str, now: datetime) -> None:
    first = items[0]
    ids = [item.message_id for item in items]
    which: sa.ColumnElement[bool] = Message.id.in_(ids)
    closing: sa.ColumnElement[bool] = Attempt.id.in_([item.attempt_id for item in items])
    changes = _changes(first, now)
    reference: dict[str, object] = {}
    ended: dict[str, object] = {"ended_at": now, "outcome": first.outcome, "error_code": first.error_code}
    guard: list[sa.ColumnElement[bool]] = [OPEN]
    if first.outcome is Outcome.ACCEPTED:
        by_message = _table({item.message_id: item.reference for item in items})
        by_attempt = _table({item.attempt_id: item.reference for item in items})
        which = Message.id == sa.cast(by_message.c.key, sa.Integer)
        reference["provider_reference"] = by_message.c.value
        closing = Attempt.id == sa.cast(by_attempt.c.key, sa.Integer)
        ended["provider_reference"] = by_attempt.c.value
    else:
        guard.append(Message.claimed_by == run_id)
    if first.carries:
        shared = changes | {"ask_at": None}
        if first.state is MessageState.QUEUED:
            shared["carried_by_id"] = None
        _update(Message.carried_by_id.in_(ids), *guard, **shared)
    _update(which, *guard, **changes, **reference)
    db.session.execute(sa.update(Attempt).where(closing).values(ended).execution_options(synchronize_session=False))


def _changes(ending: Ending, now: datetime) -> dict[str, object]:
    changes: dict[str, object] = {"state": ending.state, "reason": ending.error_code, "changed_at": now}
    if ending.state is not MessageState.UNKNOWN:
        changes["ask_at"] = now + ASK_ACCEPTED_AFTER if ending.state is MessageState.ACCEPTED else None
    if ending.outcome is Outcome.ACCEPTED:
        changes["accepted_at"] = now
    if ending.state is MessageState.DELIVERED:
        changes["delivered_at"] = now
    if ending.wait is not None:
        changes |= {"due_at": now + ending.wait, "planned_at": PLANNED_AT}
    if ending.state is MessageState.QUEUED:
        withdrawn, why = Message.reason.startswith(WITHDRAWN), sa.func.substr(Message.reason, len(WITHDRAWN) + 1)
        changes["state"] = sa.case((withdrawn, MessageState.VOID.value), else_=MessageState.QUEUED.value)
        changes["reason"] = sa.case((withdrawn, why), else_=ending.error_code)
    if ending.unsent:
        changes["attempts_made"] = Message.attempts_made - 1
    return changes


def _table(values: dict[int, str | None]) -> sa.TableValuedAlias:
    """Return values by number as a table: one statement, where one for each row would cost the sender.

    SQLite's driver lets go of Python's lock for every row, and gets it back only when the sending thread is done.
    """
    pairs = sa.literal(json.dumps(values), sa.Text)
    sqlite = db.engine.dialect.name == "sqlite"
    each = sa.func.json_each(pairs) if sqlite else sa.func.json_each_text(sa.cast(pairs, sa.JSON))
    return each.table_valued(sa.column("key", sa.Text), sa.column("value", sa.Text), name="reference")


def pass_on(message_ids: Collection[int], *, state: MessageState, reason: str) -> Sequence[Message]:
    """Hand messages that still stand in a state to a person, with what they carry; return all of these."""
    if not message_ids:
        return []
    passed = db.session.scalars(
        sa.update(Message)
        .where(sa.or_(Message.id.in_(message_ids), Message.carried_by_id.in_(message_ids)), Message.state == state)
        .values(state=MessageState.PERSON, reason=reason, ask_at=None, changed_at=clock.now())
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    return db.session.scalars(
        sa.select(Message).where(Message.id.in_(passed)).execution_options(populate_existing=True)
    ).all()


def list_with_carried(message_ids: Collection[int]) -> Sequence[Message]:
    """Return messages and what went out as part of their texts."""
    which = sa.or_(Message.id.in_(message_ids), Message.carried_by_id.in_(message_ids))
    return db.session.scalars(sa.select(Message).where(which)).all() if message_ids else []


def ask_later(message_ids: Collection[int], at: datetime) -> None:
    """Set when the provider is asked once more about messages that are still open."""
    _update(Message.id.in_(message_ids), Message.ask_at.is_not(None), ask_at=at)


def put_back_lost(run_id: str, *, keep: Collection[int]) -> None:
    """Put back what a run claimed without learning of it, because the database went away over the commit.

    `keep` are the messages it knows it holds; the others were never handed over.
    """
    lost = db.session.scalars(
        sa.select(Message.id).where(
            SENDING, Message.claimed_by == run_id, Message.carried_by_id.is_(None), Message.id.not_in(keep)
        )
    ).all()
    if not lost:
        return
    newest = sa.select(Attempt.message_id, sa.func.max(Attempt.id)).where(Attempt.message_id.in_(lost))
    unsent: dict[str, Any] = {"error_code": STOPPED, "wait": timedelta(), "unsent": True, "carries": True}
    record(
        [
            Ending(message_id, attempt_id, Outcome.UNREACHABLE, MessageState.QUEUED, **unsent)
            for message_id, attempt_id in db.session.execute(newest.group_by(Attempt.message_id))
        ],
        run_id=run_id,
    )


def _update(*conditions: sa.ColumnElement[bool], **values: object) -> None:
    db.session.execute(
        sa.update(Message).where(*conditions).values(values).execution_options(synchronize_session=False)
    )
