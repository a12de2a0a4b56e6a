"""Deciding what is masked in a decision, and confirming it. Callers hold the decision's row locked."""

from collections import Counter
from dataclasses import asdict

from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.db import db
from portal.decision_masking.queries import get_sheet, read_choices
from portal.decisions import rules as decisions
from portal.decisions.models import Decision, DecisionOriginal
from portal.decisions.service import original_texts
from portal.errors import Conflict, Refusal, TransitionError
from portal.masking.rules import Choices, same_passage
from portal.masking_sheets import rules
from portal.masking_sheets.rules import ADDABLE, REASONS, Group, Sheet
from portal.personal_data.rules import Finding


def leave_visible(*, decision: Decision, staff: Staff, number: int, why: str, seen: str) -> None:
    """Take the mark of something found away, with the reason why it is no personal datum.

    Raises Conflict when the sheet is not the one that was `seen`, Refusal for the party's own name or without a reason.
    """
    sheet = _seen_sheet(decision, seen)
    group = _get_group(sheet, number)
    if why not in REASONS:
        raise Refusal(_l("Choose why this is no personal datum."))
    if group.kind is Finding.NAME and same_passage(group.passage) == same_passage(decision.party.name):
        raise Refusal(_l("The party's name follows the city's setting and cannot be shown here."))
    _propose(decision, rules.leave(read_choices(decision), group, why))
    audit.record("decision.leave_visible", f"decision:{decision.id}", staff_id=staff.id, kind=group.kind, why=why)


def hide_again(*, decision: Decision, staff: Staff, number: int, seen: str) -> None:
    """Mask again what was left visible; refusals as in `leave_visible`."""
    group = _get_group(_seen_sheet(decision, seen), number)
    _propose(decision, rules.hide_again(read_choices(decision), group))
    audit.record("decision.hide_again", f"decision:{decision.id}", staff_id=staff.id, kind=group.kind)


def add_passage(*, decision: Decision, staff: Staff, passage: str, kind: Finding, seen: str) -> None:
    """Mask a passage wherever it stands; refusals as in `leave_visible`, and Refusal when it stands nowhere."""
    _seen_sheet(decision, seen)
    if not rules.is_passage(passage) or kind not in ADDABLE:
        raise Refusal(_l("Type at least two characters of what has to be hidden."), field="passage")
    if not rules.stands_in(passage, original_texts(decision).values()):
        raise Refusal(_l("This passage does not stand in the original. Copy it from there."), field="passage")
    _propose(decision, rules.add(read_choices(decision), kind, passage))
    audit.record("decision.hide", f"decision:{decision.id}", staff_id=staff.id, kind=kind)


def confirm(*, decision: Decision, staff: Staff, seen: str) -> None:
    """Confirm the masking: the public's words stand in the decision, and it may go on to its review.

    Raises Conflict when the sheet is not the one that was `seen`, Refusal when the punished one is a minor.
    """
    sheet = _seen_sheet(decision, seen)
    if sheet.blocked:
        raise Refusal(_l("The punished party is a minor. Such a decision is not published."))
    choices, original = read_choices(decision), _original(decision)
    _write(decision, sheet)
    kept = {name: [asdict(mark) for mark in marks] for name, marks in sheet.marks.items() if marks}
    original.marks = kept | choices.written()
    decision.masked_at = clock.now()
    decision.masked_by_id = staff.id
    db.session.flush()
    counts = Counter(group.kind.value for group in sheet.found)
    left = len(sheet.left)
    audit.record("decision.mask", f"decision:{decision.id}", staff_id=staff.id, found=dict(counts), left=left)


def confirm_plain(*, decision: Decision, staff: Staff, seen: str) -> None:
    """Confirm the masking of a decision in which nothing was found; refusals as in `confirm`."""
    if get_sheet(decision).found:
        raise Conflict(_l("Something was found in this decision meanwhile; look at it by itself."))
    confirm(decision=decision, staff=staff, seen=seen)


def _seen_sheet(decision: Decision, seen: str) -> Sheet:
    if decision.state not in decisions.EDITABLE:
        raise TransitionError(_l("Someone has taken this decision further meanwhile; below is its present state."))
    sheet = get_sheet(decision)
    if sheet.seen != seen:
        message = _l(
            "Somebody changed the text or its masking meanwhile. Nothing was saved; this is how it stands now."
        )
        raise Conflict(message)
    return sheet


def _get_group(sheet: Sheet, number: int) -> Group:
    return sheet.groups[number - 1] if 0 < number <= len(sheet.groups) else _no_group()


def _no_group() -> Group:
    raise Refusal(_l("Choose one of the findings."))


def _original(decision: Decision) -> DecisionOriginal:
    """Return the record of the original, made of the present words where a decision is older than masking."""
    if decision.original is None:
        decision.original = DecisionOriginal(texts=original_texts(decision), marks={})
    return decision.original


def _propose(decision: Decision, choices: Choices) -> None:
    """Keep other choices; what was confirmed before is a proposal again."""
    _original(decision).marks = choices.written()
    decision.masked_at = decision.masked_by_id = None
    _write(decision, get_sheet(decision, choices))
    db.session.flush()


def _write(decision: Decision, sheet: Sheet) -> None:
    for name, text in original_texts(decision).items():
        setattr(decision, name, sheet.public(name) if text else "")
