"""Writing the permits of a spreadsheet: rows, their parties, phones and organs."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.contacts.service import keep_contacts
from portal.db import batched, db
from portal.imports.rules import Mark, Row, Rows, Step
from portal.messages import outbox
from portal.organs.service import keep_organs
from portal.parties.models import Party
from portal.parties.service import fill
from portal.permit_imports.queries import (
    TEXTS,
    Comparison,
    clock_values,
    differs,
    identity,
    party_row,
    standing,
)
from portal.permits import rules
from portal.permits.models import Permit, PermitStatus
from portal.permits.queries import Known, find_stored


def write_rows(rows: Rows, steps: Sequence[Step], known: Known, span: range) -> Comparison:
    """Write the rows of a file at these places, as was decided on them, in the caller's transaction.

    A row that somebody has entered since is compared anew.
    """
    wanted = [place for place in span if steps[place].mark is not Mark.UNCHANGED]
    origins = {-steps[place].party - 1 for place in wanted if steps[place].party < 0}
    stored = find_stored([identity(rows[place]) for place in sorted(origins.union(wanted))])
    done = Comparison(unchanged=len(span) - len(wanted))
    for place in wanted:
        row, old = rows[place], stored.get(identity(rows[place]))
        if old is None:
            done.new.append(row)
        elif steps[place].mark is Mark.CHANGED or differs(row, old, first=steps[place].first):
            done.changed.append((row, old))
        else:
            done.unchanged += 1
    if wanted:
        contacts = keep_contacts({rows[place].values["phone"] for place in wanted})
        parties = _keep_parties({place: (rows[place], steps[place]) for place in wanted}, rows, stored, contacts)
        organs = keep_organs({row.values["organ"] for row in done.new})
        _insert(done.new, contacts, parties, organs, known)
        _update(done.changed, contacts, parties, known)
    return done


def _keep_parties(
    wanted: Mapping[int, tuple[Row, Step]],
    rows: Rows,
    stored: Mapping[tuple[str, str], Any],
    contacts: Mapping[str, int],
) -> dict[int, int]:
    """Return the ids of the parties by row number, each made or brought up to date by the row that is to do so."""
    party_rows = {place: party_row(row, contacts) for place, (row, _step) in wanted.items()}
    ids = {step.party for _row, step in wanted.values()} | {old.party_id for old in stored.values()}
    by_id = {party.id: party for party in _load_parties(Party.id, ids)}
    codes = {party_rows[place].credit_code for place, (_row, step) in wanted.items() if step.party == -place - 1}
    by_code = {party.credit_code: party for party in _load_parties(Party.credit_code, codes - {None})}
    kept: dict[int, Party] = {}
    for place, (_row, step) in wanted.items():
        origin, said = -step.party - 1, party_rows[place]
        old = stored.get(identity(rows[origin])) if origin >= 0 else None
        if origin < 0:
            party = by_id[step.party]
        elif origin in kept:
            party = kept[origin]
        elif old is not None and (origin != place or step.mark is Mark.NEW):
            party = by_id[old.party_id]
        else:
            party = by_code.get(said.credit_code or "") or Party(kind=said.kind, name=said.name)
        if step.first:
            fill(party, said)
        db.session.add(party)
        kept[place] = party
    db.session.flush()
    return {rows[place].number: party.id for place, party in kept.items()}


def _load_parties(column: Any, values: Collection[Any]) -> Iterator[Party]:
    # Somebody may have changed them since the last piece.
    fresh = {"populate_existing": True}
    for some in batched(sorted(values)):
        yield from db.session.scalars(sa.select(Party).where(column.in_(some)), execution_options=fresh)


def _insert(
    rows: Sequence[Row],
    contacts: Mapping[str, int],
    parties: Mapping[int, int],
    organs: Mapping[str, int],
    known: Known,
) -> None:
    records = []
    for row in rows:
        values = row.values
        type_id = known.type_of(row)
        revoked = values.get("revoked", False)
        record = {name: values.get(name, "") for name in TEXTS} | {name: values.get(name) for name in rules.DAYS}
        record |= clock_values(values["valid_to"], type_id, known, remind=not revoked)
        record |= {
            "number": values["number"],
            "party_id": parties[row.number],
            "organ_id": organs[values["organ"]],
            "contact_id": contacts[values["phone"]],
            "status": PermitStatus.REVOKED if revoked else PermitStatus.VALID,
            "created_at": clock.now(),
        }
        records.append(record)
    for some in batched(records):
        db.session.execute(sa.insert(Permit), list(some))


def _update(
    changed: Sequence[tuple[Row, Any]], contacts: Mapping[str, int], parties: Mapping[int, int], known: Known
) -> None:
    records, stale = [], []
    moved: dict[int, list[str]] = defaultdict(list)
    for row, old in changed:
        values = row.values
        record = {name: values.get(name, getattr(old, name)) for name in (*TEXTS, *rules.DAYS)}
        record |= {
            "id": old.id,
            "party_id": parties[row.number],
            "contact_id": contacts[values["phone"]],
            **standing(row, old, known),
        }
        if any(record[name] != getattr(old, name) for name in ("next_reminder_on", "last_apply_on", "status")):
            stale.append(f"permit:{old.id}")
        elif record["contact_id"] != old.contact_id:
            moved[record["contact_id"]].append(f"permit:{old.id}")
        records.append(record)
    for some in batched(records):
        db.session.execute(sa.update(Permit), list(some))
    for subject in stale:
        outbox.void(subject, reason="changed")
    for contact_id, subjects in moved.items():
        outbox.redirect(subjects, contact_id=contact_id)
