"""A row of the outbox becomes the text its reader gets: looked up in bulk, rendered in the reader's language.

Templates are `templates/sms/<template>.txt`, without signature; their lines are joined as the language joins
sentences, and a line that begins with `?` is left out where the text would cost a second segment. They know
`settings`, `values` (what was put into the outbox), the filter `sms_day` (an ISO day as 12月15日, 15 Dec) and, by the
record the message concerns:

- `permit:<id>`: `permit` (short name), `last_day` (ISO), `days_left` (on the day of sending), `opens_today`
- `revisit:<id>`: `link` (the one-time address)
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import sqlalchemy as sa
from flask import current_app
from jinja2 import TemplateError

from portal import clock
from portal.cli import current_settings
from portal.db import db
from portal.i18n import current, speaking
from portal.messages.rules import count_segments
from portal.permits.models import Permit, PermitType
from portal.revisits.service import link_for

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Context = dict[str, Any]


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

    `wording` names the body it was made from and `variables` what filled it, for providers that send both apart.
    """

    text: str
    segments: int
    locale: str = ""
    wording: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def compose(message: Composable) -> Composed:
    """Write one text; raises Uncomposable."""
    result = compose_many([message])[message.id]
    if isinstance(result, Uncomposable):
        raise result
    return result


def preview(template: str, values: dict[str, Any], locale: str) -> str:
    """Return a text as its reader would get it, before there is a message; for templates that need no look-up."""
    with speaking(locale):
        result = _render(template, {"values": values})
    if isinstance(result, Uncomposable):
        raise result
    return result.text


def compose_many(messages: Sequence[Composable]) -> dict[int, Composed | Uncomposable]:
    """Write many texts, by message id; equal ones are rendered once."""
    contexts = _look_up(messages)
    written: dict[int, Composed | Uncomposable] = {}
    by_locale: dict[str, list[Composable]] = defaultdict(list)
    for message in messages:
        by_locale[message.locale].append(message)
    for locale, group in by_locale.items():
        with speaking(locale):
            seen: dict[tuple[str, str], Composed | Uncomposable] = {}
            for message in group:
                context = contexts.get(message.id)
                key = (message.template, repr(context))
                if key not in seen:
                    seen[key] = _render(message.template, context)
                written[message.id] = seen[key]
    return written


def _render(template: str, context: Context | None) -> Composed | Uncomposable:
    if context is None:
        return Uncomposable("record_gone")
    settings = current_settings()
    try:
        words = current_app.jinja_env.get_template(f"sms/{template}.txt").render(settings=settings, **context)
    except TemplateError:
        return Uncomposable("cannot_compose")
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    text = settings.sms_signature + _join([line.removeprefix("?").strip() for line in lines])
    if count_segments(text) > 1:
        text = settings.sms_signature + _join([line for line in lines if not line.startswith("?")])
    return Composed(text, count_segments(text))


def _join(lines: Sequence[str]) -> str:
    return (" " if current() == "en" else "").join(lines)


def sms_day(value: str | date) -> str:
    """Write a day as briefly as a text needs it: 12月15日, 15 Dec."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{day.day} {MONTHS[day.month - 1]}" if current() == "en" else f"{day.month}月{day.day}日"


def _look_up(messages: Iterable[Composable]) -> dict[int, Context | None]:
    by_kind: dict[str, list[Composable]] = defaultdict(list)
    for message in messages:
        by_kind[message.subject.partition(":")[0]].append(message)
    found: dict[int, Context | None] = {}
    for kind, group in by_kind.items():
        look_up = LOOK_UPS.get(kind)
        found |= look_up(group) if look_up else {message.id: {"values": message.values} for message in group}
    return found


def _number(message: Composable) -> int:
    return int(message.subject.partition(":")[2])


def _permits(messages: Sequence[Composable]) -> dict[int, Context | None]:
    rows = db.session.execute(
        sa.select(
            Permit.id, Permit.last_apply_on, Permit.window_opens_on, PermitType.short_name, PermitType.short_name_en
        )
        .join(PermitType, PermitType.id == Permit.permit_type_id)
        .where(Permit.id.in_({_number(message) for message in messages}))
    )
    permits = {row.id: row for row in rows}
    return {message.id: _permit_context(permits.get(_number(message)), message) for message in messages}


def _permit_context(permit: Any, message: Composable) -> Context | None:
    if permit is None:
        return None
    today = clock.today()
    return {
        "permit": (permit.short_name_en if message.locale == "en" else "") or permit.short_name,
        "last_day": permit.last_apply_on.isoformat(),
        "days_left": (permit.last_apply_on - today).days,
        "opens_today": permit.window_opens_on == today,
    }


def _revisits(messages: Sequence[Composable]) -> dict[int, Context | None]:
    return {message.id: {"values": message.values, "link": link_for(_number(message))} for message in messages}


LOOK_UPS: Mapping[str, Callable[[Sequence[Composable]], dict[int, Context | None]]] = {
    "permit": _permits,
    "revisit": _revisits,
}
