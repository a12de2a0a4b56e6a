"""Permits from spreadsheets: read, checked and compared before anything is written, then written in one transaction.

Columns are those of dual publication (XK_*) by name or code, and what this portal adds. Which words and headings are
understood is data: `data/columns.csv` and `data/words.csv`.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.audit import service as audit
from portal.cells import fold
from portal.contacts.rules import PhoneProblem
from portal.contacts.service import keep_contacts
from portal.db import batched, db
from portal.errors import Message
from portal.messages import outbox
from portal.organs.models import Organ
from portal.organs.service import create_organ
from portal.parties.models import Party, PartyKind
from portal.parties.service import PartyRow, Register
from portal.permits import rules
from portal.permits.models import Permit, PermitStatus
from portal.permits.queries import Known, find_stored
from portal.spreadsheets import Unreadable, find_table, read_sheets

DATA = Path(__file__).parent / "data"
REQUIRED = ("name", "valid_to", "organ", "phone")
TEXTS = ("document_name", "document_number", "certificate_name", "category", "content", "contact_name")
PARTY_DETAILS = ("industry", "street", "contact_name")

REASONS: Mapping[str, Message] = {
    rules.Problem.EMPTY: _l("Nothing is entered here."),
    rules.Problem.TOO_LONG: _l("The text is too long."),
    rules.Problem.BAD_DAY: _l("This is not a day. Write it like 2026-12-31."),
    rules.Problem.ENDS_BEFORE_START: _l("The last day of validity is before the first."),
    rules.Problem.BAD_CREDIT_CODE: _l("The unified social credit code is wrong: its check character does not fit."),
    rules.Problem.UNKNOWN_STATUS: _l("This state is not known. Use valid or invalid (1 or 2)."),
    rules.Problem.UNKNOWN_TYPE: _l("This type of permit is not known, so its last day to apply cannot be worked out."),
    rules.Problem.TWICE: _l("The same permit stands further up in this file."),
    rules.Problem.OTHER_ORGAN: _l("This permit belongs to another organ. You may import only those of your own."),
    PhoneProblem.MISSING: _l("There is no phone number."),
    PhoneProblem.MANGLED: _l("The spreadsheet has cut this number. Format the column as text and enter it again."),
    PhoneProblem.LANDLINE: _l("This is a landline; text messages need a mobile number."),
    PhoneProblem.FOREIGN: _l("This is not a number of mainland China."),
    PhoneProblem.NOT_MOBILE: _l("This is not a mobile number of 11 digits."),
}


@dataclass(frozen=True)
class Rejection:
    """A row that is left out: its number as the spreadsheet shows it, the column, and why."""

    row: int
    field: str
    reasons: tuple[Message, ...]

    def as_dict(self) -> dict[str, object]:
        """Return it in the language in force."""
        return {"row": self.row, "field": self.field, "reason": " ".join(str(reason) for reason in self.reasons)}


@dataclass
class Draft:
    """A file as read: the rows that can be taken and those that cannot."""

    rows: list[rules.Row] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


@dataclass
class Comparison:
    """What an import would do: new rows, changed rows with the permit they change, and the number of equal rows."""

    new: list[rules.Row] = field(default_factory=list)
    changed: list[tuple[rules.Row, Any]] = field(default_factory=list)
    unchanged: int = 0

    def counts(self, draft: Draft) -> dict[str, int]:
        """Return the four figures of an import."""
        figures = {"imported": len(self.new), "changed": len(self.changed), "unchanged": self.unchanged}
        return figures | {"rejected": len(draft.rejected)}


@cache
def read_columns() -> tuple[dict[str, str], dict[str, str]]:
    """Return the field of every folded heading, and the name under which each field is shown."""
    headings, names = {}, {}
    with (DATA / "columns.csv").open(encoding="utf-8", newline="") as file:
        for column in csv.DictReader(file):
            names[column["field"]] = column["name"]
            for written in (column["code"], column["name"], *column["aliases"].split(";")):
                headings[fold(written)] = column["field"]
    headings.pop("", None)
    return headings, names


@cache
def read_words() -> dict[str, dict[str, str]]:
    """Return the words that cells may hold, folded, with their meanings, by list."""
    words: dict[str, dict[str, str]] = defaultdict(dict)
    with (DATA / "words.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            words[line["list"]] |= {fold(word): line["meaning"] for word in line["words"].split(";")}
    return dict(words)


def read_file(path: Path, known: Known, *, row_by_row: bool = False) -> Draft:
    """Read and check a file without touching the database; raises Unreadable when it is no table of permits.

    A required column that is missing makes it none, too; with `row_by_row` each row is rejected for it instead.
    """
    headings, names = read_columns()
    words = read_words()
    table = find_table(
        read_sheets(path), headings, is_empty=lambda text: not fold(text) or fold(text) in words["empty"]
    )
    missing = [names[name] for name in REQUIRED if name not in table.fields]
    if not table.fields & {"number", "document_number"}:
        missing.append(names["number"])
    if missing and not row_by_row:
        raise Unreadable(_l("These columns are missing: %(names)s.", names=", ".join(missing)))
    draft = Draft()
    taken: set[tuple[str, str]] = set()
    for number, cells in table.rows:
        row = rules.read_row(number, cells, words)
        _match(row, known)
        identity = (str(row.values.get("organ")), str(row.values.get("number")))
        if not row.problems and identity in taken:
            row.problems.append(("number", rules.Problem.TWICE))
        if row.problems:
            reasons = tuple(REASONS[problem] for _name, problem in row.problems)
            draft.rejected.append(Rejection(number, names[row.problems[0][0]], reasons))
        else:
            taken.add(identity)
            draft.rows.append(row)
    return draft


def _match(row: rules.Row, known: Known) -> None:
    """Find the organ and the type that a row names; the type may also be in the certificate's or document's name."""
    values = row.values
    if "organ" in values:
        values["organ"] = known.organs.get(fold(values["organ"]), values["organ"])
        if known.own_organ is not None and values["organ"] != known.own_organ:
            row.problems.append(("organ", rules.Problem.OTHER_ORGAN))
    for name in ("type", "certificate_name", "document_name"):
        keys = rules.type_keys(values.get(name, ""))
        found = next((known.type_ids[key] for key in keys if key in known.type_ids), None)
        if found is not None:
            values["type_id"] = found
            return
        # A document is often called no more than "decision"; a type or certificate says what it is about.
        if name in values and name != "document_name":
            row.problems.append((name, rules.Problem.UNKNOWN_TYPE))
            return


def compare(draft: Draft) -> Comparison:
    """Compare a file with the register, without writing."""
    stored = find_stored([(row.values["organ"], row.values["number"]) for row in draft.rows])
    result = Comparison()
    seen_parties: set[int] = set()
    for row in draft.rows:
        old = stored.get((row.values["organ"], row.values["number"]))
        if old is None:
            result.new.append(row)
        elif _differs(row, old, first=old.party_id not in seen_parties):
            result.changed.append((row, old))
        else:
            result.unchanged += 1
        if old is not None:
            seen_parties.add(old.party_id)
    return result


def _differs(row: rules.Row, old: Any, *, first: bool) -> bool:
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


def commit_draft(draft: Draft, known: Known, *, staff_id: int | None = None, subject: str = "") -> dict[str, int]:
    """Write what a file brings, in the caller's transaction; return the four figures."""
    plan = compare(draft)
    rows = [*plan.new, *(row for row, _old in plan.changed)]
    if rows:
        contacts = keep_contacts({row.values["phone"] for row in rows})
        parties = _keep_parties(plan, contacts)
        organs = _keep_organs({row.values["organ"] for row in plan.new})
        _insert(plan.new, contacts, parties, organs, known)
        _update(plan.changed, contacts, parties, known)
    counts = plan.counts(draft)
    if rows:
        audit.record("permits.import", subject or "permits", staff_id=staff_id, **counts)
    return counts


