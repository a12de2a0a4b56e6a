"""Keeping phone numbers."""

import sqlalchemy as sa

from portal import clock
from portal.contacts.models import Contact
from portal.db import db


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


def opt_out(contact: Contact) -> None:
    """Stop reminders to a number."""
    contact.opted_out_at = contact.opted_out_at or clock.now()


def opt_in(contact: Contact) -> None:
    """Allow reminders to a number again."""
    contact.opted_out_at = None
