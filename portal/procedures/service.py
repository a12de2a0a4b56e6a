"""Keeping procedures: those that ship with the portal, and what a city makes of them.

The sources of what ships are named in the data, step by step. What staff edited is theirs: no update writes over it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from portal import clock
from portal.audit import service as audit
from portal.db import db
from portal.errors import Conflict, NotFound, Refusal
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
    if procedure is not None and procedure.edited_at is not None:
        return False
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
        for name, value in ({"branch": "", "ends": False} | facts).items()
    )


def create_procedure(*, slug: str, words: Mapping[str, str], organ_id: int | None, staff_id: int) -> Procedure:
    """Enter a procedure of the city's own; raises Conflict when its address is taken."""
    if db.session.scalar(sa.select(Procedure.id).where(Procedure.slug == slug)) is not None:
        raise Conflict(_l("There is a procedure at this address."), field="slug")
    last = db.session.scalar(sa.select(sa.func.max(Procedure.position))) or 0
    procedure = Procedure(slug=slug, position=last + 1, steps=[])
    db.session.add(procedure)
    _write(procedure, words, organ_id)
    _edited(procedure, staff_id, "procedure.create")
    return procedure


def update_procedure(
    *, procedure: Procedure, words: Mapping[str, str], organ_id: int | None, seen: str, staff_id: int
) -> None:
    """Change what a procedure says; raises Conflict when somebody else changed it since it was `seen`."""
    if seen != stamp(procedure):
        raise Conflict(_l("Somebody else has changed this procedure meanwhile. Look at it again before you save."))
    changed = [name for name, value in words.items() if getattr(procedure, name) != value]
    _write(procedure, words, organ_id)
    _edited(procedure, staff_id, changed=changed)


def _write(procedure: Procedure, words: Mapping[str, str], organ_id: int | None) -> None:
    for name, value in words.items():
        setattr(procedure, name, value)
    procedure.organ_id = organ_id
    db.session.flush()


def keep_step(
    *, procedure: Procedure, step_id: int | None, words: Mapping[str, str], ends: bool, staff_id: int
) -> None:
    """Change a step, or add one at the end when none is named.

    Raises NotFound, Conflict when there are too many, Refusal when the first step would be a branch.
    """
    step = get_step(procedure, step_id) if step_id is not None else None
    if words["branch"] and (not procedure.steps or step is procedure.steps[0]):
        raise Refusal(_l("The first step cannot be a branch."), field="branch")
    if step is None:
        if len(procedure.steps) >= rules.MAX_STEPS:
            raise Conflict(_l("There are too many steps already."))
        step = ProcedureStep(position=len(procedure.steps))
        procedure.steps.append(step)
    for name, value in words.items():
        setattr(step, name, value)
    step.ends = ends
    _renumber(procedure.steps)
    _edited(procedure, staff_id, step=step.position + 1)


def remove_step(*, procedure: Procedure, step_id: int, staff_id: int) -> None:
    """Take a step out; raises NotFound."""
    step = get_step(procedure, step_id)
    procedure.steps.remove(step)
    _renumber(procedure.steps)
    _edited(procedure, staff_id, removed=step.title)


def raise_step(*, procedure: Procedure, step_id: int, staff_id: int) -> None:
    """Move a step up by one place; raises NotFound, Refusal when a branch would come first."""
    ordered = list(procedure.steps)
    place = ordered.index(get_step(procedure, step_id))
    if not place:
        return
    ordered[place - 1], ordered[place] = ordered[place], ordered[place - 1]
    if ordered[0].branch:
        raise Refusal(_l("The first step cannot be a branch."))
    _renumber(ordered)
    db.session.expire(procedure, ["steps"])
    _edited(procedure, staff_id, moved=place + 1)


def _renumber(ordered: Sequence[ProcedureStep]) -> None:
    for place, step in enumerate(ordered):
        step.position = place
    db.session.flush()


def get_step(procedure: Procedure, step_id: int) -> ProcedureStep:
    """Return a step of a procedure; raises NotFound."""
    found = next((step for step in procedure.steps if step.id == step_id), None)
    if found is None:
        raise NotFound(_l("There is no such step."))
    return found


def find_shipped(slug: str) -> dict[str, Any] | None:
    """Return the facts that ship for a procedure, or None for one of the city's own."""
    for path in sorted(DATA.glob("*.json")):
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if facts["slug"] == slug:
            return facts
    return None


def restore_procedure(*, procedure: Procedure, staff_id: int) -> None:
    """Go back to what ships; from then on updates reach the procedure again. Raises NotFound for one of the city's."""
    facts = find_shipped(procedure.slug)
    if facts is None:
        raise NotFound(_l("Nothing ships for this procedure."))
    procedure.edited_at = None
    write_procedure(facts)
    audit.record("procedure.restore", f"procedure:{procedure.id}", staff_id=staff_id)


def stamp(procedure: Procedure) -> str:
    """Return what tells one state of a procedure from the next."""
    return procedure.edited_at.isoformat() if procedure.edited_at else ""


def _edited(procedure: Procedure, staff_id: int, action: str = "procedure.edit", **details: Any) -> None:
    procedure.edited_at = clock.now()
    db.session.flush()
    index_procedure(procedure)
    audit.record(action, f"procedure:{procedure.id}", staff_id=staff_id, **details)


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
