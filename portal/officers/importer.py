"""Officers in spreadsheets; which headings are understood is data: `data/columns.csv`.

Columns that are not known, such as identity numbers and phones, are not read.
"""

from datetime import date
from pathlib import Path
from typing import TypedDict

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.audit import service as audit
from portal.cells import fold
from portal.errors import Refusal
from portal.officers import queries, service
from portal.organs.models import Organ
from portal.organs.rules import MAX_NAME, normalise_card_number
from portal.registers import Cells, Outcome, Register, read_days, refuse_long, take_rows

COLUMNS = Path(__file__).parent / "data" / "columns.csv"
REQUIRED = ("name", "organ", "card_number", "valid_from", "valid_to")


class _Details(TypedDict):
    """What a row says of an officer beside the card's number."""

    organ: Organ
    name: str
    category: str
    valid_from: date
    valid_to: date


def enter_officers(register: Register, *, staff_id: int | None = None) -> Outcome:
    """Write the good rows in the caller's transaction; a suspension is left as it is."""
    organs = queries.load_organs_by_name()

    def take(cells: Cells) -> bool | None:
        return _take(cells, organs, staff_id)

    outcome = take_rows(register, key="card_number", required=REQUIRED, take=take)
    figures = {"imported": outcome.imported, "changed": outcome.changed, "rejected": len(outcome.rejected)}
    if outcome.imported or outcome.changed:
        audit.record("officers.import", "officers", staff_id=staff_id, **figures)
    return outcome


def _take(cells: Cells, organs: dict[str, Organ], staff_id: int | None) -> bool | None:
    refuse_long(cells, {"name": MAX_NAME, "category": MAX_NAME})
    valid_from, valid_to = read_days(cells, "valid_from", "valid_to")
    assert valid_from and valid_to
    organ = organs.get(fold(cells["organ"]))
    if organ is None:
        raise Refusal(_l("There is no organ with this name."), field="organ")
    values: _Details = {
        "organ": organ,
        "name": cells["name"],
        "category": cells.get("category", ""),
        "valid_from": valid_from,
        "valid_to": valid_to,
    }
    officer = queries.find_by_card(normalise_card_number(cells["card_number"]))
    over = organ.valid_to is not None and organ.valid_to < clock.today()
    if over and (officer is None or officer.organ_id != organ.id):
        raise Refusal(_l("This organ has ended. Name the one that follows it."), field="organ")
    if officer is not None:
        changed = service.update_officer(officer=officer, staff_id=staff_id, **values)
        return None if changed else False
    service.add_officer(card_number=cells["card_number"], staff_id=staff_id, **values)
    return True
