"""Keeping the register of parties."""

from collections.abc import Collection, Iterable, Sequence
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


@dataclass(eq=False)
class Holder:
    """A party while rows are matched; one that is not in the register yet has no id."""

    id: int | None
    kind: PartyKind
    name: str
    credit_code: str | None
    contact_id: int | None


class Register:
    """The parties that a batch of rows may mean, found without a query per row; nothing is written.

    A credit code decides. Without one a name does, and for natural persons name and phone number together, because
    two people share a name more often than both. A party is changed by the first row that names it, no other.
    """

    def __init__(self, rows: Sequence[PartyRow], ids: Collection[int] = ()) -> None:
        self.by_id: dict[int, Holder] = {}
        self.by_code: dict[str, Holder] = {}
        self.by_name: dict[str, list[Holder]] = {}
        self.seen: set[Holder] = set()
        for codes in batched(sorted({row.credit_code for row in rows if row.credit_code})):
            self._add(self._load(Party.credit_code.in_(codes)))
        for names in batched(sorted({row.name for row in rows})):
            self._add(self._load(Party.name.in_(names)))
        for some in batched(sorted(ids)):
            self._load(Party.id.in_(some))

    def _load(self, condition: sa.ColumnElement[bool]) -> list[Holder]:
        columns = (Party.id, Party.kind, Party.name, Party.credit_code, Party.contact_id)
        rows = db.session.execute(sa.select(*columns).where(condition).order_by(Party.id))
        return [self.by_id.setdefault(row.id, Holder(*row)) for row in rows]

    def _add(self, holders: Iterable[Holder]) -> None:
        for holder in holders:
            if holder.credit_code:
                self.by_code[holder.credit_code] = holder
            named = self.by_name.setdefault(holder.name, [])
            if holder not in named:
                named.append(holder)

    def find(self, row: PartyRow) -> Holder | None:
        """Return the party that a row means, or None."""
        if row.credit_code and row.credit_code in self.by_code:
            return self.by_code[row.credit_code]
        for holder in self.by_name.get(row.name, []):
            if row.kind is PartyKind.PERSON or holder.kind is PartyKind.PERSON:
                if row.kind is holder.kind and holder.contact_id == row.contact_id:
                    return holder
            elif row.credit_code is None or holder.credit_code is None:
                return holder
        return None

    def keep(self, row: PartyRow, holder: Holder | None = None) -> tuple[Holder, bool]:
        """Return the party that a row means (`holder` when that is known), and whether this row changes it."""
        holder = holder or self.find(row) or Holder(None, row.kind, row.name, row.credit_code, row.contact_id)
        if holder in self.seen:
            return holder, False
        self.seen.add(holder)
        holder.name, holder.contact_id = row.name, row.contact_id
        holder.credit_code = row.credit_code or holder.credit_code
        self._add([holder])
        return holder, True


def fill(party: Party, row: PartyRow) -> None:
    """Bring a party to what a row says; columns that the row leaves empty stay."""
    party.name, party.contact_id = row.name, row.contact_id
    party.credit_code = row.credit_code or party.credit_code
    for name, value in row.details.items():
        setattr(party, name, value)
