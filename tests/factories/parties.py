"""Parties for tests."""

from itertools import count

from portal.contacts.service import keep_contact
from portal.db import db
from portal.parties.models import Party, PartyKind

_numbers = count(1)


def make_party(
    *, name: str = "", phone: str | None = "", kind: PartyKind = PartyKind.ORGANISATION, **values: object
) -> Party:
    """Create a party; it gets an own mobile number unless `phone` is None."""
    number = next(_numbers)
    # No number may end like those that make the sandbox fail.
    contact = None if phone is None else keep_contact(phone or f"+86138{number:06d}30")
    party = Party(name=name or f"虚构食品店{number}号", kind=kind, contact=contact, **values)
    db.session.add(party)
    db.session.flush()
    return party
