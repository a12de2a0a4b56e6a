"""Reading what decisions of a spreadsheet are compared with, and what they would do."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.cells import fold
from portal.db import batched, db
from portal.decisions.models import Decision, DecisionOriginal, DecisionState
from portal.decisions.rules import EDITABLE, TEXTS
from portal.errors import Message
from portal.imports.rules import PIECE, Decided, Draft, Mark, Rejection, Row, Step
from portal.organs.models import Organ
from portal.parties.models import Party, PartyKind

# The columns that an import may change beside the texts. A title that is made from other columns is made once.
VALUES = (
    "decided_on",
    "measures",
    "fine",
    "confiscated",
    "permit_category",
    "valid_from",
    "valid_to",
)
# The differences that make it another party.
PARTY = frozenset({"name", "credit_code", "kind_said"})
CLOSED = (DecisionState.WITHDRAWN, DecisionState.EXPIRED)
Identity = tuple[str, str]


@dataclass(frozen=True)
class Known:
    """What rows are read against: loaded once, so that reading needs no database."""

    organs: Mapping[str, str]
    organ_codes: Mapping[str, str]
    own_organ: str | None
    today: date


def load_known(organ_id: int | None = None) -> Known:
    """Load what rows are read against; `organ_id` is the only organ whose decisions may be imported, if any."""
    organs: dict[str, str] = {}
    codes: dict[str, str] = {}
    own = None if organ_id is None else ""
    for organ in db.session.scalars(sa.select(Organ).order_by(Organ.id)):
        organs |= {fold(name): organ.name for name in (organ.short_name, organ.name) if name}
        if organ.credit_code:
            codes[organ.credit_code] = organ.name
        own = organ.name if organ.id == organ_id else own
    return Known(organs, codes, own, clock.today())


def identity(row: Row) -> Identity:
    """Return by what a decision is known again: its organ's name, and its number as it is compared."""
    return row.values["organ"], row.values["number_key"]


def find_stored(wanted: Collection[Identity]) -> dict[Identity, Any]:
    """Return the decisions with these organs' names and numbers, each with what an import compares."""
    columns: list[Any] = [getattr(Decision, name) for name in (*TEXTS, *VALUES, "id", "kind", "state", "number_key")]
    party: list[Any] = [Party.name.label("party_name"), Party.kind.label("party_kind"), Party.credit_code]
    numbers: dict[str, list[str]] = defaultdict(list)
    for organ, number in wanted:
        numbers[organ].append(number)
    stored: dict[Identity, Any] = {}
    for organ, all_numbers in numbers.items():
        for some in batched(all_numbers):
            statement = (
                sa.select(*columns, *party, DecisionOriginal.texts)
                .join(Organ, Organ.id == Decision.organ_id)
                .join(Party, Party.id == Decision.party_id)
                .outerjoin(DecisionOriginal, DecisionOriginal.decision_id == Decision.id)
                .where(Organ.name == organ, Decision.number_key.in_(some))
                .order_by(Decision.id.desc())
            )
            stored |= {(organ, old.number_key): old for old in db.session.execute(statement)}
    return stored


def find_differences(row: Row, old: Any) -> list[str]:
    """Return the columns in which a row says something else than a decision; columns left empty say nothing."""
    values, texts = row.values, old.texts or {}
    named = {name: texts.get(name, getattr(old, name)) for name in TEXTS}
    named |= {name: getattr(old, name) for name in VALUES}
    named |= {"credit_code": old.credit_code, "kind_said": old.party_kind, "decision_kind": old.kind}
    changed = [name for name, stored in named.items() if name in values and values[name] != stored]
    return changed if fold(values["name"]) == fold(old.party_name) else ["name", *changed]


