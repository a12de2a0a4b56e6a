"""Writing the decisions of a spreadsheet: as drafts, their words kept apart from what the machine would publish."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from portal.db import batched, db
from portal.decision_imports import rules
from portal.decision_imports.queries import (
    PARTY,
    VALUES,
    Identity,
    find_differences,
    find_parties,
    find_stored,
    identity,
)
from portal.decisions.models import Decision, DecisionKind, DecisionState
from portal.decisions.rules import EDITABLE, TEXTS
from portal.decisions.service import keep_texts, original_texts
from portal.imports.rules import FIGURES, Mark, Overtaken, Row, Rows, Step
from portal.organs.models import Organ
from portal.organs.service import keep_organs
from portal.parties.models import Party, PartyKind


def write_rows(
    rows: Rows, steps: Sequence[Step], span: range, *, kind: DecisionKind, staff_id: int | None
) -> dict[str, int]:
    """Write the rows of a file at these places, as was decided on them, in the caller's transaction.

    Raises Overtaken when somebody has meanwhile changed what was decided on.
    """
    wanted = [(steps[place].mark, rows[place]) for place in span if steps[place].mark in (Mark.NEW, Mark.CHANGED)]
    stored = find_stored([identity(row) for _mark, row in wanted])
    new, changed = [], []
    for mark, row in wanted:
        old = stored.get(identity(row))
        if (old is None) != (mark is Mark.NEW):
            raise Overtaken
        if old is None:
            new.append(row)
        elif find_differences(row, old):
            changed.append(row)
    organs = _load_organs({row.values["organ"] for row in (*new, *changed)})
    others = [row for row in changed if PARTY.intersection(find_differences(row, stored[identity(row)]))]
    parties = keep_parties([*new, *others])
    for row in new:
        _insert(row, kind, organs[row.values["organ"]], parties[row.number], staff_id)
    _update(changed, stored, parties, staff_id)
    db.session.flush()
    unchanged = sum(steps[place].mark is Mark.UNCHANGED for place in span) + len(wanted) - len(new) - len(changed)
    return dict(zip(FIGURES, (len(new), len(changed), unchanged), strict=True))


def _load_organs(names: Set[str]) -> dict[str, Organ]:
    """Return organs by name, at hand for whatever asks for them by id; those that nobody has entered are made."""
    organs = sa.select(Organ).where(Organ.id.in_(keep_organs(names).values()))
    return {organ.name: organ for organ in db.session.scalars(organs)}


def keep_parties(rows: Sequence[Row]) -> dict[int, Party]:
    """Return the parties by row number; those that nobody knows yet are made, those that are known stay as they are.

    Raises Overtaken when a credit code has meanwhile been given to somebody else.
    """
    known = find_parties(rows)
    if any(known.other_name(row) for row in rows):
        raise Overtaken
    ids = {row.number: known.find(row) for row in rows}
    by_id = {party.id: party for party in _load_parties([party_id for party_id in ids.values() if party_id])}
    made: dict[tuple[str, str, str], Party] = {}
    kept: dict[int, Party] = {}
    for row in rows:
        values = row.values
        party_id, code = ids[row.number], values.get("credit_code")
        if party_id is not None:
            kept[row.number] = by_id[party_id]
            continue
        key = (values["kind"], code or values["name"], str(row.number) if values["kind"] == PartyKind.PERSON else "")
        if key not in made:
            made[key] = Party(kind=PartyKind(values["kind"]), name=values["name"], credit_code=code)
            db.session.add(made[key])
        kept[row.number] = made[key]
    db.session.flush()
    return kept


def _load_parties(ids: Sequence[int]) -> list[Party]:
    found: list[Party] = []
    for some in batched(sorted(set(ids))):
        found += db.session.scalars(sa.select(Party).where(Party.id.in_(some)))
    return found


def _insert(row: Row, kind: DecisionKind, organ: Organ, party: Party, staff_id: int | None) -> None:
    values = row.values
    decision = Decision(
        kind=kind,
        state=DecisionState.DRAFT,
        organ_id=organ.id,
        organ=organ,
        party=party,
        party_id=party.id,
        document_number=values["document_number"],
        created_by_id=staff_id,
        edited_by_id=staff_id,
        **{name: values[name] for name in VALUES if name in values},
    )
    texts = {name: values.get(name, "") for name in TEXTS}
    texts["title"] = texts["title"] or rules.make_title(row, kind)
    keep_texts(decision=decision, texts=texts)
    db.session.add(decision)


def _update(
    rows: Sequence[Row], stored: Mapping[Identity, Any], parties: Mapping[int, Party], staff_id: int | None
) -> None:
    """Bring drafts to what rows say. Whoever confirmed the masking has seen other words: it is to be done again."""
    by_id = {stored[identity(row)].id: row for row in rows}
    for decision in _lock_decisions(by_id):
        row = by_id[decision.id]
        if decision.state not in EDITABLE:
            raise Overtaken
        for name in VALUES:
            if name in row.values:
                setattr(decision, name, row.values[name])
        decision.party = parties.get(row.number, decision.party)
        decision.edited_by_id = staff_id
        texts = original_texts(decision)
        keep_texts(decision=decision, texts=texts | {name: row.values[name] for name in TEXTS if name in row.values})


def _lock_decisions(ids: Collection[int]) -> Iterator[Decision]:
    statement = sa.select(Decision).options(*(selectinload(part) for part in (Decision.party, Decision.original)))
    for some in batched(sorted(ids)):
        locked = statement.where(Decision.id.in_(some)).order_by(Decision.id).with_for_update(of=Decision)
        yield from db.session.scalars(locked.execution_options(populate_existing=True))
