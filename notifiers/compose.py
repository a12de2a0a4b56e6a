"""A row of the outbox becomes the text its reader gets: looked up in bulk, written in the reader's language.

A message names a template; which of the wordings (`portal.wordings`) it gets, and what fills it, is found when it is
sent. Templates whose record says more than the outbox are looked up; the others are filled from what was put there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa

from portal import clock
from portal.cli import current_settings
from portal.db import db, one_of
from portal.i18n import DEFAULT
from portal.permits.models import Permit, PermitType
from portal.revisits.service import link_for
from portal.risk_periods.models import RiskBatch, RiskPeriod
from portal.risk_periods.rules import Notice
from portal.wordings.queries import Bodies, known_locale
from portal.wordings.rules import sms_day

# So few days before the last one, a reminder says what delay may cost.
SOON = 3
# The day, among a message's values, that fills each variable.
DAYS: Mapping[str, Mapping[str, str]] = {
    "complaint_received": {"day": "received_on", "due": "accept_due_on"},
    "complaint_accepted": {"day": "received_on", "due": "answer_due_on"},
    "complaint_refused": {"day": "received_on"},
    "complaint_material": {"day": "received_on"},
    "complaint_message": {"day": "received_on"},
    "complaint_extended": {"day": "received_on", "due": "answer_due_on"},
    "complaint_transferred": {"day": "received_on"},
    "complaint_reopened": {"day": "received_on", "due": "answer_due_on"},
    "complaint_answered": {"day": "received_on"},
    "revisit": {"day": "decided_on", "until": "link_until"},
    "low_grade": {"day": "call_by"},
}


class Composable(Protocol):
    """What is needed of a message to write its text."""

    @property
    def id(self) -> int: ...
    @property
    def template(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def values(self) -> dict[str, Any]: ...
    @property
    def locale(self) -> str: ...
    @property
    def carried(self) -> Sequence[str]: ...


class Uncomposable(Exception):
    """A message whose record or template is not there; `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Composed:
    """A text as it is sent, signature in front, and what it costs.

    `wording` names the body it was made from and `variables` what filled it, for providers that send both apart;
    `home` are the same in the city's own language, for a provider that has approved no other.
    """

    text: str
    segments: int
    locale: str = ""
    wording: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    home: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message says: a wording, in a language, and what fills it, there and in the city's own language."""

    wording: str
    locale: str
    variables: dict[str, str]
    home: dict[str, str]


Drafts = dict[int, Draft | None]


def compose(message: Composable) -> Composed:
    """Write one text; raises Uncomposable."""
    result = compose_many([message])[message.id]
    if isinstance(result, Uncomposable):
        raise result
    return result


def preview(template: str, values: dict[str, Any], locale: str) -> str:
    """Return a text as its reader would get it, before there is a message; for templates that need no look-up.

    Raises Uncomposable.
    """
    result = _write(_from_values(template, values, known_locale(locale)), Bodies(), current_settings().hotline)
    if isinstance(result, Uncomposable):
        raise result
    return result.text


def compose_many(messages: Sequence[Composable]) -> dict[int, Composed | Uncomposable]:
    """Write many texts, by message id; records are looked up and bodies read once for all of them."""
    drafts = _draft(messages)
    bodies, hotline = Bodies(), current_settings().hotline
    # Many readers share a draft.
    shared = {id(draft): draft for draft in drafts.values()}
    texts = {number: _write(draft, bodies, hotline) for number, draft in shared.items()}
    return {message.id: texts[id(drafts[message.id])] for message in messages}


def _write(draft: Draft | None, bodies: Bodies, hotline: str) -> Composed | Uncomposable:
    if draft is None:
        return Uncomposable("record_gone")
    draft.variables["hotline"] = draft.home["hotline"] = hotline
    try:
        text, segments = bodies.write(draft.wording, draft.locale, draft.variables)
    except KeyError:
        return Uncomposable("cannot_compose")
    return Composed(text, segments, draft.locale, draft.wording, draft.variables, draft.home)


def _in_reach(make: Callable[[str], Draft], locale: str) -> Draft:
    """Draft in a language, and keep what fills it in the city's own."""
    draft = make(locale)
    return draft if draft.locale == DEFAULT else replace(draft, home=make(DEFAULT).variables)


def _draft(messages: Iterable[Composable]) -> Drafts:
    by_template: dict[str, list[Composable]] = defaultdict(list)
    for message in messages:
        by_template[message.template].append(message)
    found: Drafts = {}
    for template, group in by_template.items():
        found |= LOOK_UPS.get(template, _plain)(group)
    return found


def _plain(messages: Sequence[Composable]) -> Drafts:
    return {
        item.id: _in_reach(partial(_from_values, item.template, item.values), known_locale(item.locale))
        for item in messages
    }


def _from_values(template: str, values: Mapping[str, Any], locale: str) -> Draft:
    days = DAYS.get(template, {})
    variables = {
        name: sms_day(date.fromisoformat(values[key]), locale) for name, key in days.items() if values.get(key)
    }
    return Draft(template, locale, variables, variables)


def _number(subject: str) -> int:
    number = subject.partition(":")[2]
    return int(number) if number.isdecimal() else 0


class Facts(NamedTuple):
    """What the text of a reminder is made from."""

    last_apply_on: date
    window_opens_on: date | None
    short_name: str
    short_name_en: str


def _permits(messages: Sequence[Composable]) -> Drafts:
    """A reminder says what is true when it is sent, and stands for all the permits whose reminders it carries."""
    wanted = {message.id: [_number(subject) for subject in (message.subject, *message.carried)] for message in messages}
    rows = db.session.execute(
        sa.select(
            Permit.id, Permit.last_apply_on, Permit.window_opens_on, PermitType.short_name, PermitType.short_name_en
        )
        .join(PermitType, PermitType.id == Permit.permit_type_id)
        .where(one_of(Permit.id, {number for numbers in wanted.values() for number in numbers}))
    )
    permits = {row.id: Facts._make(row[1:]) for row in rows}
    today = clock.today()
    drafts: Drafts = {}
    made: dict[tuple[object, ...], Draft | None] = {}
    for message in messages:
        numbers = sorted(set(wanted[message.id])) if message.carried else wanted[message.id]
        found = [permits[number] for number in numbers if number in permits]
        alike = message.locale, *found
        if alike not in made:
            make = partial(_permit_draft, found, today)
            made[alike] = _in_reach(make, known_locale(message.locale)) if found else None
        drafts[message.id] = made[alike]
    return drafts


def _permit_draft(permits: Sequence[Facts], today: date, locale: str) -> Draft:
    first = min(permits, key=attrgetter("last_apply_on"))
    days = (first.last_apply_on - today).days
    variables = {
        "permit": (first.short_name_en if locale == "en" else "") or first.short_name,
        "day": sms_day(first.last_apply_on, locale),
        "days": str(days),
        "number": str(len(permits)),
    }
    if len(permits) > 1:
        wording = "permit_digest"
    elif first.window_opens_on == today:
        wording = "permit_opens"
    elif days <= 0:
        wording = "permit_last_day"
    else:
        wording = "permit_soon" if days <= SOON else "permit_renewal"
    return Draft(wording, locale, variables, variables)


def _revisits(messages: Sequence[Composable]) -> Drafts:
    drafts = _plain(messages)
    for message in messages:
        draft = drafts[message.id]
        if draft is not None:
            # Phones open a link that names no scheme, and it is shorter.
            link = link_for(_number(message.subject)).replace("https://", "")
            draft.variables["link"] = draft.home["link"] = link
    return drafts


def _risk_notices(messages: Sequence[Composable]) -> Drafts:
    """A notice says what was approved for its batch; where that is not all in English, it is Chinese throughout."""
    rows = db.session.execute(
        sa.select(
            RiskBatch.id,
            RiskBatch.starts_on,
            RiskPeriod.name,
            RiskPeriod.name_en,
            RiskBatch.advice,
            RiskBatch.advice_en,
        )
        .join(RiskPeriod, RiskPeriod.id == RiskBatch.period_id)
        .where(RiskBatch.id.in_({_number(message.subject) for message in messages}))
    )
    notices = {row.id: Notice(row.starts_on, row.name, row.name_en, row.advice, row.advice_en) for row in rows}
    drafts: Drafts = {}
    for message in messages:
        notice = notices.get(_number(message.subject))
        drafts[message.id] = _in_reach(partial(_risk_draft, notice), message.locale) if notice else None
    return drafts


def _risk_draft(notice: Notice, locale: str) -> Draft:
    written_in, variables = notice.fill(locale)
    return Draft("risk_notice", written_in, variables, variables)


LOOK_UPS: Mapping[str, Callable[[Sequence[Composable]], Drafts]] = {
    "permit_renewal": _permits,
    "revisit": _revisits,
    "risk_notice": _risk_notices,
}
