"""Correcting what is published: proposed and masked by one person, put before the public by another."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.db import db
from portal.decision_corrections import rules
from portal.decision_reviews.service import refuse_incomplete, refuse_personal_number, refuse_unchecked
from portal.decisions import rules as decision_rules
from portal.decisions.models import (
    CorrectionState,
    Decision,
    DecisionCorrection,
    DecisionOriginal,
)
from portal.decisions.queries import public_content
from portal.decisions.service import (
    VALUES,
    find_end,
    index_decision,
    masking_context,
    original_texts,
    public_words,
    refuse_step,
)
from portal.errors import Conflict, Forbidden, Refusal, TransitionError
from portal.masking.rules import Choices, Mark, find_marks, masked, same_passage
from portal.personal_data.rules import Finding
from portal.transparency import service as transparency
from portal.transparency.models import LogAction

COLUMNS = (*VALUES, "article_id")


def propose_correction(
    *, decision: Decision, staff: Staff, note: str, wanted: Mapping[str, Any], objected_on: date | None = None
) -> DecisionCorrection:
    """Propose other words or figures for a published decision; `wanted` are columns in the words of the original.

    Raises TransitionError when the decision is not public, Conflict while another proposal waits, Refusal when nothing
    would change.
    """
    refuse_step(decision, "correct")
    if any(row.state is CorrectionState.PROPOSED for row in decision.corrections):
        raise Conflict(_l("Another correction of this decision waits already. It has to be decided first."))
    present = present_values(decision)
    after = rules.find_changes(present, wanted)
    if not after:
        raise Refusal(_l("Nothing was changed."))
    texts = {name: text or "" for name, text in after.items() if name in decision_rules.TEXTS}
    correction = DecisionCorrection(
        decision_id=decision.id,
        note=public_words(decision, note),
        before={name: rules.to_json(present[name]) for name in after},
        after=after,
        masked={
            name: masked(texts[name], marks) for name, marks in mask(decision, texts, made_choices(decision)).items()
        },
        objected_on=objected_on,
        proposed_by_id=staff.id,
    )
    decision.corrections.append(correction)
    db.session.flush()
    audit.record("decision.propose_correction", f"decision:{decision.id}", staff_id=staff.id, columns=sorted(after))
    return correction


def present_values(decision: Decision) -> dict[str, Any]:
    """Return what a decision says, in the words of the original."""
    return {name: getattr(decision, name) for name in COLUMNS} | original_texts(decision)


def fingerprint(correction: DecisionCorrection) -> str:
    """Return what changes whenever the words do that a correction puts before the public."""
    seen = [correction.note, correction.after, correction.masked, str(correction.masked_at)]
    return hashlib.sha256(json.dumps(seen, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:20]


def mask(decision: Decision, texts: Mapping[str, str], choices: Choices) -> dict[str, list[Mark]]:
    """Return what is hidden in changed texts of a decision, by column."""
    context = masking_context(decision)
    return {name: find_marks(text, context, choices) for name, text in texts.items()}


def confirm_masking(*, decision: Decision, correction: DecisionCorrection, staff: Staff, choices: Choices) -> None:
    """Keep what a person confirmed to be masked in the changed texts.

    Raises TransitionError when the correction was decided on meanwhile, Refusal when the punished one is a minor or
    would be named in full.
    """
    refuse_decided(correction)
    texts = changed_texts(correction)
    marks = mask(decision, texts, choices)
    if any(mark.kind is Finding.MINOR_PARTY for found in marks.values() for mark in found):
        raise Refusal(_l("The punished party is a minor. Such a decision is not published."))
    left = {same_passage(passage) for kind, passage, _why in choices.left if kind is Finding.NAME}
    if same_passage(decision.party.name) in left:
        raise Refusal(_l("The party's name follows the city's setting and cannot be shown here."))
    correction.masked = {name: masked(text, marks[name]) for name, text in texts.items()}
    correction.marks = choices.written()
    correction.masked_at, correction.masked_by_id = clock.now(), staff.id
    db.session.flush()
    audit.record("decision.mask_correction", f"decision:{decision.id}", staff_id=staff.id, correction=correction.id)


def changed_texts(correction: DecisionCorrection) -> dict[str, str]:
    """Return the new words of a correction, in those of the original."""
    return {name: correction.after[name] or "" for name in correction.masked}


def made_choices(decision: Decision) -> Choices:
    """Return what people decided over the masking of a decision before."""
    return Choices.read(decision.original.marks if decision.original else {})


def apply_correction(*, decision: Decision, correction: DecisionCorrection, staff: Staff) -> None:
    """Put a correction before the public, by a second person, with its note.

    Raises Forbidden for whoever proposed or masked it, TransitionError when decision or correction went on meanwhile,
    Conflict while the masking is not confirmed, a figure or check is missing, or the document number is another's.
    """
    refuse_own(correction, staff)
    refuse_decided(correction)
    refuse_step(decision, "correct")
    if correction.masked and correction.masked_at is None:
        raise Conflict(_l("Nobody has confirmed yet what is masked in this text."))
    now = clock.now()
    write_unique(decision, correction)
    refuse_incomplete(decision)
    refuse_personal_number(decision)
    refuse_unchecked(decision)
    correction.state = CorrectionState.APPLIED
    correction.decided_by_id, correction.decided_at = staff.id, now
    decision.corrected_at = now
    if decision.published_at is not None:
        decision.publish_until = find_end(decision, clock.local(decision.published_at).date())
    db.session.flush()
    index_decision(decision)
    subject = f"decision:{decision.id}"
    transparency.append(subject=subject, action=LogAction.CORRECT, content=public_content(decision))
    audit.record("decision.correct", subject, staff_id=staff.id, correction=correction.id)


def write_values(decision: Decision, correction: DecisionCorrection) -> None:
    """Write what a correction changes: the original's words apart, the masked ones where the public reads."""
    present = present_values(decision)
    if any(rules.to_json(present[name]) != value for name, value in correction.before.items()):
        raise Conflict(
            _l("The decision is no longer what this correction was written for. Refuse it and write another.")
        )
    texts = original_texts(decision)
    for name, value in correction.after.items():
        if name in decision_rules.TEXTS:
            texts[name] = value or ""
            setattr(decision, name, correction.masked[name])
        else:
            setattr(decision, name, rules.from_json(name, value))
    if decision.original is None:
        decision.original = DecisionOriginal()
    decision.original.texts = texts
    if correction.masked_at is not None:
        decision.original.marks = dict(correction.marks)


