"""Keeping phone numbers."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from portal import clock, direct
from portal.contacts.models import Contact
from portal.db import batched, db, upsert
from portal.rows import columns_of

_CONTACTS = columns_of(Contact)
_BY_PHONE = sa.select(_CONTACTS.id).where(_CONTACTS.phone == sa.bindparam("number"))


def keep_contact(phone: str, *, locale: str | None = None) -> Contact:
    """Return the contact of an E.164 number, creating it when it is new."""
    contact = db.session.scalar(sa.select(Contact).where(Contact.phone == phone))
    if contact is None:
        contact = Contact(phone=phone, locale=locale or "zh_Hans")
        db.session.add(contact)
        db.session.flush()
    elif locale:
        contact.locale = locale
    return contact


def find_contact_id(phone: str, *, locale: str) -> int:
    """Return the id of the contact of an E.164 number, which is created when it is new; else its language stays."""
    # Somebody who reads Chinese on the phone may file one complaint in English.
    known = direct.run(_BY_PHONE, {"number": phone})
    return int(known[0][0]) if known else keep_contact(phone, locale=locale).id


def opt_out(contact: Contact) -> None:
    """Stop reminders to a number."""
    contact.opted_out_at = contact.opted_out_at or clock.now()


def opt_in(contact: Contact) -> None:
    """Allow reminders to a number again."""
    contact.opted_out_at = None


def keep_contacts(phones: Collection[str]) -> dict[str, int]:
    """Return the contacts' ids of many E.164 numbers, creating those that are new."""
    found: dict[str, int] = {}
    for some in batched(sorted(phones)):
        rows = [{"phone": phone, "locale": "zh_Hans", "created_at": clock.now()} for phone in some]
        db.session.execute(upsert(Contact).values(rows).on_conflict_do_nothing(index_elements=["phone"]))
        found |= find_contacts(some)
    return found


def find_contacts(phones: Sequence[str]) -> dict[str, int]:
    """Return the ids of those numbers that are known; at most one batch of them."""
    statement = sa.select(Contact.phone, Contact.id).where(Contact.phone.in_(phones))
    return {row.phone: row.id for row in db.session.execute(statement)}
