"""Changing the words of texts, and noting what providers say of them; every change is recorded with its words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.audit import service as audit
from portal.db import db
from portal.errors import Conflict, TransitionError
from portal.wordings.models import Approval, ProviderTemplate, Wording
from portal.wordings.queries import find_template, find_wording
from portal.wordings.rules import may_replace

CHANGED = _l("Somebody else has changed this meanwhile. Your text is below; read theirs first.")
# By text, whether a second person is asked, or has agreed, to words of it that are still to be sent.
handed_over: dict[str, Callable[[], bool]] = {}


def set_body(*, name: str, locale: str, body: str, seen: str, staff_id: int) -> Wording:
    """Make a city's own body the one that is sent.

    Raises Conflict when it is not the one that was `seen` any more, or when somebody has approved what is unsent of it.
    """
    wording = find_wording(name, locale, lock=True)
    _check_seen(wording, seen)
    _check_free(name)
    if wording is None:
        wording = Wording(name=name, locale=locale)
        db.session.add(wording)
    wording.body, wording.changed_at, wording.changed_by_id = body, clock.now(), staff_id
    _flush()
    audit.record("wording.changed", f"wording:{name}:{locale}", staff_id=staff_id, body=body)
    return wording


def restore_body(*, name: str, locale: str, seen: str, staff_id: int) -> None:
    """Go back to the body that ships; raises Conflict as `set_body` does."""
    wording = find_wording(name, locale, lock=True)
    _check_seen(wording, seen)
    _check_free(name)
    if wording is not None:
        db.session.delete(wording)
        audit.record("wording.restored", f"wording:{name}:{locale}", staff_id=staff_id, body=wording.body)


@dataclass(frozen=True, kw_only=True)
class Filing:
    """What is on file with a provider; see ProviderTemplate."""

    body: str
    template_id: str
    status: Approval
    decided_on: date | None
    note: str


def file_template(
    *, provider: str, name: str, locale: str, filing: Filing, seen: str, staff_id: int
) -> ProviderTemplate:
    """Note what a provider has on file for a text.

    What is approved stays in use until a newly approved template, with a number of its own, takes its place.
    Raises Conflict when it is not what was `seen` any more, TransitionError when an approved template would change.
    """
    template = find_template(provider, name, locale, lock=True)
    _check_seen(template, seen)
    if template is None:
        template = ProviderTemplate(provider=provider, name=name, locale=locale)
        db.session.add(template)
    elif template.status is Approval.APPROVED:
        _check_approved(template, filing)
    for field in ("body", "template_id", "status", "decided_on", "note"):
        setattr(template, field, getattr(filing, field))
    template.changed_at, template.changed_by_id = clock.now(), staff_id
    _flush()
    audit.record(
        "template.filed",
        f"template:{provider}:{name}:{locale}",
        staff_id=staff_id,
        body=filing.body,
        template_id=filing.template_id,
        status=filing.status.value,
        decided_on=filing.decided_on.isoformat() if filing.decided_on else None,
        note=filing.note,
    )
    return template


def _check_approved(template: ProviderTemplate, filing: Filing) -> None:
    if not may_replace(template.status, filing.status):
        raise TransitionError(
            _l("This template is approved and in use. Enter its successor once the provider has approved that one."),
            field="status",
        )
    if filing.body != template.body and filing.template_id == template.template_id:
        raise TransitionError(
            _l("What is approved under this number cannot change. A new text has a new template number."),
            field="template_id",
        )


def seen_mark(record: Wording | ProviderTemplate | None) -> str:
    """Return what tells one state of a record from the next."""
    return record.changed_at.isoformat() if record is not None else ""


def _check_seen(record: Wording | ProviderTemplate | None, seen: str) -> None:
    if seen_mark(record) != seen:
        raise Conflict(CHANGED)


def _check_free(name: str) -> None:
    if name in handed_over and handed_over[name]():
        raise Conflict(
            _l("Texts in these words were handed over for approval. Wait until they are sent, or withdraw them first.")
        )


def _flush() -> None:
    """Write, unless somebody else was the first to write this row in the same moment."""
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict(CHANGED) from None
