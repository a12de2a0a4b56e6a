"""Discretion standards in spreadsheets, a row for each tier; headings and words are data: `data/*.csv`.

A standard comes in whole or not at all: one bad row leaves all rows of its code out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from flask_babel import lazy_gettext as _l

from portal.audit import service as audit
from portal.cells import fold
from portal.discretion import queries, rules, service
from portal.discretion.models import Tier
from portal.errors import Refusal
from portal.organs.queries import load_organs
from portal.registers import Cells, Outcome, Register, read_days, refuse_long
from portal.spreadsheets import load_words

DATA = Path(__file__).parent / "data"
COLUMNS = DATA / "columns.csv"
REQUIRED = ("code", "violation", "organ", "tier", "consequence")
# What belongs to the standard; cells left empty, as merged ones are, say what the first row says.
HEAD = ("violation", "organ", "trade", "basis_text", "document_number", "valid_from", "valid_to")
OTHER_ORGAN = _l("This standard belongs to another organ. You may import only those of your own.")
LIMITS = {
    "code": 64,
    "violation": rules.MAX_VIOLATION,
    "trade": rules.MAX_SHORT,
    "document_number": rules.MAX_SHORT,
    "basis_text": rules.MAX_TEXT,
    "condition": rules.MAX_TEXT,
    "consequence": rules.MAX_TEXT,
}


@dataclass
class Group:
    """The rows of one code: what they say of the standard, and of each tier."""

    number: int
    head: Cells
    rows: list[tuple[int, Cells]] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """What rows may name: organs by folded name, or the one whose standards may be written; and words for tiers."""

    organs: Mapping[str, int]
    tiers: Mapping[str, str]
    own_organ: int | None = None


class BadRow(Refusal):
    """A row that keeps its standard out."""

    def __init__(self, number: int, refusal: Refusal) -> None:
        super().__init__(refusal.message, field=refusal.field)
        self.number = number


def enter_standards(register: Register, *, staff_id: int | None = None, own_organ: int | None = None) -> Outcome:
    """Write the good standards in the caller's transaction, within one organ's if one is given; counts standards."""
    organs = {fold(row.name): row.id for row in load_organs().values() if row.confirmed}
    known = Known(organs, load_words(DATA / "words.csv")["tier"], own_organ)
    outcome = Outcome()
    for group in _groups(register, outcome):
        try:
            result = _enter(group, known, staff_id)
        except BadRow as problem:
            _reject(outcome, register, problem.number, problem)
        else:
            name = {None: "changed", True: "imported", False: "unchanged"}[result]
            setattr(outcome, name, getattr(outcome, name) + 1)
    if outcome.imported or outcome.changed:
        figures = {"imported": outcome.imported, "changed": outcome.changed, "rejected": len(outcome.rejected)}
        audit.record("discretion.import", "discretion", staff_id=staff_id, **figures)
    return outcome


def _groups(register: Register, outcome: Outcome) -> Iterator[Group]:
    """Yield the rows by code; a row without one belongs to the row above."""
    groups: dict[str, Group] = {}
    last = ""
    for number, cells in register.rows:
        last = cells.get("code", last)
        if not last:
            _reject(outcome, register, number, Refusal(_l("Nothing is entered here."), field="code"))
            continue
        group = groups.setdefault(fold(last), Group(number, {"code": last}))
        group.head = {name: cells[name] for name in HEAD if cells.get(name)} | group.head
        group.rows.append((number, cells))
    yield from groups.values()


def _reject(outcome: Outcome, register: Register, number: int, refusal: Refusal) -> None:
    shown = register.names.get(refusal.field or "", "")
    outcome.rejected.append({"row": number, "field": shown, "reason": str(refusal.message)})


def _enter(group: Group, known: Known, staff_id: int | None) -> bool | None:
    """Write a standard: True for new, False for unchanged, None for changed; raises BadRow before it writes."""
    tiers = list(_read_tiers(group, known))
    try:
        content = _read_head(group.head, known)
        if len(tiers) > rules.MAX_TIERS:
            raise Refusal(_l("There are more than %(limit)d tiers.", limit=rules.MAX_TIERS), field="code")
        standard = queries.find_standard(content.code)
        if standard is None:
            service.create_standard(content=content, tiers=tiers, staff_id=staff_id)
            return True
        if known.own_organ not in (None, standard.organ_id):
            raise Refusal(OTHER_ORGAN, field="code")
        changed = service.update_standard(standard=standard, content=content, tiers=tiers, staff_id=staff_id)
    except Refusal as refusal:
        raise BadRow(group.number, refusal) from refusal
    return None if changed else False


def _read_tiers(group: Group, known: Known) -> Iterator[service.TierContent]:
    for number, cells in group.rows:
        try:
            _refuse_other_words(cells, group.head)
            yield _read_tier(cells, known)
        except Refusal as refusal:
            raise BadRow(number, refusal) from refusal


def _read_head(cells: Cells, known: Known) -> service.Content:
    refuse_long(cells, LIMITS)
    for name in ("violation", "organ"):
        if not cells.get(name):
            raise Refusal(_l("Nothing is entered here."), field=name)
    if not rules.CODE.fullmatch(cells["code"]):
        raise Refusal(_l("A code holds no spaces."), field="code")
    organ_id = known.organs.get(fold(cells["organ"]))
    if organ_id is None:
        raise Refusal(_l("There is no organ of this name."), field="organ")
    if known.own_organ not in (None, organ_id):
        raise Refusal(OTHER_ORGAN, field="organ")
    valid_from, valid_to = read_days(cells, "valid_from", "valid_to")
    texts = {name: cells.get(name, "") for name in ("code", "violation", "trade", "basis_text", "document_number")}
    return service.Content(**texts, organ_id=organ_id, valid_from=valid_from, valid_to=valid_to)


def _refuse_other_words(cells: Cells, head: Cells) -> None:
    for name in HEAD:
        if cells.get(name) and fold(cells[name]) != fold(head[name]):
            raise Refusal(_l("Another row of the same code says something else here."), field=name)


def _read_tier(cells: Cells, known: Known) -> service.TierContent:
    refuse_long(cells, LIMITS)
    for name in ("tier", "consequence"):
        if not cells.get(name):
            raise Refusal(_l("Nothing is entered here."), field=name)
    tier = known.tiers.get(fold(cells["tier"]))
    if tier is None:
        raise Refusal(_l("This tier is not known. Write none, waived, reduced, light, normal or heavy."), field="tier")
    said = rules.read_range(cells["consequence"])
    fine_from, fine_to = (
        _read_fine(cells, name, part) for name, part in zip(("fine_from", "fine_to"), said, strict=True)
    )
    if fine_from is not None and fine_to is not None and fine_to < fine_from:
        raise Refusal(_l("The upper end is below the lower one."), field="fine_to")
    return service.TierContent(
        tier=Tier(tier),
        condition=cells.get("condition", ""),
        consequence=cells["consequence"],
        fine_from=fine_from,
        fine_to=fine_to,
    )


def _read_fine(cells: Cells, name: str, said: Decimal | None) -> Decimal | None:
    """Return what a cell says of a fine; where both are empty, what the words of the consequence say."""
    if not cells.get("fine_from") and not cells.get("fine_to"):
        return said
    if not cells.get(name):
        return None
    amount = rules.read_amount(cells[name])
    if amount is None:
        raise Refusal(_l("This is not an amount in yuan."), field=name)
    return amount
