"""Ending a publication: withdrawn for a reason, ended early on credit repair, or over by its period."""

from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.db import db
from portal.decision_endings import rules
from portal.decisions.models import (
    CreditRepair,
    Decision,
    DecisionState,
    RepairState,
)
from portal.decisions.queries import withdrawal_notice
from portal.decisions.service import (
    public_words,
    refuse_step,
    take_step,
    weigh,
)
from portal.errors import Conflict, Forbidden, Refusal, TransitionError
from portal.i18n import day
from portal.search import service as search
from portal.search.models import EntryKind
from portal.transparency import service as transparency
from portal.transparency.models import LogAction

BATCH = 20


def order_withdrawal(*, decision: Decision, staff: Staff, ordered_on: date, order: str) -> None:
    """Put on record who ordered a withdrawal, and when: from that day three working days count.

    Raises TransitionError when the decision is not public or a withdrawal was ordered before, Refusal when the order
    is older than the decision.
    """
    refuse_step(decision, "order_withdrawal")
    if ordered_on < decision.decided_on:
        raise Refusal(_l("The order cannot be older than the decision."), field="ordered_on")
    if decision.withdrawal_ordered_on is not None:
        raise TransitionError(_l("A withdrawal of this decision was ordered before; below is what is on record."))
    take_step(decision, "order_withdrawal")
    decision.withdrawal_ordered_on, decision.withdrawal_order = ordered_on, order
    audit.record(
        "decision.order_withdrawal", f"decision:{decision.id}", staff_id=staff.id, ordered_on=ordered_on.isoformat()
    )


def withdraw(*, decision: Decision, staff: Staff, reason: str) -> None:
    """Take a decision down; the reason is public, masked by the rules (administrative penalty law, article 48).

    Refusals as in `refuse_withdrawal`.
    """
    refuse_withdrawal(decision)
    take_step(decision, "withdraw")
    decision.withdrawn_at = clock.now()
    decision.withdrawal_reason = public_words(decision, reason)
    hide(decision, LogAction.WITHDRAW)
    audit.record("decision.withdraw", f"decision:{decision.id}", staff_id=staff.id)


def refuse_withdrawal(decision: Decision) -> None:
    """Raise TransitionError when the decision is not public, Conflict while nobody's order is on record."""
    refuse_step(decision, "withdraw")
    if decision.withdrawal_ordered_on is None:
        raise Conflict(_l("Put on record first who ordered the withdrawal, and when."))


def refuse_unseen(decision: Decision, reason: str, seen: str) -> None:
    """Raise Conflict when a reason, as the public would read it, is not what somebody has seen who withdraws."""
    # What a form sends has line breaks of its own.
    if seen.splitlines() != public_words(decision, reason).splitlines():
        raise Conflict(_l("Look first at the reason as the public will read it; below is how it stands now."))


def hide(decision: Decision, action: LogAction) -> None:
    """Take a decision that is no longer public out of the search, and say so in the public log."""
    db.session.flush()
    search.remove(EntryKind.DECISION, decision.id)
    notice = withdrawal_notice(decision) if action is LogAction.WITHDRAW else None
    transparency.append(subject=f"decision:{decision.id}", action=action, content=notice)


def first_repair_day(decision: Decision) -> date | None:
    """Return the first day on which the publication of a decision may end early, None where no rule says so."""
    if decision.published_at is None:
        return None
    published_on = clock.local(decision.published_at).date()
    return rules.first_repair_day(
        weigh(decision), decided_on=decision.decided_on, published_on=published_on, today=clock.today()
    )


