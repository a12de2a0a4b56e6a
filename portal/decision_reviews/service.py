"""Handing decisions over, sending them back, publishing them by a second person; checks on record."""

from datetime import date

from flask_babel import lazy_gettext as _l
from flask_babel import pgettext

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.db import db
from portal.decision_reviews import queries
from portal.decision_reviews.rules import Gap
from portal.decisions.models import CheckKind, Decision, DecisionCheck
from portal.decisions.queries import fingerprint, public_content
from portal.decisions.service import find_end, index_decision, refuse_step, take_step
from portal.errors import Conflict, Forbidden
from portal.personal_data.rules import Finding, find_data
from portal.transparency import service as transparency
from portal.transparency.models import LogAction

CHECK_LABELS = {
    CheckKind.LEGAL_REVIEW: _l("Legal review"),
    CheckKind.RISK_ASSESSMENT: _l("Risk assessment"),
}


GAP_WORDS = {
    Gap.MEASURES: _l("Enter the kinds of penalty: they decide which checks it needs and how long it is public."),
    Gap.FINE: _l("Enter the sum of the fine: it decides which checks the penalty needs."),
    Gap.FINE_MEASURE: _l("A fine is entered, but not among the kinds of penalty."),
    Gap.ON_THE_SPOT: _l("This penalty cannot have been decided on the spot: only a warning or a small fine can."),
}

UNTOLD_LABELS = {
    "facts": _l("Facts"),
    "basis_text": _l("Basis"),
    "content": _l("What was decided"),
}


def submit(*, decision: Decision, staff: Staff) -> None:
    """Hand a draft over for review; refusals as in `refuse_submit`."""
    refuse_submit(decision)
    take_step(decision, "submit")
    decision.review_note = ""
    audit.record("decision.submit", f"decision:{decision.id}", staff_id=staff.id)


def refuse_submit(decision: Decision) -> None:
    """Raise TransitionError when a decision is no draft, Conflict while words, masking, figures or checks lack."""
    refuse_step(decision, "submit")
    refuse_untold(decision)
    refuse_incomplete(decision)
    refuse_personal_number(decision)
    refuse_unmasked(decision)
    refuse_unchecked(decision)


def send_back(*, decision: Decision, staff: Staff, note: str) -> None:
    """Send a decision back to its editors with a note for them; raises Forbidden and TransitionError."""
    refuse_own(decision, staff)
    take_step(decision, "send_back")
    decision.review_note = note
    decision.reviewed_by_id = staff.id
    audit.record("decision.send_back", f"decision:{decision.id}", staff_id=staff.id)


def publish(*, decision: Decision, staff: Staff) -> None:
    """Publish a reviewed decision for the period its class asks for; it can be found at once.

    Refusals as in `refuse_publish`.
    """
    refuse_publish(decision, staff)
    take_step(decision, "publish")
    decision.reviewed_by_id = staff.id
    decision.published_at = clock.now()
    decision.publish_until = until = find_end(decision, clock.today())
    db.session.flush()
    index_decision(decision)
    subject = f"decision:{decision.id}"
    transparency.append(subject=subject, action=LogAction.PUBLISH, content=public_content(decision))
    audit.record("decision.publish", subject, staff_id=staff.id, until=until.isoformat() if until else None)


def refuse_publish(decision: Decision, staff: Staff) -> None:
    """Raise what stands in the way of a publication.

    Forbidden for whoever wrote or masked the decision, TransitionError when nobody handed it over, Conflict while its
    masking is not confirmed, words, a figure or a check are missing, or when its period is over already.
    """
    refuse_own(decision, staff)
    refuse_step(decision, "publish")
    refuse_untold(decision)
    refuse_incomplete(decision)
    refuse_personal_number(decision)
    refuse_unmasked(decision)
    refuse_unchecked(decision)
    until = find_end(decision, clock.today())
    if until is not None and until < clock.today():
        raise Conflict(_l("The publication period of this decision is over already."))


def record_check(
    *,
    decision: Decision,
    staff: Staff,
    kind: CheckKind,
    document_number: str,
    concluded_on: date,
    passed: bool,
    note: str = "",
) -> DecisionCheck:
    """Put a legal review or risk assessment on record; what is on record is never changed, a newer one counts."""
    check = DecisionCheck(
        decision_id=decision.id,
        kind=kind,
        document_number=document_number,
        concluded_on=concluded_on,
        passed=passed,
        note=note,
        recorded_by_id=staff.id,
    )
    db.session.add(check)
    db.session.flush()
    audit.record("decision.check", f"decision:{decision.id}", staff_id=staff.id, kind=kind.value, passed=passed)
    return check


def refuse_own(decision: Decision, staff: Staff) -> None:
    """Raise Forbidden to whoever wrote, changed or masked a decision."""
    if staff.id in (decision.created_by_id, decision.edited_by_id, decision.masked_by_id):
        raise Forbidden(_l("You wrote, changed or masked this decision, so somebody else has to review it."))


def refuse_personal_number(decision: Decision) -> None:
    """Raise Conflict when the document number, which nothing masks, holds the number of an identity card."""
    found = find_data(decision.document_number, party_is_person=True)
    if any(hit.kind is Finding.IDENTITY_NUMBER and hit.end - hit.start > 15 for hit in found):
        raise Conflict(_l("The document number holds the number of an identity card. Everybody would read it."))


def refuse_untold(decision: Decision) -> None:
    """Raise Conflict while a decision lacks words that its public page needs, naming them; files may leave them out."""
    untold = queries.find_untold(decision)
    if untold:
        what = pgettext("list", ", ").join(str(UNTOLD_LABELS[name]) for name in untold)
        raise Conflict(_l("The public page needs what this decision does not say yet: %(what)s.", what=what))


def refuse_incomplete(decision: Decision) -> None:
    """Raise Conflict while a penalty does not say what its checks and its period depend on."""
    gap = queries.find_gap(decision)
    if gap:
        raise Conflict(GAP_WORDS[gap])


def refuse_unmasked(decision: Decision) -> None:
    """Raise Conflict until a person has confirmed the masking of the present text."""
    if decision.masked_at is None:
        raise Conflict(_l("Nobody has confirmed yet what is masked in this text."))


def refuse_unchecked(decision: Decision) -> None:
    """Raise Conflict while a check that the decision needs is not on record, naming what is missing."""
    missing = list(dict.fromkeys(need.check for need in queries.find_missing_checks(decision)))
    if missing:
        what = pgettext("list", ", ").join(str(CHECK_LABELS[CheckKind(check)]) for check in missing)
        raise Conflict(_l("This decision needs one on record that was passed: %(what)s.", what=what))


def refuse_stale(decision: Decision, seen: str | None) -> None:
    """Raise Conflict when a decision is no longer what somebody saw who wants to act on it."""
    if seen != fingerprint(decision):
        raise Conflict(_l("This decision was changed after you opened it. Below is how it stands now; look again."))
