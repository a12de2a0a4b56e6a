"""Reading phone numbers."""

import sqlalchemy as sa

from portal.contacts.models import Contact
from portal.db import db


def find_contact(phone: str) -> Contact | None:
    """Return the contact of an E.164 number, or None."""
    return db.session.scalar(sa.select(Contact).where(Contact.phone == phone))