def find_refusal(row: Row, old: Any, names: Mapping[str, str]) -> Message:
    """Return why a row that differs must not change a decision, or None; `names` are those of its columns."""
    if row.values["decision_kind"] != old.kind:
        return _l("The organ has a decision of another kind under this number.")
    if old.state in EDITABLE:
        return None
    if old.state in CLOSED:
        return _l("This decision is no longer published, so it is left as it is.")
    if old.state is DecisionState.REVIEW:
        return _l("This decision is being reviewed, so it is left as it is. Have it sent back first.")
    columns = ", ".join(names.get(name, name) for name in find_differences(row, old))
    return _l(
        "This decision is published. What the file says otherwise needs a correction: %(columns)s", columns=columns
    )


@dataclass
class Parties:
    """The parties that rows may mean.

    A credit code decides; without one a firm or shop is known by its name. Two natural persons may share a name, so
    each decision has its own.
    """

    by_code: dict[str, tuple[int, str]] = field(default_factory=dict)
    by_name: dict[tuple[str, str], int] = field(default_factory=dict)

    def find(self, row: Row) -> int | None:
        """Return the id of the party that a row means, or None."""
        values = row.values
        if values["kind"] == PartyKind.PERSON:
            return None
        if values.get("credit_code"):
            return self.by_code.get(values["credit_code"], (None, ""))[0]
        return self.by_name.get((values["kind"], values["name"]))

    def other_name(self, row: Row) -> str | None:
        """Return the name of whom a row's credit code belongs to, if that is somebody else."""
        known = self.by_code.get(row.values.get("credit_code", ""))
        return known[1] if known and fold(known[1]) != fold(row.values["name"]) else None


def find_parties(rows: Sequence[Row]) -> Parties:
    """Return the firms and shops of the register that rows may mean."""
    codes = sorted({row.values["credit_code"] for row in rows if "credit_code" in row.values})
    names = sorted({row.values["name"] for row in rows if "credit_code" not in row.values})
    found = Parties()
    columns = sa.select(Party.id, Party.kind, Party.name, Party.credit_code)
    for some in batched(codes):
        for party in db.session.execute(columns.where(Party.credit_code.in_(some))):
            found.by_code[party.credit_code] = (party.id, party.name)
    for some in batched(names):
        bare = columns.where(Party.name.in_(some), Party.credit_code.is_(None)).order_by(Party.id.desc())
        found.by_name |= {(party.kind, party.name): party.id for party in db.session.execute(bare)}
    return found


def decide(draft: Draft, names: Mapping[str, str]) -> Decided:
    """Decide on every row of a file, as the records stand now, piece by piece: memory follows the piece, not the file.

    `names` are the columns' names for people.
    """
    decided = Decided([])
    # Whom the file itself gives a credit code; kept as numbers, because there may be as many as rows.
    seen: dict[int, int] = {}
    for rows in _pieces(draft):
        stored, parties = find_stored([identity(row) for row in rows]), find_parties(rows)
        for row in rows:
            mark, reason, column = _judge(row, stored.get(identity(row)), parties, seen, names)
            decided.steps.append(Step(row.number, mark))
            if reason is not None:
                decided.refused.append(Rejection(row.number, names[column], (reason,)))
    return decided


def _pieces(draft: Draft) -> Iterator[list[Row]]:
    for start in range(0, len(draft.rows), PIECE):
        yield [draft.rows[place] for place in range(start, min(start + PIECE, len(draft.rows)))]


def _judge(
    row: Row, old: Any, parties: Parties, seen: dict[int, int], names: Mapping[str, str]
) -> tuple[Mark, Message | None, str]:
    """Return what a row brings, and why and for which column it is refused."""
    if old is not None and not find_differences(row, old):
        return Mark.UNCHANGED, None, ""
    other = parties.other_name(row)
    if other is not None:
        return Mark.REFUSED, _l("In the register this credit code belongs to %(name)s.", name=other), "name"
    code, name = row.values.get("credit_code"), hash(fold(row.values["name"]))
    if code and seen.setdefault(hash(code), name) != name:
        return Mark.REFUSED, _l("Further up in this file this credit code belongs to somebody else."), "name"
    if old is None:
        return Mark.NEW, None, ""
    refusal = find_refusal(row, old, names)
    if refusal is not None:
        return Mark.REFUSED, refusal, "document_number"
    return Mark.CHANGED, None, ""