def refuse_repair(decision: Decision, applied_on: date) -> None:
    """Raise what speaks against credit repair: TransitionError, or Refusal with the rule."""
    refuse_step(decision, "stop_early")
    first_day = first_repair_day(decision)
    found = rules.find_obstacle(
        kind=decision.kind, measures=decision.measures or [], first_day=first_day, applied_on=applied_on
    )
    if found is None:
        return
    words = {
        rules.Obstacle.KIND: _l("Only the publication of penalties can end early."),
        rules.Obstacle.NEVER: _l(
            "Closure, revocation, restriction and the like stay public to the end of their period."
        ),
        rules.Obstacle.NO_RULE: _l("No rule in force says when this publication may end early."),
    }
    if found is rules.Obstacle.TOO_EARLY and first_day:
        raise Refusal(_l("This can be applied for from %(day)s on.", day=day(first_day)), field="applied_on")
    raise Refusal(words[found])


def find_outlook(decision: Decision) -> tuple[rules.Obstacle | None, date | None]:
    """Return what speaks against an application for credit repair today, and the first day on which one can be made."""
    first_day = first_repair_day(decision)
    obstacle = rules.find_obstacle(
        kind=decision.kind, measures=decision.measures or [], first_day=first_day, applied_on=clock.today()
    )
    return obstacle, first_day


def describe_obstacle(decision: Decision) -> object:
    """Return what speaks against credit repair today, nothing when an application can be entered."""
    try:
        refuse_repair(decision, clock.today())
    except Refusal as refusal:
        return refusal.message
    return ""


def apply_for_repair(*, decision: Decision, staff: Staff, applied_on: date, reason: str) -> CreditRepair:
    """Enter a party's application to end a publication early.

    Refusals as in `refuse_repair`, and Conflict while another application waits.
    """
    refuse_repair(decision, applied_on)
    waiting = sa.select(CreditRepair.id).where(
        CreditRepair.decision_id == decision.id, CreditRepair.state == RepairState.OPEN
    )
    if db.session.scalar(waiting.limit(1)) is not None:
        raise Conflict(_l("Another application for this decision waits already."))
    repair = CreditRepair(decision_id=decision.id, applied_on=applied_on, reason=reason, entered_by_id=staff.id)
    db.session.add(repair)
    db.session.flush()
    audit.record("decision.apply_for_repair", f"decision:{decision.id}", staff_id=staff.id, repair=repair.id)
    return repair


def decide_repair(*, decision: Decision, repair: CreditRepair, staff: Staff, granted: bool, answer: str) -> None:
    """Grant or refuse an application, by a second person; once granted the decision is public no longer.

    Raises Forbidden for whoever entered it, TransitionError when it or the decision went on meanwhile, Refusal when
    the conditions do not hold.
    """
    if staff.id == repair.entered_by_id:
        raise Forbidden(_l("You entered this application, so somebody else has to decide on it."))
    if repair.state is not RepairState.OPEN:
        raise TransitionError(_l("Someone has decided on this application meanwhile; below is its present state."))
    if granted:
        refuse_repair(decision, repair.applied_on)
    repair.state = RepairState.GRANTED if granted else RepairState.REFUSED
    repair.answer, repair.decided_by_id, repair.decided_at = answer, staff.id, clock.now()
    if granted:
        take_step(decision, "stop_early")
        decision.early_stop_on, decision.early_stop_reason = clock.today(), public_words(decision, answer)
        hide(decision, LogAction.EXPIRE)
    db.session.flush()
    step = "decision.stop_early" if granted else "decision.refuse_repair"
    audit.record(step, f"decision:{decision.id}", staff_id=staff.id, repair=repair.id)


def expire_some(on: date) -> int:
    """End the publication of some decisions whose last public day is before `on`; return how many, none when done.

    It may run twice at once, or again after it was interrupted.
    """
    statement = (
        sa.select(Decision)
        .where(Decision.state == DecisionState.PUBLISHED, Decision.publish_until < on)
        .order_by(Decision.publish_until, Decision.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    found = db.session.scalars(statement.execution_options(populate_existing=True)).all()
    for decision in found:
        take_step(decision, "expire")
        hide(decision, LogAction.EXPIRE)
        audit.record("decision.expire", f"decision:{decision.id}")
    return len(found)