def write_unique(decision: Decision, correction: DecisionCorrection) -> None:
    """Write what a correction changes; raises Conflict when the organ has another decision with this number."""
    try:
        with db.session.begin_nested(), db.session.no_autoflush:
            write_values(decision, correction)
            db.session.flush()
    except sa.exc.IntegrityError as problem:
        raise Conflict(_l("This organ already has a decision with this document number.")) from problem


def refuse_correction(*, decision: Decision, correction: DecisionCorrection, staff: Staff, answer: str) -> None:
    """Refuse a correction with a reason for those who proposed it; refusals as in `apply_correction`."""
    refuse_own(correction, staff)
    refuse_decided(correction)
    correction.state = CorrectionState.REFUSED
    correction.answer = answer
    correction.decided_by_id, correction.decided_at = staff.id, clock.now()
    db.session.flush()
    audit.record("decision.refuse_correction", f"decision:{decision.id}", staff_id=staff.id, correction=correction.id)


def refuse_own(correction: DecisionCorrection, staff: Staff) -> None:
    """Raise Forbidden for whoever proposed or masked a correction."""
    if staff.id in (correction.proposed_by_id, correction.masked_by_id):
        raise Forbidden(_l("You wrote or masked this correction, so somebody else has to decide on it."))


def refuse_decided(correction: DecisionCorrection) -> None:
    """Raise TransitionError when a correction was decided on already."""
    if correction.state is not CorrectionState.PROPOSED:
        raise TransitionError(_l("Someone has decided on this correction meanwhile; below is its present state."))
