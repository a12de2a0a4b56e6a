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
    contact = None if phone is None else keep_contact(phone or f"+861380001{number:04d}")
    party = Party(name=name or f"虚构食品店{number}号", kind=kind, contact=contact, **values)
    db.session.add(party)
    db.session.flush()
    return party
