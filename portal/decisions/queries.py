"""Reading decisions, the public's and the staff's way."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload

from portal import clock
from portal.bases.models import Article
from portal.calendar.queries import get_calendar
from portal.db import db
from portal.decisions import rules
from portal.decisions.models import (
    CorrectionState,
    CreditRepair,
    Decision,
    DecisionCheck,
    DecisionKind,
    DecisionState,
)
from portal.errors import Gone, NotFound
from portal.organs.models import Organ
from portal.paging import Listing, Page, list_page
from portal.parties.models import Party, PartyKind
from portal.person_names.queries import name_style
from portal.person_names.rules import LONGEST_NAME, PERSONAL_SIGNS
from portal.rows import columns_of, count_rows


# What a list shows; named columns, because building records for every row would cost more than the page.
def _columns(decisions: Any, parties: Any, organs: Any) -> tuple[sa.ColumnElement[Any], ...]:
    return (
        decisions.id,
        decisions.document_number,
        decisions.title,
        decisions.kind,
        decisions.decided_on,
        decisions.published_at,
        parties.kind.label("party_kind"),
        parties.name.label("party_name"),
        organs.name.label("organ_name"),
        organs.name_en.label("organ_name_en"),
    )


COLUMNS = _columns(Decision, Party, Organ)


# A moment takes longer to read than the rest of a row, and the public list shows none.
SHOWN_IN_LIST = tuple(column for column in COLUMNS if column.key != "published_at")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a list of decisions is narrowed to; `since` and `until` are days of decision.

    `party` is part of a firm's name or a whole credit code, `measure` a kind of penalty, `permit_category` one of
    permits.
    """

    organ_id: int | None = None
    kind: DecisionKind | None = None
    keyword: str = ""
    party: str = ""
    since: date | None = None
    until: date | None = None
    industry: str = ""
    place: str = ""
    measure: str = ""
    permit_category: str = ""
    article_id: int | None = None

    @property
    def any(self) -> bool:
        return self != EVERYTHING


EVERYTHING = Filter()


def is_public(on: date, decisions: Any = Decision) -> sa.ColumnElement[bool]:
    """Return the condition under which anybody may see a decision on a day."""
    until = decisions.publish_until
    return sa.and_(decisions.state == DecisionState.PUBLISHED, until.is_(None) | (until >= on))


def list_published(wanted: Filter, *, on: date, number: int, version: int | None = None) -> Page[Any]:
    """Return what is public on a day, newest first; with the version of the data it is not counted again."""
    return _listing(wanted, on).read(number, version)


@lru_cache(maxsize=64)
def _listing(wanted: Filter, on: date) -> Listing:
    counted = sa.select(Decision.id).where(is_public(on))
    if wanted.party or wanted.keyword:
        counted = counted.join(Decision.party)
    rows = sa.select(*SHOWN_IN_LIST).join(Decision.party).join(Decision.organ).where(is_public(on))
    newest = narrowed(rows, wanted).order_by(Decision.published_at.desc(), Decision.id.desc())
    return Listing(newest, narrowed(counted, wanted))


def narrowed(statement: sa.Select[*tuple[Any, ...]], wanted: Filter) -> sa.Select[*tuple[Any, ...]]:
    """Return a statement over decisions and their parties with the conditions of a filter."""
    same: tuple[tuple[Any, object], ...] = (
        (Decision.organ_id, wanted.organ_id),
        (Decision.kind, wanted.kind),
        (Decision.article_id, wanted.article_id),
        (Decision.permit_category, wanted.permit_category),
    )
    statement = statement.where(*(column == value for column, value in same if value))
    if wanted.since:
        statement = statement.where(Decision.decided_on >= wanted.since)
    if wanted.until:
        statement = statement.where(Decision.decided_on <= wanted.until)
    if wanted.measure:
        # JSON as it is stored writes every letter outside ASCII as an escape.
        name = json.dumps(wanted.measure)
        statement = statement.where(sa.cast(Decision.measures, sa.Text).contains(name, autoescape=True))
    parts = ((Decision.industry, wanted.industry), (Decision.place, wanted.place))
    statement = statement.where(*(text.icontains(part, autoescape=True) for text, part in parts if part))
    if wanted.party:
        statement = statement.where(_is_party(wanted.party))
    if wanted.keyword:
        found = [text.contains(wanted.keyword, autoescape=True) for text in (Decision.title, Decision.violation)]
        found.append(_has_number(wanted.keyword))
        statement = statement.where(sa.or_(_is_firm(wanted.keyword), *found))
    return statement


def _has_number(part: str) -> sa.ColumnElement[bool]:
    return Decision.number_key.contains(rules.number_key(part), autoescape=True)


def _is_firm(part: str) -> sa.ColumnElement[bool]:
    return sa.and_(_named_in_full(), Party.name.icontains(part, autoescape=True))