def _keep_organs(names: set[str]) -> dict[str, int]:
    """Return the ids of organs by name; one that nobody has entered is kept as not confirmed."""
    found = {organ.name: organ.id for organ in db.session.scalars(sa.select(Organ))}
    for name in sorted(names - found.keys()):
        slug = f"imported-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
        found[name] = create_organ(slug=slug, name=name, confirmed=False).id
    return found


def _keep_parties(plan: Comparison, contacts: Mapping[str, int]) -> dict[int, Party]:
    wanted = {row.number: _party_row(row, contacts) for row in [*plan.new, *(row for row, _old in plan.changed)]}
    register = Register(list(wanted.values()))
    holders = {row.number: old for row, old in plan.changed}
    ids = [old.party_id for old in holders.values()]
    known = {
        party.id: party
        for some in batched(ids)
        for party in db.session.scalars(sa.select(Party).where(Party.id.in_(some)))
    }
    kept: dict[int, Party] = {}
    for number, row in sorted(wanted.items()):
        old = holders.get(number)
        holder = known[old.party_id] if old is not None and _same_holder(row, known[old.party_id]) else None
        kept[number] = register.keep(row, holder)
    db.session.flush()
    return kept


def _same_holder(row: PartyRow, party: Party) -> bool:
    if row.credit_code and party.credit_code:
        return row.credit_code == party.credit_code
    return row.credit_code is None and row.name == party.name


