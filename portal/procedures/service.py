"""Loading the procedures that ship with the portal; their sources are named in the data, step by step."""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from portal import clock
from portal.db import db
from portal.procedures import rules
from portal.procedures.models import Procedure, ProcedureStep
from portal.search import service as search
from portal.search.models import EntryKind

DATA = Path(__file__).parent / "data"


def load_facts() -> int:
    """Write the shipped procedures to the database, any number of times; return how many were new or changed."""
    changed = 0
    for path in sorted(DATA.glob("*.json")):
        changed += write_procedure(json.loads(path.read_text(encoding="utf-8")))
    return changed


def write_procedure(facts: dict[str, Any]) -> bool:
    """Write one procedure and its steps; False when it stands in the database just so."""
    words = {name: value for name, value in facts.items() if name != "steps"}
    procedure = db.session.scalar(
        sa.select(Procedure).options(selectinload(Procedure.steps)).where(Procedure.slug == facts["slug"])
    )
    if procedure is not None and is_same(procedure, words, facts["steps"]):
        return False
    if procedure is None:
        procedure = Procedure(slug=facts["slug"])
        db.session.add(procedure)
    for name, value in words.items():
        setattr(procedure, name, value)
    procedure.steps = [ProcedureStep(position=number, **step) for number, step in enumerate(facts["steps"])]
    db.session.flush()
    index_procedure(procedure)
    return True


def is_same(procedure: Procedure, words: dict[str, Any], steps: list[dict[str, str]]) -> bool:
    """Whether a procedure already says what the facts say."""
    if any(getattr(procedure, name) != value for name, value in words.items()) or len(procedure.steps) != len(steps):
        return False
    return all(
        getattr(step, name) == value
        for step, facts in zip(procedure.steps, steps, strict=True)
        for name, value in ({"branch": ""} | facts).items()
    )


def index_procedure(procedure: Procedure) -> None:
    """Enter a procedure into the search."""
    steps = " ".join(f"{step.branch} {step.title} {step.text} {step.limit}" for step in procedure.steps)
    entry = search.Entry(
        record_id=procedure.id,
        url=rules.path(procedure.slug),
        title=procedure.title,
        passage=f"{procedure.summary} {steps}",
        keywords=f"{procedure.title_en} {procedure.summary_en} {procedure.documents}",
        organ_id=procedure.organ_id,
        published_on=clock.local(procedure.created_at).date(),
    )
    search.index(EntryKind.PROCEDURE, entry)