def _named_in_full() -> sa.ColumnElement[bool]:
    """Return the condition under which the public reads a party's name as it is registered.

    A natural person must not be found by the name that the page hides, nor a sole trader registered by it.
    """
    shop = sa.and_(
        Party.kind == PartyKind.SOLE_TRADER,
        sa.func.length(Party.name) > LONGEST_NAME,
        *(~Party.name.contains(sign, autoescape=True) for sign in PERSONAL_SIGNS),
    )
    return sa.or_(Party.kind == PartyKind.ORGANISATION, shop)


def _is_party(part: str) -> sa.ColumnElement[bool]:
    code = sa.and_(Party.kind != PartyKind.PERSON, Party.credit_code == part.upper())
    return sa.or_(code, _is_firm(part))


def list_newest(*, on: date, limit: int) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the newest public decisions."""
    decisions, parties, organs = map(columns_of, (Decision, Party, Organ))
    statement = sa.select(*_columns(decisions, parties, organs)).where(
        is_public(on, decisions), decisions.party_id == parties.id, decisions.organ_id == organs.id
    )
    return db.session.execute(statement.order_by(decisions.published_at.desc(), decisions.id.desc()).limit(limit)).all()


def list_on_article(article_id: int, *, limit: int = 10) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the newest public decisions that rest on an article."""
    statement = sa.select(Decision.id, Decision.title, Decision.document_number, Decision.decided_on)
    statement = statement.where(is_public(clock.today()), Decision.article_id == article_id)
    return db.session.execute(statement.order_by(Decision.published_at.desc(), Decision.id.desc()).limit(limit)).all()


def list_of_organ(organ_id: int, *, limit: int = 5) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the newest public decisions of an organ."""
    statement = sa.select(Decision.id, Decision.title, Decision.document_number, Decision.decided_on)
    statement = statement.where(is_public(clock.today()), Decision.organ_id == organ_id)
    return db.session.execute(statement.order_by(Decision.published_at.desc(), Decision.id.desc()).limit(limit)).all()


def count_published(*, on: date, since: date | None = None) -> int:
    """Count what is public on a day, or what of it was decided since another."""
    decisions = columns_of(Decision)
    return count_rows(Decision, is_public(on, decisions), *([decisions.decided_on >= since] if since else []))


def find_decision(decision_id: int) -> Decision | None:
    """Return a decision with what its page shows, or None."""
    return db.session.scalar(
        sa.select(Decision)
        .where(Decision.id == decision_id)
        .options(
            joinedload(Decision.organ),
            joinedload(Decision.party),
            joinedload(Decision.article).joinedload(Article.basis),
        )
    )


def get_published(decision_id: int, *, on: date) -> Decision:
    """Return a decision that is public on a day.

    Raises Gone when it was public once (`details["decision"]` is there when it was withdrawn, not when its period is
    over), NotFound when it never was.
    """
    decision = find_decision(decision_id)
    if decision is None or decision.published_at is None:
        raise NotFound(_l("There is no decision at this address."))
    if decision.state is DecisionState.EXPIRED or (decision.publish_until and decision.publish_until < on):
        raise Gone(_l("The publication period has ended."), decision=None)
    if decision.state is DecisionState.WITHDRAWN:
        raise Gone(_l("This decision is no longer published"), decision=decision)
    if decision.state is not DecisionState.PUBLISHED:
        raise NotFound(_l("There is no decision at this address."))
    return decision


def public_party_name(kind: str, name: str) -> str:
    """Return a party's name as the public of this portal sees it."""
    return rules.public_party_name(kind, name, name_style())


def describe(decision: Decision) -> dict[str, Any]:
    """Return what the public page shows of a decision; a reviewer sees the same before it is public."""
    published_on = clock.local(decision.published_at).date() if decision.published_at else None
    worked = get_calendar().working_days_between(decision.decided_on, published_on) if published_on else None
    return {
        "decision": decision,
        "party": public_party_name(decision.party.kind, decision.party.name),
        "published_on": published_on,
        "working_days": worked,
        "within": rules.publish_within(decision.kind),
        "remedy": rules.remedy(decision.kind, on_the_spot=decision.on_the_spot),
        "measures": rules.MEASURES,
        "corrections": list_public_corrections(decision),
    }


# What the public page shows of a decision as it stands in its columns; the texts are the masked ones.
SHOWN = (
    "document_number",
    "title",
    "violation",
    "facts",
    "measures",
    "content",
    "certificate",
    "on_the_spot",
    "place",
    "industry",
    "legal_representative",
    "document_name",
    "permit_category",
    "permit_number",
    "note",
)
DAYS = ("decided_on", "valid_from", "valid_to", "publish_until")