def _party_row(row: rules.Row, contacts: Mapping[str, int]) -> PartyRow:
    values = row.values
    details = {name: values[name] for name in PARTY_DETAILS if name in values}
    kind, code = PartyKind(values["kind"]), values.get("credit_code")
    return PartyRow(values["name"], kind, code, contacts[values["phone"]], details)


def _insert(
    rows: Sequence[rules.Row],
    contacts: Mapping[str, int],
    parties: Mapping[int, Party],
    organs: Mapping[str, int],
    known: Known,
) -> None:
    records = []
    for row in rows:
        values = row.values
        type_id = known.type_of(row)
        revoked = values.get("revoked", False)
        record = {name: values.get(name, "") for name in TEXTS} | {name: values.get(name) for name in rules.DAYS}
        record |= _clock_values(values["valid_to"], type_id, known, remind=not revoked)
        record |= {
            "number": values["number"],
            "party_id": parties[row.number].id,
            "organ_id": organs[values["organ"]],
            "contact_id": contacts[values["phone"]],
            "status": PermitStatus.REVOKED if revoked else PermitStatus.VALID,
            "created_at": clock.now(),
        }
        records.append(record)
    for some in batched(records):
        db.session.execute(sa.insert(Permit), list(some))


def _clock_values(expiry: date, type_id: int, known: Known, *, remind: bool) -> dict[str, Any]:
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


def _update(
    changed: Sequence[tuple[rules.Row, Any]], contacts: Mapping[str, int], parties: Mapping[int, Party], known: Known
) -> None:
    records, stale = [], []
    for row, old in changed:
        values = row.values
        record = {name: values.get(name, getattr(old, name)) for name in (*TEXTS, *rules.DAYS)}
        record |= {
            "id": old.id,
            "party_id": parties[row.number].id,
            "contact_id": contacts[values["phone"]],
            **_standing(row, old, known),
        }
        if record["next_reminder_on"] != old.next_reminder_on or record["last_apply_on"] != old.last_apply_on:
            stale.append(f"permit:{old.id}")
        records.append(record)
    for some in batched(records):
        db.session.execute(sa.update(Permit), list(some))
    for subject in stale:
        outbox.void(subject, reason="changed")


def _standing(row: rules.Row, old: Any, known: Known) -> dict[str, Any]:
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
    clock_values = _clock_values(values["valid_to"], type_id, known, remind=remind)
    if remind and (clock_values["last_apply_on"], clock_values["window_opens_on"], PermitStatus.VALID) == (
        old.last_apply_on,
        old.window_opens_on,
        old.status,
    ):
        clock_values["next_reminder_on"] = old.next_reminder_on
    return {"status": status, "renewal_reported_at": reported, **clock_values}
