"""Organs in spreadsheets; which headings and words are understood is data: `data/columns.csv` and `data/words.csv`.

An organ is known by its full name. One that only an imported row has named so far is confirmed by it.
"""

import hashlib
from pathlib import Path

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal.cells import fold
from portal.db import db
from portal.errors import Refusal
from portal.organs import rules, service
from portal.organs.models import Organ, OrganKind
from portal.registers import Cells, Outcome, Register, read_days, refuse_long, take_rows
from portal.spreadsheets import load_words

DATA = Path(__file__).parent / "data"
COLUMNS = DATA / "columns.csv"
REQUIRED = ("name",)
TEXTS = ("name_en", "short_name", "legal_ground", "address", "phone")
LIMITS = {"name": rules.MAX_NAME, "name_en": rules.MAX_NAME, "short_name": 30, "address": rules.MAX_NAME, "phone": 50}


def enter_organs(register: Register, *, staff_id: int | None = None) -> Outcome:
    """Write the good rows in the caller's transaction; an empty cell leaves what is there."""
    kinds = load_words(DATA / "words.csv")["kind"]
    return take_rows(register, key="name", required=REQUIRED, take=lambda cells: _take(cells, kinds, staff_id))


def _take(cells: Cells, kinds: dict[str, str], staff_id: int | None) -> bool | None:
    refuse_long(cells, LIMITS | {"legal_ground": rules.MAX_TEXT})
    organ = db.session.scalar(sa.select(Organ).where(Organ.name == cells["name"]))
    (valid_from,) = read_days(cells, "valid_from")
    texts = {name: cells.get(name) or (getattr(organ, name) if organ else "") for name in TEXTS}
    content = service.Content(
        **texts,
        name=cells["name"],
        slug=_slug(cells, organ),
        kind=_kind(cells, kinds, organ),
        credit_code=_credit_code(cells) or (organ.credit_code if organ else None),
        valid_from=valid_from or (organ.valid_from if organ else None),
    )
    if organ is None:
        service.enter_organ(content=content, staff_id=staff_id)
        return True
    return None if service.update_organ(organ=organ, content=content, staff_id=staff_id) else False


def _slug(cells: Cells, organ: Organ | None) -> str:
    written = cells.get("slug", "").lower()
    if written and not rules.is_slug(written):
        raise Refusal(_l("Use small letters, digits and hyphens, at most 60, such as market-regulation"), field="slug")
    if written:
        return written
    return organ.slug if organ else f"organ-{hashlib.sha256(cells['name'].encode()).hexdigest()[:10]}"


def _kind(cells: Cells, kinds: dict[str, str], organ: Organ | None) -> OrganKind:
    if not cells.get("kind"):
        return organ.kind if organ else OrganKind.STATUTORY
    found = kinds.get(fold(cells["kind"]))
    if found is None:
        raise Refusal(_l("This kind of organ is not known. Use statutory, authorised or entrusted."), field="kind")
    return OrganKind(found)


def _credit_code(cells: Cells) -> str | None:
    code = cells.get("credit_code", "").upper() or None
    if code and not rules.is_credit_code(code):
        message = _l("The unified social credit code is wrong: its check character does not fit.")
        raise Refusal(message, field="credit_code")
    return code
