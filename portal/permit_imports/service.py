"""What happens to an import: it is opened, handed over, written in one go or piece by piece, and closed."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.contacts.service import keep_contacts
from portal.db import batched, db
from portal.errors import Conflict, Message
from portal.messages import outbox
from portal.messages.models import Dispatcher
from portal.messages.queries import SEEN_WITHIN
from portal.organs.models import Organ
from portal.organs.service import create_organ
from portal.parties.models import Party
from portal.parties.service import fill
from portal.permit_imports.models import PermitImport
from portal.permit_imports.queries import (
    TEXTS,
    Comparison,
    clock_values,
    differs,
    identity,
    party_row,
    standing,
)
from portal.permit_imports.rules import Mark, Step
from portal.permits import rules
from portal.permits.models import Permit, PermitStatus
from portal.permits.queries import Known, find_stored

# A run that fails is not begun again at once: whatever it stumbled over is still there.
TRIED_AGAIN_AFTER = timedelta(seconds=30)
# One that shows no progress for so long is taken over, also while whoever runs it seems to live.
GIVEN_UP_AFTER = timedelta(minutes=5)


def open_import(*, file_name: str, sha256: str, staff_id: int, rows: int) -> PermitImport:
    """Note an uploaded file with so many good rows, that waits for its preview to be agreed to."""
    opened = PermitImport(file_name=file_name[:200], sha256=sha256, staff_id=staff_id, rows_total=rows)
    db.session.add(opened)
    db.session.flush()
    return opened


def hand_over(import_id: int, *, organ_id: int | None, locale: str) -> None:
    """Leave an import to the worker, within an organ's permits if one is given; raises Conflict when it was before."""
    _change(
        import_id,
        PermitImport.handed_over_at.is_(None),
        refusal=_l("This file is being imported already."),
        handed_over_at=clock.now(),
        organ_id=organ_id,
        locale=locale,
    )


def close_import(import_id: int, counts: Mapping[str, int]) -> None:
    """Note that an upload was written into the register; raises Conflict when it was before."""
    _change(
        import_id,
        refusal=_l("This file was imported already."),
        committed_at=clock.now(),
        counts=dict(counts),
        plan=None,
    )


def give_up(import_id: int, problem: str) -> None:
    """Note in a word why an import will not go on; what is written stays."""
    _change(import_id, refusal=_l("This file was imported already."), problem=problem, plan=None)


def _change(import_id: int, *conditions: sa.ColumnElement[bool], refusal: Message, **values: object) -> None:
    if not _try(import_id, *conditions, **values):
        raise Conflict(refusal)


def _try(import_id: int, *conditions: sa.ColumnElement[bool], **values: object) -> bool:
    """Change an import that is not done, if these conditions hold at this very moment; False when they do not."""
    changed = db.session.execute(
        sa.update(PermitImport)
        .where(PermitImport.id == import_id, PermitImport.committed_at.is_(None), *conditions)
        .values(**values)
        .returning(PermitImport.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def claim(import_id: int, run_id: str) -> bool:
    """Take an import that nobody works at, or whose worker vanished; False when it is somebody else's."""
    now = clock.now()
    living = sa.select(Dispatcher.id).where(Dispatcher.seen_at >= now - SEEN_WITHIN)
    idle = sa.or_(
        PermitImport.claimed_by.not_in(living) & (PermitImport.claimed_by != run_id),
        (PermitImport.claimed_by == run_id) & (PermitImport.claimed_at <= now - TRIED_AGAIN_AFTER),
        PermitImport.claimed_at <= now - GIVEN_UP_AFTER,
    )
    return _try(import_id, idle, claimed_by=run_id, claimed_at=now)


def release(import_id: int, run_id: str) -> None:
    """Let whoever comes first go on with an import."""
    _try(import_id, PermitImport.claimed_by == run_id, claimed_by="", claimed_at=None)


def keep_plan(import_id: int, run_id: str, plan: bytes, **values: object) -> bool:
    """Keep what was decided on the rows, and other columns; False when somebody else has taken over."""
    mine = PermitImport.claimed_by == run_id
    return _try(import_id, mine, plan=plan, claimed_at=clock.now(), **values)


def advance(import_id: int, run_id: str, *, done: int, to: int) -> bool:
    """Move on from one row to another; False when somebody else has. The row stays locked until the commit."""
    mine = (PermitImport.claimed_by == run_id) & (PermitImport.rows_done == done)
    return _try(import_id, mine, rows_done=to, claimed_at=clock.now())


def count_on(import_id: int, counts: Mapping[str, int]) -> None:
    """Keep what became of the rows so far."""
    _try(import_id, counts=dict(counts))


def write_rows(rows: Sequence[rules.Row], steps: Sequence[Step], known: Known, span: range) -> Comparison:
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
        organs = _keep_organs({row.values["organ"] for row in done.new})
        _insert(done.new, contacts, parties, organs, known)
        _update(done.changed, contacts, parties, known)
    return done


def _keep_parties(
    wanted: Mapping[int, tuple[rules.Row, Step]],
    rows: Sequence[rules.Row],
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


def _keep_organs(names: set[str]) -> dict[str, int]:
    """Return the ids of organs by name; one that nobody has entered is kept as not confirmed."""
    found = {organ.name: organ.id for organ in db.session.scalars(sa.select(Organ))}
    for name in sorted(names - found.keys()):
        slug = f"imported-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
        found[name] = create_organ(slug=slug, name=name, confirmed=False).id
    return found


def _insert(
    rows: Sequence[rules.Row],
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
    changed: Sequence[tuple[rules.Row, Any]], contacts: Mapping[str, int], parties: Mapping[int, int], known: Known
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
