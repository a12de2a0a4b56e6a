"""Reading the call list."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload

from portal.accounts.models import Staff
from portal.accounts.queries import may_know
from portal.calls import rules
from portal.calls.models import Call
from portal.db import db
from portal.errors import NotFound
from portal.paging import Page, capped_count, list_page


def list_calls(organ_id: int | None, staff: Staff, number: int, *, done: bool = False) -> Page[Call]:
    """Return one page of the call list, the earliest due first (or the last made first)."""
    order = (Call.done_at.desc(), Call.id.desc()) if done else (Call.due_on, Call.id)
    statement = (
        sa.select(Call)
        .where(Call.done_at.is_not(None) if done else Call.done_at.is_(None), *_seen_by(organ_id, staff))
        .options(joinedload(Call.party), joinedload(Call.contact))
        .order_by(*order)
    )
    return list_page(statement, number, scalars=True)


def count_open_calls(organ_id: int | None, staff: Staff | None = None) -> int:
    """Count the calls that wait, as far as anybody counts; with `staff` those that they may know of."""
    return capped_count(sa.select(Call.id).where(Call.done_at.is_(None), *_seen_by(organ_id, staff)))


def list_calls_of(subject: str) -> Sequence[Call]:
    """Return the calls about one record, newest first."""
    return db.session.scalars(
        sa.select(Call).where(Call.subject == subject).options(joinedload(Call.party)).order_by(Call.id.desc())
    ).all()


def list_open_subjects(subjects: Collection[str]) -> set[str]:
    """Return about which of some records a call waits to be made."""
    open_calls = sa.select(Call.subject).where(Call.subject.in_(subjects), Call.done_at.is_(None))
    return set(db.session.scalars(open_calls)) if subjects else set()


def get_call(call_id: int, organ_id: int | None, staff: Staff) -> Call:
    """Return a call that somebody may know of, within an organ's own if one is given; raises NotFound."""
    call = db.session.scalar(sa.select(Call).where(Call.id == call_id, *_seen_by(organ_id, staff)))
    if call is None:
        raise NotFound(_l("There is no such call."))
    return call


def _seen_by(organ_id: int | None, staff: Staff | None) -> list[sa.ColumnElement[bool]]:
    """Return what limits calls to those of one organ; those about complaints are the legal office's alone."""
    known = [] if staff is None else [may_know(staff, Call.subject)]
    if organ_id is None:
        return known
    return [*known, Call.organ_id == organ_id, *(Call.subject.not_like(f"{kind}:%") for kind in sorted(rules.PRIVATE))]
