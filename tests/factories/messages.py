"""Contacts and messages for tests."""

from collections import Counter
from itertools import count
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.contacts.models import Contact
from portal.db import db
from portal.messages.models import Message

_numbers = count(1)


def make_contact(*, phone: str = "", ending: str = "", **values: object) -> Contact:
    """Create a contact; `ending` sets the last four digits of an otherwise new number, which test servers heed."""
    number = next(_numbers)
    digits = phone or (f"+86139{number:04d}{ending}" if ending else f"+86138{number:06d}20")
    contact = Contact(phone=digits, **values)
    db.session.add(contact)
    db.session.flush()
    return contact


def make_message(*, contact: Contact | None = None, **values: Any) -> Message:
    """Create a message that is due now; its template needs no record."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "key": f"test:{number}",
        "template": "stopped",
        "subject": f"test:{number}",
        "contact_id": contact.id if contact else None,
        "values": {},
        "due_at": clock.now(),
    }
    message = Message(**(defaults | values))
    db.session.add(message)
    db.session.flush()
    return message


def messages() -> list[Message]:
    """Return all messages as the database holds them by now, oldest first."""
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Message).order_by(Message.id)))


def ends() -> Counter[tuple[str, str]]:
    """Count the messages by state and reason."""
    return Counter((message.state.value, message.reason) for message in messages())
