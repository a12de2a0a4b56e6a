"""Keeping the register of parties."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from portal.db import batched, db
from portal.parties.models import Party, PartyKind


@dataclass(frozen=True)
class PartyRow:
    """What a row says of a party; `details` are the columns beside its identity that the row fills in."""

    name: str
    kind: PartyKind
    credit_code: str | None
    contact_id: int
    details: dict[str, Any] = field(default_factory=dict, hash=False)


class Register:
    """The parties that a batch of rows may mean, found without a query per row.

    A credit code decides. Without one a name does, and for natural persons name and phone number together, because
    two people share a name more often than both. A party is changed by the first row that names it, no other.
    """

    def __init__(self, rows: Sequence[PartyRow]) -> None:
        self.by_code: dict[str, Party] = {}
        self.by_name: dict[str, list[Party]] = {}
        self.seen: set[Party] = set()
        for codes in batched(sorted({row.credit_code for row in rows if row.credit_code})):
            self._add(db.session.scalars(sa.select(Party).where(Party.credit_code.in_(codes))).all())
        for names in batched(sorted({row.name for row in rows})):
            self._add(db.session.scalars(sa.select(Party).where(Party.name.in_(names)).order_by(Party.id)).all())

    def _add(self, parties: Iterable[Party]) -> None:
        for party in parties:
            if party.credit_code:
                self.by_code[party.credit_code] = party
            named = self.by_name.setdefault(party.name, [])
            if party not in named:
                named.append(party)

    def find(self, row: PartyRow) -> Party | None:
        """Return the party that a row means, or None."""
        if row.credit_code and row.credit_code in self.by_code:
            return self.by_code[row.credit_code]
        for party in self.by_name.get(row.name, []):
            if row.kind is PartyKind.PERSON or party.kind is PartyKind.PERSON:
                if row.kind is party.kind and party.contact_id == row.contact_id:
                    return party
            elif row.credit_code is None or party.credit_code is None:
                return party
        return None

    def keep(self, row: PartyRow, party: Party | None = None) -> Party:
        """Return the party that a row means (`party` when that is known), created or brought up to date."""
        party = party or self.find(row)
        if party is None:
            party = Party(kind=row.kind, name=row.name)
            db.session.add(party)
        if party in self.seen:
            return party
        self.seen.add(party)
        party.name, party.contact_id = row.name, row.contact_id
        party.credit_code = row.credit_code or party.credit_code
        for name, value in row.details.items():
            setattr(party, name, value)
        self._add([party])
        return party
