"""Reading permits, their types and call tasks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.contacts.models import Contact
from portal.db import db
from portal.errors import NotFound
from portal.permits.models import Permit, PermitType, RenewalWindow
from portal.permits.rules import Window


def list_reminders_due(on: date, after_id: int, limit: int) -> Sequence[Any]:
    """Return permits whose next reminder is due by a day, ordered by id, as named columns.

    Ids are wrapped in an expression: only the index over days may be walked, so that cost follows what is due.
    """
    number = Permit.id + 0
    statement = (
        sa.select(
            Permit.id,
            Permit.last_apply_on,
            Permit.window_opens_on,
            Permit.permit_type_id,
            Permit.contact_id,
            Contact.opted_out_at,
            Contact.locale,
        )
        .outerjoin(Contact, Contact.id == Permit.contact_id)
        .where(Permit.next_reminder_on <= on, number > after_id)
        .order_by(number)
        .limit(limit)
    )
    return db.session.execute(statement).all()


def list_reminder_offsets() -> dict[int, list[int]]:
    """Return the days before the last day on which each type of permit is reminded of, by type id."""
    rows = db.session.execute(sa.select(PermitType.id, PermitType.reminder_offsets))
    return {row.id: list(row.reminder_offsets) for row in rows}


def list_windows() -> dict[int, list[Window]]:
    """Return the renewal windows of every permit type, by type id."""
    columns = [getattr(RenewalWindow, field.name) for field in fields(Window)]
    found: dict[int, list[Window]] = defaultdict(list)
    for type_id, *values in db.session.execute(sa.select(RenewalWindow.permit_type_id, *columns)):
        found[type_id].append(Window(*values))
    return found


def get_permit(permit_id: int, organ_id: int | None = None) -> Permit:
    """Return a permit, within an organ's own if one is given; raises NotFound."""
    permit = db.session.get(Permit, permit_id)
    if permit is None or (organ_id is not None and permit.organ_id != organ_id):
        raise NotFound(_l("There is no such permit."))
    return permit
