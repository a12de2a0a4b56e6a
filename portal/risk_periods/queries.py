"""Reading periods and batches: which days they fall on, whom they concern, and how far their texts have come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.cli import current_settings
from portal.contacts.models import Contact
from portal.db import db
from portal.errors import NotFound
from portal.i18n import LOCALES
from portal.messages.models import Message, MessageState
from portal.paging import Page, list_page
from portal.parties.models import Party, PartyKind
from portal.permits.models import Permit, PermitStatus
from portal.risk_periods.models import BatchState, RiskBatch, RiskPeriod
from portal.risk_periods.rules import DAY, USEFUL_DAYS, Dates, Notice, Span
from portal.wordings.queries import Bodies, list_templates, variable_length
from portal.wordings.rules import TEMPLATED

TEMPLATE = "risk_notice"
SAMPLE = 20
# Why somebody gets no text; who shares a phone with a party registered earlier hears by that one's text.
NO_CONTACT, OPTED_OUT, DUPLICATE = "no_contact", "opted_out", "duplicate"
UNREACHED = (MessageState.SUPPRESSED, MessageState.FAILED, MessageState.REJECTED, MessageState.PERSON)


@dataclass(frozen=True)
class Choice:
    """Whom a batch addresses: parties of some trades in some streets, empty for all, that stand on a day."""

    trades: Sequence[str]
    streets: Sequence[str]
    on: date


@dataclass
class Count:
    """Who gets a text and who does not: `recipients` by language, `suppressed` by reason."""

    recipients: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    trades: Counter[str] = field(default_factory=Counter)
    streets: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.recipients.total()


@dataclass(frozen=True)
class Written:
    """One text as its readers get it; `too_long` names the providers that do not take one of its variables."""

    text: str
    segments: int
    too_long: Sequence[str] = ()


def subject_of(batch_id: int) -> str:
    """Return what the messages of a batch say they are about."""
    return f"risk_batch:{batch_id}"


def dates_of(period: RiskPeriod) -> Dates:
    """Return when a period falls, for the rules."""
    return Dates(period.first_day, period.last_day, [Span(days.starts_on, days.ends_on) for days in period.days])


def choice_of(batch: RiskBatch) -> Choice:
    """Return whom a batch addresses."""
    return Choice(batch.trades, batch.streets, batch.send_on)


def list_periods(*, active: bool | None = None, scope: int | None = None) -> Sequence[RiskPeriod]:
    """Return the periods with their days, in the order in which they were entered."""
    statement = sa.select(RiskPeriod).where(*_visible(scope)).options(selectinload(RiskPeriod.days))
    statement = statement.order_by(RiskPeriod.id)
    if active is not None:
        statement = statement.where(RiskPeriod.active.is_(active))
    return db.session.scalars(statement).all()


def get_period(period_id: int, *, scope: int | None, lock: bool = False) -> RiskPeriod:
    """Return a period of the whole city or of the organ of whoever asks; raises NotFound."""
    statement = sa.select(RiskPeriod).where(RiskPeriod.id == period_id).options(selectinload(RiskPeriod.days))
    period = db.session.scalar(statement.with_for_update(of=RiskPeriod) if lock else statement)
    if period is None or (scope is not None and period.organ_id not in (None, scope)):
        raise NotFound(_l("There is no such period."))
    return period


def get_batch(batch_id: int, *, scope: int | None, lock: bool = False) -> RiskBatch:
    """Return a batch within the scope of whoever asks, as it stands now; raises NotFound."""
    statement = sa.select(RiskBatch).where(RiskBatch.id == batch_id).execution_options(populate_existing=True)
    batch = db.session.scalar(statement.with_for_update(of=RiskBatch) if lock else statement)
    if batch is None or (scope is not None and batch.period.organ_id not in (None, scope)):
        raise NotFound(_l("There is no such batch."))
    return batch


def list_batches(*, scope: int | None, number: int) -> Page[RiskBatch]:
    """Return one page of batches, those that begin last first."""
    statement = sa.select(RiskBatch).join(RiskBatch.period).options(joinedload(RiskBatch.period))
    statement = statement.where(*_visible(scope)).order_by(RiskBatch.starts_on.desc(), RiskBatch.id.desc())
    return list_page(statement, number, scalars=True)


def list_batches_of(period_id: int, *states: BatchState) -> Sequence[RiskBatch]:
    """Return the batches of a period, in some states or in all, those that begin last first."""
    statement = sa.select(RiskBatch).where(RiskBatch.period_id == period_id)
    if states:
        statement = statement.where(RiskBatch.state.in_(states))
    return db.session.scalars(statement.order_by(RiskBatch.starts_on.desc())).all()


def list_useful_batches(on: date, *states: BatchState) -> Sequence[RiskBatch]:
    """Return the batches in some states whose texts are still of use on a day."""
    useful = (RiskBatch.starts_on >= on - DAY * USEFUL_DAYS, RiskBatch.ends_on >= on)
    return db.session.scalars(sa.select(RiskBatch).where(RiskBatch.state.in_(states), *useful)).all()


def has_unsent(batch_id: int) -> bool:
    """Whether texts of a batch wait in the outbox or are on their way to a provider."""
    waits = Message.state.in_((MessageState.QUEUED, MessageState.SENDING))
    found = sa.select(Message.id).where(Message.subject == subject_of(batch_id), waits).limit(1)
    return db.session.scalar(found) is not None


def count_to_hand_over(*, on: date, scope: int | None) -> int:
    """Count the batches whose period has not begun on a day and that nobody has handed over yet, or that came back."""
    waits = (RiskBatch.state.in_((BatchState.PREPARED, BatchState.REFUSED)), RiskBatch.starts_on > on)
    return _count(*waits, RiskPeriod.active.is_(True), *_visible(scope))


def count_to_approve(*, staff_id: int, scope: int | None) -> int:
    """Count the batches that wait for approval and that somebody else has handed over."""
    return _count(RiskBatch.state == BatchState.SUBMITTED, RiskBatch.submitted_by_id != staff_id, *_visible(scope))


def _count(*conditions: sa.ColumnElement[bool]) -> int:
    statement = sa.select(sa.func.count(RiskBatch.id)).join(RiskBatch.period).where(*conditions)
    return db.session.scalar(statement) or 0


def _visible(scope: int | None) -> list[sa.ColumnElement[bool]]:
    return [] if scope is None else [sa.or_(RiskPeriod.organ_id.is_(None), RiskPeriod.organ_id == scope)]


def list_trades_and_streets() -> tuple[Sequence[str], Sequence[str]]:
    """Return the trades and the streets that the register holds."""
    trades = db.session.scalars(sa.select(Party.industry).distinct().where(Party.industry != "")).all()
    streets = db.session.scalars(sa.select(Party.street).distinct().where(Party.street != "")).all()
    return sorted(trades), sorted(streets)


def _addressed(party: Any, choice: Choice) -> list[sa.ColumnElement[bool]]:
    """Return the conditions under which a party is addressed.

    Whose permits have all ended is left out: the number may be somebody else's by now. So is a natural person of whom
    neither trade nor permit is known: to have been fined once is no trade.
    """
    own = sa.select(Permit.id).where(Permit.party_id == party.id)
    stands = own.where(Permit.status == PermitStatus.VALID, Permit.valid_to >= choice.on).exists()
    in_trade = sa.or_(party.kind != PartyKind.PERSON, party.industry != "")
    conditions = [sa.or_(stands, sa.and_(~own.exists(), in_trade))]
    if choice.trades:
        conditions.append(party.industry.in_(choice.trades))
    if choice.streets:
        conditions.append(party.street.in_(choice.streets))
    return conditions


def _obstacle(choice: Choice) -> sa.ColumnElement[str]:
    """Return why a party gets no text of its own, empty when it gets one; to be joined with its contact."""
    earlier = aliased(Party)
    shared = sa.select(earlier.id).where(
        earlier.contact_id == Party.contact_id, earlier.id < Party.id, *_addressed(earlier, choice)
    )
    return sa.case(
        (Party.contact_id.is_(None), NO_CONTACT),
        (Contact.opted_out_at.is_not(None), OPTED_OUT),
        (shared.exists(), DUPLICATE),
        else_="",
    )


def list_addressed(choice: Choice, *, after_id: int, limit: int) -> Sequence[Any]:
    """Return a page of the parties that a batch addresses, by id: party, contact, language, and what is in the way."""
    statement = (
        sa.select(
            Party.id,
            Party.contact_id,
            sa.func.coalesce(Contact.locale, "").label("locale"),
            _obstacle(choice).label("reason"),
        )
        .outerjoin(Contact, Contact.id == Party.contact_id)
        .where(Party.id > after_id, *_addressed(Party, choice))
        .order_by(Party.id)
        .limit(limit)
    )
    return db.session.execute(statement).all()


def list_sample(choice: Choice) -> Sequence[Any]:
    """Return the first recipients, as a preview shows them."""
    statement = (
        sa.select(Party.id, Party.name, Party.industry, Party.street, Contact.phone, Contact.locale)
        .join(Contact, Contact.id == Party.contact_id)
        .where(*_addressed(Party, choice), _obstacle(choice) == "")
        .order_by(Party.id)
        .limit(SAMPLE)
    )
    return db.session.execute(statement).all()


def count_addressed(choice: Choice) -> Count:
    """Count whom a batch addresses, by trade, street, language and what is in the way."""
    each = (
        sa.select(Party.industry, Party.street, Contact.locale, _obstacle(choice).label("reason"))
        .outerjoin(Contact, Contact.id == Party.contact_id)
        .where(*_addressed(Party, choice))
        .subquery()
    )
    columns = (each.c.industry, each.c.street, each.c.locale, each.c.reason)
    found = Count()
    for trade, street, locale, reason, number in db.session.execute(
        sa.select(*columns, sa.func.count()).group_by(*columns)
    ):
        if reason:
            found.suppressed[reason] += number
        else:
            found.recipients[locale] += number
            found.trades[trade] += number
            found.streets[street] += number
    return found


def write_texts(batch: RiskBatch) -> Mapping[str, Written]:
    """Return the texts of a batch by the language of their readers, word for word as they will be sent."""
    settings, bodies = current_settings(), Bodies()
    limits = {name: variable_length(name) for name in settings.sms_providers if name in TEMPLATED}
    notice, found = notice_of(batch), {}
    for locale in LOCALES:
        written_in, values = notice.fill(locale)
        text, segments = bodies.write(TEMPLATE, written_in, values | {"hotline": settings.hotline})
        longest = max(len(value) for value in values.values())
        found[locale] = Written(text, segments, [name for name, limit in limits.items() if longest > limit])
    return found


def list_unapproved() -> Sequence[str]:
    """Return the providers in use that send approved texts alone and have approved none for these notices."""
    approved = {(provider, name) for provider, name, _locale in list_templates(approved=True)}
    in_use = current_settings().sms_providers
    return [name for name in in_use if name in TEMPLATED and (name, TEMPLATE) not in approved]


def notice_of(batch: RiskBatch) -> Notice:
    """Return what a batch tells its readers."""
    period = batch.period
    return Notice(batch.starts_on, period.name, period.name_en, batch.advice, batch.advice_en)


def count_segments(count: Count, texts: Mapping[str, Written]) -> int:
    """Return the segments that a batch costs."""
    return sum(number * texts[locale].segments for locale, number in count.recipients.items())


def count_messages(batch_id: int) -> Mapping[MessageState, int]:
    """Return how many messages of a batch stand in each state."""
    rows = db.session.execute(
        sa.select(Message.state, sa.func.count()).where(Message.subject == subject_of(batch_id)).group_by(Message.state)
    )
    return {row.state: row[1] for row in rows}


def count_carried(batch_id: int) -> int:
    """Count the parties that hear by the text of another one on the same phone."""
    statement = sa.select(sa.func.count()).where(Message.subject == subject_of(batch_id), Message.reason == DUPLICATE)
    return db.session.scalar(statement) or 0


def list_unreached(batch_id: int, number: int) -> Page[Any]:
    """Return one page of the parties that no text of a batch reached, with the reason."""
    party_id = Message.values["party_id"].as_integer()
    statement = (
        sa.select(Party.id, Party.name, Party.industry, Party.street, Message.state, Message.reason)
        .join(Message, party_id == Party.id)
        .where(Message.subject == subject_of(batch_id), Message.state.in_(UNREACHED), Message.reason != DUPLICATE)
        .order_by(Message.id)
    )
    return list_page(statement, number)