def public_content(decision: Decision) -> dict[str, Any]:
    """Return exactly what the public page says of a decision, in values that JSON knows; money in yuan, days in ISO."""
    party, article = decision.party, decision.article
    published_on = clock.local(decision.published_at).date() if decision.published_at else None
    shown: dict[str, Any] = {name: getattr(decision, name) for name in SHOWN}
    shown |= {name: _iso(getattr(decision, name)) for name in DAYS}
    shown |= {name: _sum(getattr(decision, name)) for name in ("fine", "confiscated")}
    if party.kind is PartyKind.PERSON:
        shown["legal_representative"] = ""
    return shown | {
        "kind": decision.kind.value,
        "organ": decision.organ.name,
        "party": public_party_name(party.kind, party.name),
        "party_kind": party.kind.value,
        "credit_code": "" if party.kind is PartyKind.PERSON else party.credit_code or "",
        "basis_text": decision.basis_text or (f"{article.basis.title} {article.label}" if article else ""),
        "published_on": _iso(published_on),
        "corrections": [{"on": _iso(on), "note": note} for on, note in list_public_corrections(decision)],
    }


def withdrawal_notice(decision: Decision) -> dict[str, Any]:
    """Return what the public page says of a decision that was withdrawn, in values that JSON knows."""
    withdrawn_on = clock.local(decision.withdrawn_at).date() if decision.withdrawn_at else None
    return {"withdrawn_on": _iso(withdrawn_on), "withdrawal_reason": decision.withdrawal_reason}


def fingerprint(decision: Decision) -> str:
    """Return what changes whenever a decision does, so that nobody acts on what they did not see."""
    seen = public_content(decision) | {
        "state": decision.state.value,
        "name": decision.party.name,
        "original": decision.original.texts if decision.original else {},
        "masked_at": decision.masked_at.isoformat() if decision.masked_at else "",
        "revisit": [decision.revisit_required, decision.party.contact_id],
    }
    words = json.dumps(seen, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:20]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _sum(amount: Decimal | None) -> str | None:
    return f"{amount:.2f}" if amount is not None else None


def list_public_corrections(decision: Decision) -> list[tuple[date, str]]:
    """Return the days on which a decision was corrected, with the note for the public, newest first."""
    if decision.corrected_at is None:
        return []
    applied = [row for row in decision.corrections if row.state is CorrectionState.APPLIED and row.decided_at]
    return [(clock.local(row.decided_at).date(), row.note) for row in reversed(applied) if row.decided_at]


def list_checks(decision_id: int) -> Sequence[DecisionCheck]:
    """Return the legal reviews and risk assessments on record, newest first."""
    statement = sa.select(DecisionCheck).where(DecisionCheck.decision_id == decision_id)
    return db.session.scalars(statement.order_by(DecisionCheck.concluded_on.desc(), DecisionCheck.id.desc())).all()


def list_repairs(decision_id: int) -> Sequence[CreditRepair]:
    """Return the applications for credit repair, newest first."""
    statement = sa.select(CreditRepair).where(CreditRepair.decision_id == decision_id)
    return db.session.scalars(statement.order_by(CreditRepair.id.desc())).all()


def get_for_staff(decision_id: int, *, scope: int | None, lock: bool = False) -> Decision:
    """Return a decision of the organ a member of staff acts for; None means all organs."""
    statement = sa.select(Decision).where(Decision.id == decision_id)
    if scope is not None:
        statement = statement.where(Decision.organ_id == scope)
    if lock:
        statement = statement.with_for_update(of=Decision).execution_options(populate_existing=True)
    decision = db.session.scalar(statement)
    if decision is None:
        raise NotFound(_l("There is no decision at this address."))
    return decision


def list_by_ids(ids: Sequence[int], *, scope: int | None) -> Sequence[Decision]:
    """Return the decisions with these ids that are an organ's, or anybody's, in the order of their ids."""
    statement = sa.select(Decision).where(Decision.id.in_(ids)).options(joinedload(Decision.party))
    if scope is not None:
        statement = statement.where(Decision.organ_id == scope)
    return db.session.scalars(statement.order_by(Decision.id)).all()


def list_for_staff(
    *, scope: int | None, state: DecisionState | None, keyword: str, number: int, names: bool = True
) -> Page[Any]:
    """Return the decisions of an organ or of all, those that wait longest for publication first.

    Without `names` nobody is found by the name of a natural person.
    """
    statement = sa.select(*COLUMNS, Decision.state, Decision.organ_id).join(Decision.party).join(Decision.organ)
    if scope is not None:
        statement = statement.where(Decision.organ_id == scope)
    if state:
        statement = statement.where(Decision.state == state)
    if keyword:
        name = Party.name.contains(keyword, autoescape=True)
        found = [name if names else _is_firm(keyword)]
        found += [Decision.title.contains(keyword, autoescape=True), _has_number(keyword)]
        statement = statement.where(sa.or_(*found))
    open_first = sa.case((Decision.published_at.is_(None), 0), else_=1)
    oldest_open = sa.case((Decision.published_at.is_(None), Decision.decided_on), else_=None)
    return list_page(
        statement.order_by(open_first, oldest_open, Decision.decided_on.desc(), Decision.id.desc()), number
    )


def count_by_state(*, scope: int | None) -> dict[DecisionState, int]:
    """Count the decisions of an organ or of all in each state."""
    statement = sa.select(Decision.state, sa.func.count()).group_by(Decision.state)
    if scope is not None:
        statement = statement.where(Decision.organ_id == scope)
    return dict(db.session.execute(statement).all())
