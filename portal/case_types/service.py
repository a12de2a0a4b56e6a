"""Keeping the kinds of cases: those that ship with the portal, until a city sets its own periods."""

import csv
from pathlib import Path
from typing import Any

from portal.audit import service as audit
from portal.case_types.models import AtEnd, CaseType
from portal.case_types.queries import list_case_types
from portal.case_types.rules import DayUnit
from portal.db import db

FACTS = Path(__file__).parent / "data" / "case_types.csv"
NUMBERS = (
    "accept_within",
    "answer_within",
    "extend_by",
    "reopen_within",
    "contact_within",
    "rectify_within",
    "keep_months",
)
WORDS = ("key", "kind", "name", "name_en", "basis", "basis_en")


SETTINGS = (
    *NUMBERS, "name", "name_en", "basis", "basis_en", "accept_unit", "answer_unit",
    "pausable", "anonymous", "publishable", "at_end", "active",
)  # fmt: skip


def update_case_type(*, kind: CaseType, staff_id: int, settings: dict[str, Any]) -> list[str]:
    """Set what a kind of case is like from now on; return the names of what has changed.

    Cases that run keep their deadlines until they are worked out anew.
    """
    changed = [name for name in SETTINGS if getattr(kind, name) != settings[name]]
    if not changed:
        return []
    before = {name: str(getattr(kind, name)) for name in changed}
    for name in changed:
        setattr(kind, name, settings[name])
    db.session.flush()
    after = {name: str(getattr(kind, name)) for name in changed}
    audit.record("case_type.edit", f"case_type:{kind.key}", staff_id=staff_id, before=before, after=after)
    return changed


def load_facts() -> None:
    """Bring in the kinds of cases that ship and are not there yet; what a city has set stays."""
    known = {kind.key for kind in list_case_types()}
    with FACTS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["key"] not in known]
    for row in rows:
        made = CaseType(
            accept_unit=DayUnit(row["accept_unit"]),
            answer_unit=DayUnit(row["answer_unit"]),
            anonymous=row["anonymous"] == "1",
            publishable=row["publishable"] == "1",
            at_end=AtEnd(row["at_end"]),
        )
        for name in NUMBERS:
            setattr(made, name, int(row[name]))
        for name in WORDS:
            setattr(made, name, row[name])
        db.session.add(made)
    db.session.flush()
