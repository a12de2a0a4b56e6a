"""Comparing decisions with what the public log says of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal import clock
from portal.bases.models import Article
from portal.db import db
from portal.decisions.models import Decision, DecisionState
from portal.decisions.queries import is_public, public_content, withdrawal_notice
from portal.transparency import queries as transparency
from portal.transparency import rules
from portal.transparency.models import LogAction, LogEntry
from portal.transparency.queries import Broken

CHUNK = 500
SUBJECT = "decision:"
ENDED = (LogAction.WITHDRAW, LogAction.EXPIRE)


@dataclass(frozen=True)
class Verdict:
    """How far everything holds that the public log vouches for."""

    entries: int
    checkpoints: int
    decisions: int
    broken: Broken | None = None


def verify() -> Verdict:
    """Walk chain and checkpoints, then compare each decision with its newest entry; stops at the first that fails."""
    chain = transparency.check_chain()
    decisions, broken = (0, chain.broken) if chain.broken else check_decisions()
    return Verdict(chain.entries, chain.checkpoints, decisions, broken)


def check_decisions() -> tuple[int, Broken | None]:
    """Return how many public decisions are what their newest entry says, and the first decision that is not."""
    gone = find_gone()
    if gone is not None:
        return 0, Broken("decision", str(gone), "is gone without an entry that ends it")
    checked = 0
    for decisions in walk_decisions():
        newest = list_newest([decision.id for decision in decisions])
        for decision in decisions:
            fault = find_fault(decision, newest.get(decision.id))
            if fault:
                return checked, Broken("decision", str(decision.id), fault)
            checked += decision.state is DecisionState.PUBLISHED
    return checked, None


def find_fault(decision: Decision, entry: LogEntry | None) -> str:
    """Return what is wrong between a decision and its newest entry, or an empty text."""
    if decision.state is not DecisionState.PUBLISHED:
        return _find_fault_of_end(decision, entry) if entry else ""
    if entry is None:
        return "is public without an entry"
    if entry.action in ENDED:
        return f"is public although entry {entry.id} has ended it"
    return "" if is_unchanged(decision, entry) else f"is not what entry {entry.id} says"


def _find_fault_of_end(decision: Decision, entry: LogEntry) -> str:
    if entry.action not in ENDED:
        return "was taken down without an entry"
    same = not has_notice(decision, entry) or is_unchanged(decision, entry)
    return "" if same else f"was withdrawn for another reason than entry {entry.id} says"


def has_notice(decision: Decision, entry: LogEntry) -> bool:
    """Whether an entry has fixed why a decision was withdrawn; those of an older portal have not."""
    return decision.state is DecisionState.WITHDRAWN and bool(entry.content_hash)


def is_unchanged(decision: Decision, entry: LogEntry) -> bool:
    """Whether a decision still says what an entry has fixed."""
    return rules.content_hash(entry.salt, rules.canonical(logged_content(decision))) == entry.content_hash


def logged_content(decision: Decision) -> dict[str, Any]:
    """Return what the log fixes of a decision: what its page says, or why it was withdrawn."""
    return (withdrawal_notice if decision.state is DecisionState.WITHDRAWN else public_content)(decision)


def walk_decisions() -> Iterator[Sequence[Decision]]:
    """Yield all decisions in pieces, as the database has them now, by id."""
    after = 0
    while decisions := db.session.scalars(
        _with_all_it_says().where(Decision.id > after).order_by(Decision.id).limit(CHUNK)
    ).all():
        yield decisions
        after = decisions[-1].id


def _with_all_it_says() -> sa.Select[Decision]:
    article = joinedload(Decision.article).joinedload(Article.basis)
    parts = (joinedload(Decision.organ), joinedload(Decision.party), article)
    return sa.select(Decision).options(*parts).execution_options(populate_existing=True)


def list_newest(decision_ids: Sequence[int]) -> dict[int, LogEntry]:
    """Return the newest entry of each of some decisions that has one, by the decision's id."""
    subjects = [f"{SUBJECT}{number}" for number in decision_ids]
    newest = sa.select(sa.func.max(LogEntry.id)).where(LogEntry.subject.in_(subjects)).group_by(LogEntry.subject)
    found = sa.select(LogEntry).where(LogEntry.id.in_(newest)).execution_options(populate_existing=True)
    return {int(entry.subject.removeprefix(SUBJECT)): entry for entry in db.session.scalars(found)}


def find_gone() -> int | None:
    """Return the id of a decision that is not there, although its newest entry does not end it; else None."""
    newest = sa.select(sa.func.max(LogEntry.id)).where(LogEntry.subject.startswith(SUBJECT)).group_by(LogEntry.subject)
    # Whatever order a database looks at conditions in, it casts nothing but numbers.
    digits = sa.case(
        (LogEntry.subject.startswith(SUBJECT), sa.func.substr(LogEntry.subject, len(SUBJECT) + 1)), else_="0"
    )
    number = sa.cast(digits, sa.Integer)
    return db.session.scalar(
        sa.select(sa.func.min(number))
        .outerjoin(Decision, Decision.id == number)
        .where(LogEntry.id.in_(newest), LogEntry.action.not_in(ENDED), Decision.id.is_(None))
    )


def find_said(decision_id: int, newest: LogEntry) -> Decision | None:
    """Return a decision of which everybody may read today what its newest entry has fixed, or None."""
    shown = is_public(clock.today())
    if newest.action is LogAction.WITHDRAW and newest.content_hash:
        shown = Decision.state == DecisionState.WITHDRAWN
    return db.session.scalar(_with_all_it_says().where(Decision.id == decision_id, shown))
