"""Reading what permits of a spreadsheet are compared with, and what they would do."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from portal.contacts.service import find_contacts
from portal.db import batched
from portal.imports.rules import Mark, Row, Rows, Step
from portal.parties.models import PartyKind
from portal.parties.service import Holder, PartyRow, Register
from portal.permits import rules
from portal.permits.models import PermitStatus
from portal.permits.queries import Known, find_stored

TEXTS = ("document_name", "document_number", "certificate_name", "category", "content", "contact_name")
PARTY_DETAILS = ("industry", "street", "contact_name")


@dataclass
class Comparison:
    """What an import would do: new rows, changed rows with the permit they change, and the number of equal rows."""

    new: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, Any]] = field(default_factory=list)
    unchanged: int = 0


def compare(rows: Rows) -> Comparison:
    """Compare the rows of a file with the register, without writing."""
    stored = find_stored([identity(row) for row in rows])
    result = Comparison()
    seen_parties: set[int] = set()
    for row in rows:
        old = stored.get(identity(row))
        if old is None:
            result.new.append(row)
        elif differs(row, old, first=old.party_id not in seen_parties):
            result.changed.append((row, old))
        else:
            result.unchanged += 1
        if old is not None:
            seen_parties.add(old.party_id)
    return result


def identity(row: Row) -> tuple[str, str]:
    """Return by what a permit is known again: its organ's name and its number."""
    return row.values["organ"], row.values["number"]


def differs(row: Row, old: Any, *, first: bool) -> bool:
    """Whether a row changes a permit, or its party where it is the first row to name that."""
    values = row.values
    named = [(name, getattr(old, name)) for name in (*TEXTS, *rules.DAYS, "phone")]
    if "type_id" in values and values["type_id"] != old.permit_type_id:
        return True
    if values.get("revoked") and old.status is PermitStatus.VALID:
        return True
    if first:
        named += [("name", old.party_name), ("credit_code", old.credit_code)]
        named += [("industry", old.industry), ("street", old.street)]
    return any(name in values and values[name] != stored for name, stored in named)


def make_plan(rows: Rows) -> list[Step]:
    """Decide on every row of a file, as the register stands now: whether it is written, and whose permit it is."""
    compared = compare(rows)
    olds = {row.number: old for row, old in compared.changed}
    written = [*compared.new, *(row for row, _old in compared.changed)]
    contacts = _find_contacts({row.values["phone"] for row in written})
    party_rows = {row.number: party_row(row, contacts) for row in written}
    register = Register(list(party_rows.values()), {old.party_id for old in olds.values()})
    made: dict[Holder, int] = {}
    steps = []
    for place, row in enumerate(rows):
        if row.number not in party_rows:
            steps.append(Step(row.number, Mark.UNCHANGED))
            continue
        wanted, old = party_rows[row.number], olds.get(row.number)
        holder = register.by_id[old.party_id] if old is not None else None
        holder, first = register.keep(wanted, holder if holder and _is_same(wanted, holder) else None)
        party = holder.id if holder.id is not None else -made.setdefault(holder, place) - 1
        steps.append(Step(row.number, Mark.NEW if old is None else Mark.CHANGED, party, first))
    return steps


def _find_contacts(phones: Collection[str]) -> dict[str, int]:
    """Return the ids of these numbers' contacts; those that are to be made get numbers below zero."""
    found: dict[str, int] = {}
    for some in batched(sorted(phones)):
        found |= find_contacts(some)
    return {phone: -place for place, phone in enumerate(sorted(phones), 1)} | found


def _is_same(row: PartyRow, holder: Holder) -> bool:
    if row.credit_code and holder.credit_code:
        return row.credit_code == holder.credit_code
    return row.credit_code is None and row.name == holder.name


def party_row(row: Row, contacts: Mapping[str, int]) -> PartyRow:
    """Return what a row says of its party; `contacts` are ids by number."""
    values = row.values
    details = {name: values[name] for name in PARTY_DETAILS if name in values}
    kind, code = PartyKind(values["kind"]), values.get("credit_code")
    return PartyRow(values["name"], kind, code, contacts[values["phone"]], details)


def clock_values(expiry: date, type_id: int, known: Known, *, remind: bool) -> dict[str, Any]:
    """Return the columns of a permit that follow from its expiry and type."""
    found = known.find_clock(expiry, type_id)
    offsets = known.offsets.get(type_id) or rules.DEFAULT_OFFSETS
    return {
        "permit_type_id": type_id,
        "window_id": found.window_id,
        "window_opens_on": found.opens_on,
        "last_apply_on": found.last_apply_on,
        "last_apply_certain": found.certain,
        "next_reminder_on": rules.first_reminder(expiry, found, offsets) if remind else None,
    }


def standing(row: Row, old: Any, known: Known) -> dict[str, Any]:
    """Return status and clock after a row. Only new days reopen a permit that was closed here, or undo a report."""
    values = row.values
    type_id = values.get("type_id", old.permit_type_id)
    moved = values["valid_to"] != old.valid_to
    status, reported = old.status, old.renewal_reported_at
    if moved:
        status, reported = PermitStatus.VALID, None
    if values.get("revoked") and status is PermitStatus.VALID:
        status = PermitStatus.REVOKED
    remind = status is PermitStatus.VALID and reported is None
    days = clock_values(values["valid_to"], type_id, known, remind=remind)
    if remind and (days["last_apply_on"], days["window_opens_on"], PermitStatus.VALID) == (
        old.last_apply_on,
        old.window_opens_on,
        old.status,
    ):
        days["next_reminder_on"] = old.next_reminder_on
    return {"status": status, "renewal_reported_at": reported, **days}
